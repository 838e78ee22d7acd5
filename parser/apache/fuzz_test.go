package apache

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// hardTexts are what texts go wrong on: ends of files, odd bytes, odd quotes, odd nesting.
var hardTexts = []string{"", "\n", "\r", "\r\n", " ", "\\", "\\\n", "\\\r\n", "a", "a\\", "a\\\n", "a\\\n\\\nb", "#\\\nb\nc", "\xef\xbb\xbfRewriteEngine On\n",
	"Rew\x00rite\nOn\n", "a\x00\\\nb\n", "a \\\n\x00b\nc", "<", "<>", "</", "</>", "<a", "<a>", "<a b", "<a>\n</b>\n</a>", "<a>\n<b>\n</a>\n</b>\n", "\"<a\" b>\n</a>",
	"<\\\n/a>\n", "<IfModule mod_rewrite.c>\nRewriteRule a b [L]\n</IfModule>", "<IfModule nope.c>\n<Files x>\n</IfModule>\n", "<IfModule mod_alias.c>\n<Files x>\n",
	"RewriteRule ^a b [R=301,L", "RewriteRule 'a' \"b c\" [L] # x\n", "RewriteRule a\\ b c\\ ", "RewriteCond %{A} \"x [NC]\nRewriteRule", "RewriteCond expr \"%{REQUEST_URI} =~ m#a#i\"\n",
	"Redirect 301 \"/a b\" 'x\\'y'", "Redirect /a /b # c\n", "SetEnvIf a \\\\ b\n", "Define A b\nRewriteRule ${A} ${B} [${A}]\n", "${A}\n", "<${A} x>\n</A>\n",
	"<Macro m $x>\nFoo $x\n</Macro>\nUse m y\nUse n\n", "<Macro m>\n</Limit>\n</Macro>\n<Limit GET>\nUse m\n", "caf\xe9 \xff\xa0x\n", "<If \"((((%{A}\">\n</If>\n<Else>\n</Else>\n",
	"RewriteRule a ${m:${n:$1|%{X}}|y}\\$1%%2 [E=a:b,CO=x,,]\n", "<VirtualHost *:80>\n<VirtualHost *:80>\n", "Include x\n", "Options a +b\nHeader edit X ( y\n"}

func FuzzParse(f *testing.F) {
	for _, s := range hardTexts {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkTree(t, text) })
}

// checkTree holds the laws of a tree: it prints back, and its spans nest, in order, without holes.
func checkTree(t *testing.T, text []byte) *File {
	t.Helper()
	tree := Parse(source.NewFile("f", text))
	if got := tree.Print(); !bytes.Equal(got, text) {
		t.Fatalf("%q prints back as %q", text, got)
	}
	at := int32(0)
	tree.leaves(func(s source.Span) {
		if s.Start != at || s.End < s.Start {
			t.Fatalf("%q: a leaf at %v, expected at %d", text, s, at)
		}
		at = s.End
	})
	if int(at) != len(text) {
		t.Fatalf("%q: leaves end at %d of %d", text, at, len(text))
	}
	var walk func(nodes []Node, in source.Span)
	walk = func(nodes []Node, in source.Span) {
		for _, n := range nodes {
			if !in.Contains(n.Span()) {
				t.Fatalf("%q: node at %v leaves %v", text, n.Span(), in)
			}
			switch n := n.(type) {
			case *Directive:
				checkWords(t, text, n)
			case *Section:
				checkWords(t, text, &n.Head)
				walk(n.Body, n.Span())
			}
		}
	}
	walk(tree.Nodes, source.NewSpan(0, len(text)))
	for _, d := range tree.Diagnostics {
		if !source.NewSpan(0, len(text)).Contains(d.Span) || d.Message == "" || d.Code == "" {
			t.Fatalf("%q: diagnostic %+v", text, d)
		}
	}
	return tree
}

