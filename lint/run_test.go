package lint_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

func htaccess(name, text string) lint.Input {
	return lint.Input{File: source.NewFile(name, []byte(text)), Server: ir.Apache, Context: ir.ContextHtaccess}
}

func nginxServer(name, text string) lint.Input {
	return lint.Input{File: source.NewFile(name, []byte(text)), Server: ir.Nginx, Context: ir.ContextServer}
}

func codes(list []diag.Diagnostic) string {
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s:%d %s", d.File.Name, d.File.Line(d.Span.Start), d.Code))
	}
	return strings.Join(out, ", ")
}

const twoFaults = "RewriteEngine On\nRewriteRule ^a$ /b[L]\nRewriteRule ^b$ - [R=301]\n"

func TestSelection(t *testing.T) {
	for _, c := range []struct {
		name           string
		choose, ignore []string
		want           string
	}{
		{"all that are on", nil, nil, "f:2 RD004, f:3 RD306"},
		{"one code", []string{"RD004"}, nil, "f:2 RD004"},
		{"one name", []string{"redirect-without-target"}, nil, "f:3 RD306"},
		{"beginning of codes", []string{"RD3"}, nil, "f:3 RD306"},
		{"letter case of codes", []string{"rd0"}, nil, "f:2 RD004"},
		{"ignore a name", nil, []string{"flags-glued-to-target"}, "f:3 RD306"},
		{"ignore beats select", []string{"RD"}, []string{"RD0"}, "f:3 RD306"},
		{"all", []string{"all"}, nil, "f:2 RD004, f:3 RD306"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := lint.Run(context.Background(), lint.Options{Rules: rules.All(), Select: c.choose, Ignore: c.ignore}, htaccess("f", twoFaults))
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(r.Findings); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	for _, word := range []string{"RD9999", "no-such-rule", "X"} {
		if _, err := lint.Run(context.Background(), lint.Options{Rules: rules.All(), Select: []string{word}}, htaccess("f", "")); err == nil ||
			!strings.Contains(err.Error(), word) {
			t.Errorf("selecting %s: error %v", word, err)
		}
	}
}

func TestSeverityOverride(t *testing.T) {
	text := twoFaults + "RewriteRule ^c$ /d [R=301, L]\n"
	r, err := lint.Run(context.Background(), lint.Options{Rules: rules.All(),
		Severity: map[string]diag.Severity{"RD004": diag.Info, "RD003": diag.Info}}, htaccess("f", text))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]diag.Severity{}
	for _, d := range r.Findings {
		got[d.Code] = d.Severity
	}
	want := map[string]diag.Severity{"RD004": diag.Info, "RD306": diag.Error, "RD003": diag.Error}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what refuses the file stays an error:\n%s", diff)
	}
}

