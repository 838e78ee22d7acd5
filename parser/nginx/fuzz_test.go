package nginx

import (
	"bytes"
	"testing"

	"rewright/parser/source"
)

var fuzzSeeds = []string{
	"", "root /x;\n", "server {\n\tlisten 80; # c\n}\n# end", "a b;\r\n# c\r\nd {\r\n}\r\n", "a # x\n b # y\n ;",
	"content_by_lua_block { x = \"}\" -- }\n [[ } ]] }\n", "server { a b", "; } { }", "a \"b;\nc d;", "a \"b\"c;", "\ufeffa b;",
	"a \x00;\x00", "a\rb;\r", "a \xe9;", "x_by_lua_block { [[", "a ${b}${ {;}", "a \\", "{{{{}}}}",
	"location / {\n root /x\n index a\n}\n", "if ( $a ~* \"^(?<n>x){2}\" ) { return 301 $n; }", "map $a $b { hostnames; *.x 1; ~*^(y) $1; default z; }",
	"geo $g { ranges; 1.2.3.4-1.2.3.5 a; }", "split_clients $a $b { 0.5% x; * y; }", "rewrite ^/a{2}$ /b last;", "server_name ~^(?<a>b) *.c .d;",
	"listen [::]:80 default_server; listen 80-90;", "error_page 404 =200 /x; try_files $uri =404; expires @1h;", "include a; include *.b;",
}

// checkSpans tells whether the nodes lie in order, inside of their parent, and only blanks lie between them.
func checkSpans(t *testing.T, f *File, list []Node, within source.Span) {
	at := within.Start
	for _, n := range list {
		s := n.Span()
		if s.Start < at || s.End < s.Start || !within.Contains(s) {
			t.Fatalf("node %v after %d, inside %v", s, at, within)
		}
		at = s.End
		d, ok := n.(*Directive)
		if !ok {
			continue
		}
		last := s.Start
		for _, w := range append([]Word{d.Name}, d.Args...) {
			if w.Span.Len() > 0 && (w.Span.Start < last || !s.Contains(w.Span)) {
				t.Fatalf("word %v of %v", w.Span, s)
			}
			last = max(last, w.Span.End)
		}
		if d.Block != nil {
			end := s.End
			if d.Block.Closed {
				end = d.Block.Close.Start
			}
			checkSpans(t, f, d.Block.Nodes, source.Span{Start: d.End.End, End: end})
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := Parse(source.NewFile("x", text))
		if got := file.Print(); !bytes.Equal(got, text) {
			t.Fatalf("%q printed as %q", text, got)
		}
		whole := source.NewSpan(0, len(text))
		checkSpans(t, file, file.Nodes, whole)
		for _, d := range file.Diagnostics {
			if !whole.Contains(d.Span) {
				t.Fatalf("diagnostic %q at %v", d.Message, d.Span)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	for i, s := range fuzzSeeds {
		f.Add([]byte(s), i)
	}
	f.Fuzz(func(t *testing.T, text []byte, context int) {
		c := contextsByWidth[uint(context)%4]
		open := func(name string) (*source.File, error) { return source.NewFile(name, text[:len(text)/2]), nil }
		config := Read(source.NewFile("x", text), Env{Context: c, Open: open})
		if len(config.lines) != len(config.Diagnostics) {
			t.Fatal("lines and diagnostics differ in number")
		}
		for i, d := range config.Diagnostics {
			if !source.NewSpan(0, len(d.File.Text)).Contains(d.Span) || d.Span.End < d.Span.Start {
				t.Fatalf("%s: %v outside of the file", d.Message, d.Span)
			}
			if d.Refuses && d.ServerMessage == "" || d.Severity == 0 || d.Message == "" || config.lines[i] < 0 {
				t.Fatalf("incomplete: %+v", d)
			}
		}
		again := Read(source.NewFile("x", text), Env{Context: c, Open: open, Fragment: true})
		if again.Refusal() != nil && config.Refusal() == nil {
			t.Fatalf("a fragment is refused, the whole is not: %s", again.Refusal().Message)
		}
	})
}
