package nginx

import (
	"bytes"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

func parseString(text string) *File { return Parse(source.NewFile("case.conf", []byte(text))) }

func TestPrintIsIdentity(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "simple": "root /x;\n", "block": "server {\n\tlisten 80; # c\n}\n# end",
		"crlf": "a b;\r\n# c\r\nd {\r\n}\r\n", "comment between words": "a # x\n b # y\n ;", "lua": "content_by_lua_block { x = \"}\" }\n", "lua, name in quotes": "\"content_by_lua_block\" { x = {1} }\n",
		"unclosed": "server { a b", "stray": "; } { }", "bad quote": "a \"b;\nc d;", "glued": "a \"b\"c;", "bom": "\ufeffa b;",
		"NUL": "a \x00;\x00", "lone CR": "a\rb;\r", "latin-1": "a \xe9;", "lua unclosed": "x_by_lua_block { [[",
		"dollar brace": "a ${b}${ {;}", "backslash at end": "a \\",
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseString(text).Print(); !bytes.Equal(got, []byte(text)) {
				t.Errorf("printed %q of %q", got, text)
			}
		})
	}
}

func TestLuaBlockWithQuotedName(t *testing.T) {
	for _, quote := range []string{"\"", "'"} {
		f := parseString(quote + "rewrite_by_lua_block" + quote + " { x = { 1 }\nf({t=\"}\"}) }\nroot /a;\n")
		if len(f.Nodes) != 2 || !f.Nodes[0].(*Directive).IsRaw {
			t.Errorf("%s: %d nodes, want the block and the root behind it", quote, len(f.Nodes))
		}
	}
	// The name of a variable, not of the directive; and a quote that is never closed.
	if f := parseString("map \"x_by_lua_block\" { a b; }\nroot /a;\n"); len(f.Nodes) != 2 || f.Nodes[0].(*Directive).IsRaw {
		t.Errorf("a second word in quotes starts Lua")
	}
}

func TestReadRefusal(t *testing.T) {
	for _, c := range []struct {
		name    string
		context ir.Context
		text    string
		want    string
		line    int
	}{
		{"clean", ir.ContextServer, "location / {\n return 301 /x$uri;\n}\n", "", 0},
		{"unknown directive", ir.ContextServer, "\nrewrit ^ /;", `unknown directive "rewrit"`, 2},
		{"line of the semicolon", ir.ContextServer, "rewrit ^\n /\n;", `unknown directive "rewrit"`, 3},
		{"context", ir.ContextHTTP, "rewrite ^ /;", `"rewrite" directive is not allowed here`, 1},
		{"text fault first", ir.ContextServer, "listen 80;;\nrewrit x;", `unexpected ";"`, 1},
		{"semicolon before brace", ir.ContextServer, "location / {\n return 200\n}\n", `unexpected "}"`, 3},
		{"end of file", ir.ContextServer, "location / {\n", `unexpected end of file, expecting "}"`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Read(source.NewFile("case.conf", []byte(c.text)), Env{Context: c.context}).Refusal()
			got, line := "", 0
			if r != nil {
				got, line = r.Message, r.Line
			}
			if got != c.want || line != c.line {
				t.Errorf("got %q line %d, want %q line %d", got, line, c.want, c.line)
			}
		})
	}
}

func TestParseTemplate(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"parts", "a$uri${Args}x$12", "L(a)V(uri)V(args)L(x)R1L(2)"},
		{"backslash is data", `\$a`, `L(\)V(a)`},
		{"zero is a name", "$0", "V(0)"},
		{"braced digit is a name", "${1}", "V(1)"},
		{"end", "a$", "invalid variable name"},
		{"no name", "${}", "invalid variable name"},
		{"unclosed", "${ab-}", `the closing bracket in "ab" variable is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := ParseTemplate(c.text, source.NewSpan(5, 5+len(c.text)))
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				for _, p := range tmpl.Parts {
					switch p.Kind {
					case ir.Literal:
						got += "L(" + p.Text + ")"
					case ir.Variable:
						got += "V(" + p.Name + ")"
					case ir.RuleRef:
						got += "R" + string(rune('0'+p.N))
					}
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseIf(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"truth", "if ($a) {}", "kind 5  false a"},
		{"equal", `if ($a = "x y") {}`, "kind 1 = false a"},
		{"not equal, loose parentheses", `if ( $a != x ) {}`, "kind 1 = true a"},
		{"regex", `if ($a !~* ^x) {}`, "kind 0  true a"},
		{"file", `if (!-f $a) {}`, "kind 3 -f true a"},
		{"operator as data", `if ($a = =) {}`, "kind 1 = false a"},
		{"empty", "if () {}", `invalid condition ")"`},
		{"no parentheses", "if $a {}", `invalid condition "$a"`},
		{"double equals", "if ($a == 1) {}", `unexpected "==" in condition`},
		{"and", "if ($a = 1 && $b = 2) {}", `invalid condition "$a"`},
		{"NUL words", "if ($a \"\" \x00\x00\x00) {}", `unexpected "" in condition`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parseString(c.text)
			cond, err := ParseIf(f.Nodes[0].(*Directive).Args)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = "kind " + string(rune('0'+cond.Kind)) + " " + cond.Op + " "
				if cond.Negated {
					got += "true "
				} else {
					got += "false "
				}
				for _, p := range cond.Test.Parts {
					got += p.Name
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