func TestFails(t *testing.T) {
	info := "RewriteEngine On # x\n"
	for _, c := range []struct {
		name, text string
		at         diag.Severity
		want       bool
	}{
		{"error at warning", twoFaults, diag.Warning, true},
		{"error at error", twoFaults, diag.Error, true},
		{"info at warning", info, diag.Warning, false},
		{"info at info", info, diag.Info, true},
		{"nothing at style", "RewriteEngine On\n", diag.Style, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := lint.Run(context.Background(), lint.Options{Rules: rules.All()}, htaccess("f", c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Fails(c.at); got != c.want {
				t.Errorf("%v with %s", got, codes(r.Findings))
			}
		})
	}
}

func TestSuppression(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"line above", "# lint:ignore RD004 -- so it is\nRewriteRule ^a$ /b[L]\n", ""},
		{"by name", "# lint:ignore flags-glued-to-target\nRewriteRule ^a$ /b[L]\n", ""},
		{"two codes", "# lint:ignore RD306, RD002\nRewriteRule ^a$ - [R,DX]\n", ""},
		{"not two lines above", "# lint:ignore RD004\n\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:3 RD004"},
		{"another comment between", "# lint:ignore RD004\n# because\nRewriteRule ^a$ /b[L]\n", ""},
		{"only the next directive", "# lint:ignore RD004\nRewriteRule ^a$ /b[L]\nRewriteRule ^c$ /d[L]\n", "f:3 RD004"},
		{"continued line", "# lint:ignore RD004\nRewriteRule ^a$ \\\n  /b[L]\n", ""},
		{"whole file", "RewriteRule ^a$ /b[L]\nRewriteRule ^c$ /d[L]\n# lint:ignore-file RD004\n", ""},
		{"another rule", "# lint:ignore RD003\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:2 RD004"},
		{"unknown", "# lint:ignore RD4004\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:2 RD004"},
		{"what the server refuses", "# lint:ignore RD003\nRewriteRule ^a$ /b [R, L]\n", ""},
		{"CRLF", "# lint:ignore RD004\r\nRewriteRule ^a$ /b[L]\r\n", ""},
		{"head, not body", "# lint:ignore RD004\n<IfModule mod_rewrite.c>\nRewriteRule ^a$ /b[L]\n</IfModule>\n", "f:1 RD990, f:3 RD004"},
		{"another word", "# lint:ignored RD004\nRewriteRule ^a$ /b[L]\n", "f:2 RD004"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := lint.Run(context.Background(), lint.Options{Rules: rules.All(), Ignore: []string{"RD101"}}, htaccess("f", c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(r.Findings); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSuppressionNginx(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"end of the line", "return 301; # lint:ignore RD306\n", ""},
		{"line above", "# lint:ignore RD306\nreturn 301;\n", ""},
		{"end of the line before", "autoindex on; # lint:ignore RD306\nreturn 301;\n", "f:1 RD990, f:2 RD306"},
		{"inside the directive", "return # lint:ignore RD306\n  301;\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := lint.Input{File: source.NewFile("f", []byte(c.text)), Server: ir.Nginx, Context: ir.ContextServer}
			r, err := lint.Run(context.Background(), lint.Options{Rules: rules.All()}, in)
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(r.Findings); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestOrder runs many files at once: the result is that of one worker.
func TestOrder(t *testing.T) {
	var inputs []lint.Input
	for i := range 40 {
		inputs = append(inputs, htaccess(fmt.Sprintf("%02d", (i*7)%40), twoFaults))
	}
	one, err := lint.Run(context.Background(), lint.Options{Rules: rules.All(), Workers: 1}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	many, err := lint.Run(context.Background(), lint.Options{Rules: rules.All(), Workers: 8}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(codes(one.Findings), codes(many.Findings)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(codes(one.Findings), "00:2 RD004, 00:3 RD306, 01:2") {
		t.Error("findings are not sorted by file and place")
	}
}

// TestIncluded checks files that other files include: each fault is told once, in the file it stands in.
func TestIncluded(t *testing.T) {
	texts := map[string]string{
		"nginx.conf": "events {}\nhttp {\n server {\n include part.conf;\n }\n}\n",
		"part.conf":  "location /a {\n return 301;\n}\n",
		"a.conf":     "include b.conf;\nautoindex on;\nreturn 301;\n",
		"b.conf":     "include a.conf;\nindex x;\n",
	}
	in := func(name string, where ir.Context) lint.Input {
		return lint.Input{File: source.NewFile(name, []byte(texts[name])), Server: ir.Nginx, Context: where,
			Open: func(n string) (*source.File, error) {
				text, ok := texts[n]
				if !ok {
					return nil, fs.ErrNotExist
				}
				return source.NewFile(n, []byte(text)), nil
			}}
	}
	for _, c := range []struct {
		name   string
		inputs []lint.Input
		want   string
	}{
		{"the part alone", []lint.Input{in("part.conf", ir.ContextMain)}, "part.conf:1 RD106, part.conf:2 RD306"},
		{"part before whole", []lint.Input{in("part.conf", ir.ContextMain), in("nginx.conf", ir.ContextMain)}, "part.conf:2 RD306"},
		{"whole before part", []lint.Input{in("nginx.conf", ir.ContextMain), in("part.conf", ir.ContextMain)}, "part.conf:2 RD306"},
		{"the same file twice", []lint.Input{in("nginx.conf", ir.ContextMain), in("nginx.conf", ir.ContextMain)}, "part.conf:2 RD306"},
		{"in a circle", []lint.Input{in("a.conf", ir.ContextServer), in("b.conf", ir.ContextServer)}, "a.conf:3 RD306, b.conf:1 RD029"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := lint.Run(context.Background(), lint.Options{Rules: rules.All()}, c.inputs...)
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(r.Findings); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lint.Run(ctx, lint.Options{Rules: rules.All()}, htaccess("f", twoFaults)); err == nil {
		t.Error("no error though the context has ended")
	}
}

// FuzzCheck states what holds for every text: no panic, places inside the file, fixes that can be applied.
func FuzzCheck(f *testing.F) {
	for _, r := range rules.All() {
		for _, e := range r.Doc.Examples {
			f.Add(e.Before, e.Server == ir.Nginx)
		}
	}
	f.Fuzz(func(t *testing.T, text string, nginx bool) {
		in := htaccess("f", text)
		if nginx {
			in.Server, in.Context = ir.Nginx, ir.ContextServer
		}
		list, err := lint.Check(lint.Options{Rules: rules.All()}, lint.Load(in))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.Code == "" || d.Name == "" || d.Severity == 0 || d.Message == "" {
				t.Errorf("incomplete: %+v", d)
			}
			if d.Span.Start < 0 || d.Span.End < d.Span.Start || int(d.Span.End) > len(text) {
				t.Errorf("%s: place %v is not in the file of %d bytes", d.Code, d.Span, len(text))
			}
			if strings.ContainsAny(d.Message, "\n") {
				t.Errorf("%s: the message has more than one line: %q", d.Code, d.Message)
			}
			for _, fix := range d.Fixes {
				if _, err := source.Apply([]byte(text), fix.Edits); err != nil {
					t.Errorf("%s: %q: %v", d.Code, fix.Title, err)
				}
			}
		}
	})
}

func benchmark(b *testing.B, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lint.Run(context.Background(), lint.Options{Rules: rules.All()}, htaccess(".htaccess", text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMinimal(b *testing.B) { benchmark(b, "Redirect 301 /a /b\n") }

func BenchmarkTypical(b *testing.B) {
	var t strings.Builder
	t.WriteString("<IfModule mod_rewrite.c>\nRewriteEngine On\n")
	for i := range 19 {
		fmt.Fprintf(&t, "RewriteCond %%{HTTP_HOST} ^h%d\\.example$ [NC]\nRewriteCond %%{REQUEST_FILENAME} !-f\nRewriteRule ^old%d/(.*)$ https://new.example/%d/$1 [R=301,L]\n", i, i, i)
	}
	t.WriteString("</IfModule>\n")
	benchmark(b, t.String())
}

func BenchmarkHuge(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmark(b, manyRules(n)) })
	}
}

func manyRules(n int) string {
	var t strings.Builder
	t.WriteString("RewriteEngine On\n")
	for i := range n / 2 {
		fmt.Fprintf(&t, "RewriteRule ^old/page-%d$ https://www.example.com/new/page-%d [R=301,L]\nRedirect 301 /p/%d /q/%d\n", i, i, i, i)
	}
	return t.String()
}