func checkWords(t *testing.T, text []byte, d *Directive) {
	t.Helper()
	if !d.Span().Contains(d.Line) || !d.Line.Contains(d.Name.Span) || !d.Line.Contains(d.ArgText.Span) {
		t.Fatalf("%q: line %v, name %v and arguments %v of the directive at %v", text, d.Line, d.Name.Span, d.ArgText.Span, d.Span())
	}
	at := d.Name.Span.End
	for _, a := range d.Args {
		if !d.Line.Contains(a.Span) || a.Span.Start < at || a.Span.End < a.Span.Start {
			t.Fatalf("%q: argument %q at %v of the line at %v, after %d", text, a.Text, a.Span, d.Line, at)
		}
		at = a.Span.End
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range hardTexts {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(2))
	}
	f.Fuzz(func(t *testing.T, text []byte, context uint8) {
		tree := Parse(source.NewFile("f", text))
		env := Env{Context: []ir.Context{ir.ContextHtaccess, ir.ContextVhost, ir.ContextServer}[context%3],
			Defines: map[string]string{"A": "RewriteRule", "B": "\"x\\ y"}, Environ: map[string]string{"C": ""}}
		env.Open = func(name string) (*source.File, error) { return source.NewFile("f"+name, text), nil }
		cfg := Read(tree, env)
		for _, d := range cfg.Diagnostics {
			whole := source.NewSpan(0, len(d.File.Text))
			if !whole.Contains(d.Span) || d.Message == "" || d.Name == "" {
				t.Fatalf("%q: diagnostic %+v", text, d)
			}
			if d.Refuses && (d.Code == "" || d.ServerMessage == "") {
				t.Fatalf("%q: a refusal without code or httpd's words: %+v", text, d)
			}
		}
		var walk func(nodes []ConfigNode)
		walk = func(nodes []ConfigNode) {
			for _, n := range nodes {
				d, body := (*Directive)(nil), []ConfigNode(nil)
				switch n := n.(type) {
				case *ConfigDirective:
					d = n.Directive
				case *ConfigSection:
					d, body = &n.Head, n.Body
				}
				for _, a := range d.Args {
					if !d.Line.Contains(a.Span) {
						t.Fatalf("%q: argument %q at %v of the line at %v", text, a.Text, a.Span, d.Line)
					}
					ParseTemplate(a)
					ParseFlags(a, false)
					ParseExpr(a.Text, a.Span, ExprOptions{})
					ParseExprString(a.Text, a.Span, ExprOptions{})
				}
				walk(body)
			}
		}
		walk(cfg.Nodes)
	})
}

// TestLinear reads texts that would show a cost that grows faster than the text.
func TestLinear(t *testing.T) {
	const n = 20000
	for _, c := range []struct{ name, text string }{
		{"one long line", "RewriteRule a " + strings.Repeat("b", n*10)},
		{"only continuations", strings.Repeat("\\\n", n)},
		{"words on continued lines", "SetEnvIf " + strings.Repeat("a \\\n", n)},
		{"variables on continued lines", "SetEnvIf " + strings.Repeat("${A} \\\n", n)},
		{"open braces", "RewriteRule a " + strings.Repeat("${", n)},
		{"nested lookups", "RewriteRule a " + strings.Repeat("${a:", n) + strings.Repeat("}", n)},
		{"nested sections", strings.Repeat("<Files a>\n", n)},
		{"sections that never match", strings.Repeat("<A>\n</B>\n", n)},
		{"nested conditions", strings.Repeat("<IfModule mod_alias.c>\n", n)},
		{"nested false conditions", strings.Repeat("<IfModule nope.c>\n", n)},
		{"nested parentheses", "<If \"" + strings.Repeat("(", n) + "\">\n"},
		{"long conjunction", "<If \"true" + strings.Repeat(" && true", n) + "\">\n"},
		{"flags", "RewriteRule a b [" + strings.Repeat("L,", n) + "]"},
		{"no line ends", strings.Repeat("a\r", n)},
		{"NULs", strings.Repeat("a\x00\n", n)},
		{"uses of a macro", "<Macro m>\nSetEnv a b\n</Macro>\n" + strings.Repeat("Use m\n", n)},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			defer func() {
				if d := time.Since(start); d > 30*time.Second {
					t.Errorf("%d bytes took %v", len(c.text), d)
				}
			}()
			tree := Parse(source.NewFile("f", []byte(c.text)))
			if !bytes.Equal(tree.Print(), []byte(c.text)) {
				t.Fatal("does not print back")
			}
			cfg := Read(tree, Env{Context: ir.ContextServer, Defines: map[string]string{"A": "x"}})
			visit(cfg.Nodes, func(d *Directive) {
				for _, a := range d.Args {
					ParseTemplate(a)
				}
			})
		})
	}
}

func visit(nodes []ConfigNode, f func(*Directive)) {
	for _, n := range nodes {
		if d, ok := n.(*ConfigDirective); ok {
			f(d.Directive)
		}
	}
}
