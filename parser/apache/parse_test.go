package apache

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/parser/source"
)

// shape writes a tree in one line: directives as name(arg,arg), sections as <name(args) … >, # and . for comments and blanks.
func shape(nodes []Node) string {
	var out []string
	for _, n := range nodes {
		switch n := n.(type) {
		case *Blank:
			out = append(out, ".")
		case *Comment:
			out = append(out, "#")
		case *Directive:
			out = append(out, call(n))
		case *Section:
			s := "<" + call(&n.Head)
			if body := shape(n.Body); body != "" {
				s += " " + body
			}
			if n.Closed {
				s += " >"
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

func call(d *Directive) string {
	var args []string
	for _, a := range d.Args {
		args = append(args, a.Text)
	}
	s := d.Name.Text + "(" + strings.Join(args, ",") + ")"
	if d.Fault != "" {
		s += "!"
	}
	return s
}

func TestTree(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"words", "SetEnv a  b\n", "SetEnv(a,b)"},
		{"no line end", "SetEnv a b", "SetEnv(a,b)"},
		{"CR LF", "SetEnv a b\r\nSetEnv c\r\n", "SetEnv(a,b) SetEnv(c)"},
		{"a lone CR is a blank", "SetEnv a\rb\n", "SetEnv(a,b)"},
		{"quotes", `SetEnv "a b" 'c "d' e"f"`, `SetEnv(a b,c "d,e"f")`},
		{"escapes in quotes", `SetEnv "a\"b\\c\d"`, `SetEnv(a"b\c\d)`},
		{"escapes without quotes", `SetEnv a\\b\"c`, `SetEnv(a\b\"c)`},
		{"glued to a closing quote", `SetEnv "a"b`, "SetEnv(a,b)"},
		{"unclosed quote", `SetEnv "a b`, "SetEnv(a b)"},
		{"continuation", "SetEnv a \\\n  b\n", "SetEnv(a,b)"},
		{"continuation inside a word", "SetEnv ab\\\r\ncd\n", "SetEnv(abcd)"},
		{"continuation onto nothing", "SetEnv a\\\n\nSetEnv b\n", "SetEnv(a) SetEnv(b)"},
		{"backslash and blank do not continue", "SetEnv a \\ \nSetEnv b\n", `SetEnv(a,\) SetEnv(b)`},
		{"comment swallows the next line", "# a \\\nSetEnv a\nSetEnv b\n", "# SetEnv(b)"},
		{"NUL ends the line", "SetEnv a\x00b c\nSetEnv d\n", "SetEnv(a) SetEnv(d)"},
		{"rule: no unescaping", `RewriteRule "a\"b" c`, `RewriteRule(a\,b",c)`},
		{"rule: escaped blank", `RewriteRule a\ b c\\d [L] # x`, `RewriteRule(a\ b,c\\d,[L])`},
		{"rule: a backslash before a blank hides it, whatever stands before", `RewriteRule a c\\ [L]`, `RewriteRule(a,c\\ [L])`},
		{"rule: one quoted argument", `RewriteRule "^a$"`, "RewriteRule(^a$,)"},
		{"rule: one bare argument", "RewriteRule ^a$", "RewriteRule(^a$)!"},
		{"rule: unclosed target swallows the flags", `RewriteRule a "b [L]`, "RewriteRule(a,b [L])"},
		{"rule: no argument", "RewriteRule", "RewriteRule()!"},
		{"quoted name", `"RewriteRule" a b`, "RewriteRule(a,b)"},
		{"sections", "<IfModule a>\n<Files \"x y\">\n</Files>\n</IfModule>\n", "<IfModule(a) <Files(x y) > >"},
		{"last bracket counts", "<IfModule a> # <b> c\n</IfModule>", "<IfModule(a>,#,<b) >"},
		{"no argument", "<Else>\n</Else>", "<Else() >"},
		{"letter case", "<files a>\n</FILES>", "<files(a) >"},
		{"stray end", "SetEnv a\n</Files>\nSetEnv b\n", "SetEnv(a) </Files>() SetEnv(b)"},
		{"inner section never closed", "<A x>\n<B y>\nC\n</A>\nD\n", "<A(x) <B(y) C() > D()"},
		{"never closed", "<A x>\nB\n", "<A(x) B()"},
		{"blanks", "\n \t\nA\n\n", ". . A() ."},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := checkTree(t, []byte(c.in))
			if diff := cmp.Diff(c.want, shape(tree.Nodes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string // name and arguments as written
	}{
		{"plain", "  SetEnv a  \"b c\" \n", []string{"SetEnv", "a", `"b c"`}},
		{"continued", "SetEnv a\\\nb c\\\n d\n", []string{"SetEnv", "a\\\nb", "c", "d"}},
		{"rule", `RewriteRule 'a b' c [R=301,L] x`, []string{"RewriteRule", "'a b'", "c", "[R=301,L]"}},
		{"section", "<Files ~ \"x\"> y\n", []string{"Files", "~", `"x"`}},
		{"section without arguments", "<Else>\n", []string{"Else"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := source.NewFile("f", []byte(c.in))
			var d *Directive
			switch n := Parse(f).Nodes[0].(type) {
			case *Directive:
				d = n
			case *Section:
				d = &n.Head
			}
			got := []string{f.Slice(d.Name.Span)}
			for _, a := range d.Args {
				got = append(got, f.Slice(a.Span))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
