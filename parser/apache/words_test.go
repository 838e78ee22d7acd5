package apache

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// write shows a template: text in quotes, escaped text with a backslash before, references as name@place.
func write(t *ir.Template) string {
	if t == nil {
		return "nil"
	}
	var out []string
	for _, p := range t.Parts {
		s := ""
		switch p.Kind {
		case ir.Literal:
			s = fmt.Sprintf("%q", p.Text)
			if p.Escaped {
				s = `\` + s
			}
		case ir.RuleRef:
			s = fmt.Sprintf("rule%d", p.N)
		case ir.CondRef:
			s = fmt.Sprintf("cond%d", p.N)
		case ir.Variable:
			s = strings.TrimPrefix(p.Space+":"+p.Name, ":")
		case ir.Lookup:
			s = fmt.Sprintf("map(%s,%s,%s)", p.Map, write(p.Key), write(p.Default))
		case ir.ExprPart:
			s = "expr(" + writeExpr(p.Expr) + ")"
		}
		out = append(out, fmt.Sprintf("%s@%d-%d", s, p.Span.Start, p.Span.End))
	}
	return strings.Join(out, " ")
}

func TestParseTemplate(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"text", "/a b", `"/a b"@0-4`},
		{"groups", "$1/%2x", `rule1@0-2 "/"@2-3 cond2@3-5 "x"@5-6`},
		{"two digits", "$10", `rule1@0-2 "0"@2-3`},
		{"not references", "$x%y$", `"$x%y$"@0-5`},
		{"percent percent", "%%20", `"%"@0-1 cond2@1-3 "0"@3-4`},
		{"escapes", `\$1\%2\\`, `\"$"@0-2 "1"@2-3 \"%"@3-5 "2"@5-6 \"\\"@6-8`},
		{"backslash at the end", `a\`, `"a\\"@0-2`},
		{"variables", "%{http_host}%{HTTP:X-Y}%{env:a}%{LA-U:remote_user}", "HTTP_HOST@0-12 HTTP:X-Y@12-23 ENV:a@23-31 LA-U:REMOTE_USER@31-50"},
		{"unclosed variable", "%{A", `"%{A"@0-3`},
		{"map", "${m:a|b}", `map(m,"a"@4-5,"b"@6-7)@0-8`},
		{"map without default", "${m:$1}", `map(m,rule1@4-6,nil)@0-7`},
		{"empty default", "${m:a|}", `map(m,"a"@4-5,)@0-7`},
		{"map in a key", "${m:${n:%{A}|x}|y}", `map(m,map(n,A@8-12,"x"@13-14)@4-15,"y"@16-17)@0-18`},
		{"map without a colon", "${m}", `"${m}"@0-4`},
		{"unclosed map before a variable", "${m%{a:b}", `"${m"@0-3 A:B@3-9`},
		{"bar after the map", "${m:a}|b", `map(m,"a"@4-5,nil)@0-6 "|b"@6-8`},
		{"closing brace is escaped", `${m:a\}b}`, `map(m,"a"@4-5 \"}"@5-7 "b"@7-8,nil)@0-9`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second is remembered
				got := write(ParseTemplate(Word{Text: c.in, Span: source.NewSpan(0, len(c.in))}))
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestTemplatePlaces(t *testing.T) {
	quoted := ParseTemplate(Word{Text: "a$1", Quote: '"', Span: source.NewSpan(10, 15)})
	if got, want := write(quoted), `"a"@11-12 rule1@12-14`; got != want {
		t.Errorf("in quotes: %s, want %s", got, want)
	}
	continued := ParseTemplate(Word{Text: "a$1", Span: source.NewSpan(10, 15)})
	if got, want := write(continued), `"a"@10-15 rule1@10-15`; got != want {
		t.Errorf("over a continuation: %s, want %s", got, want)
	}
}

func TestParseFlags(t *testing.T) {
	for _, c := range []struct {
		name, in string
		cond     bool
		want     string // flags as name=value@place
		fault    string // "name in the catalogue: httpd's words @place"
	}{
		{"usual", "[R=301,L]", false, "R=301@1-6 L@7-8", ""},
		{"long names and case", "[redirect=permanent,qsAppend,NoCase]", false, "R=permanent@1-19 QSA@20-28 NC@29-35", ""},
		{"blanks", "[ R , L ]", false, "R@2-3 L@6-7", ""},
		{"values", "[E=A:b=c,CO=x:y:z,B=/ ?]", false, "E=A:b=c@1-8 CO=x:y:z@9-17 B=/ ?@18-23", ""},
		{"empty value", "[R=]", false, "R=@1-3", ""},
		{"anything that begins with D", "[Dx,DPI]", false, "Dx?@1-3 DPI@4-7", ""},
		{"empty list", "[]", false, "?@1-1", "unknown-flag: unknown flag '' @0-2"},
		{"trailing comma", "[L,]", false, "L@1-2 ?@3-3", "unknown-flag: unknown flag '' @0-4"},
		{"unknown", "[L,QAS,XX]", false, "L@1-2 QAS?@3-6 XX?@7-9", "unknown-flag: unknown flag 'QAS' @3-6"},
		{"no brackets", "R=301", false, "", "bad-flag-brackets: bad flag delimiters @0-5"},
		{"one bracket", "[L", false, "", "bad-flag-brackets: bad flag delimiters @0-2"},
		{"no such status", "[R=418]", false, "R=418@1-6", "no-such-status: invalid HTTP response code '418' for flag 'R' @1-6"},
		{"status with junk behind", "[R=301x]", false, "R=301x@1-7", ""},
		{"BNE without a list", "[BNE]", false, "BNE@1-4", "refused-argument: flag 'BNE' wants a list of characters (i.e. [BNE=...]) @1-4"},
		{"condition", "[nocase,ORNEXT,nv]", true, "NC@1-7 OR@8-14 NV@15-17", ""},
		{"condition: a rule's flag", "[L]", true, "L?@1-2", "unknown-flag: unknown flag 'L' @1-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			flags, fault := ParseFlags(Word{Text: c.in, Span: source.NewSpan(0, len(c.in))}, c.cond)
			var out []string
			for _, f := range flags {
				s := f.Name
				if !f.Known {
					s += "?"
				}
				if f.HasValue {
					s += "=" + f.Value
				}
				out = append(out, fmt.Sprintf("%s@%d-%d", s, f.Span.Start, f.Span.End))
			}
			if diff := cmp.Diff(c.want, strings.Join(out, " ")); diff != "" {
				t.Error(diff)
			}
			got := ""
			if fault != nil {
				got = fmt.Sprintf("%s: %s @%d-%d", fault.Kind, fault.Server, fault.Span.Start, fault.Span.End)
			}
			if diff := cmp.Diff(c.fault, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseCondPattern(t *testing.T) {
	for _, c := range []struct {
		test, in string
		want     CondPattern
	}{
		{"%{A}", "^a$", CondPattern{Kind: ir.CondRegex, Operand: "^a$"}},
		{"%{A}", "!^a$", CondPattern{Kind: ir.CondRegex, Negated: true, Operand: "^a$"}},
		{"%{A}", "!-f", CondPattern{Kind: ir.CondFile, Op: "-f", Negated: true}},
		{"%{A}", "-e", CondPattern{Kind: ir.CondRegex, Operand: "-e"}},
		{"%{A}", "-d ", CondPattern{Kind: ir.CondRegex, Operand: "-d "}},
		{"%{A}", "-lt10", CondPattern{Kind: ir.CondNumber, Op: "-lt", Operand: "10"}},
		{"%{A}", "-lt", CondPattern{Kind: ir.CondRegex, Operand: "-lt"}},
		{"%{A}", "-ne 1", CondPattern{Kind: ir.CondNumber, Op: "-ne", Operand: " 1"}},
		{"%{A}", "<=b", CondPattern{Kind: ir.CondString, Op: "<=", Operand: "b"}},
		{"%{A}", "=", CondPattern{Kind: ir.CondRegex, Operand: "="}},
		{"%{A}", `=""`, CondPattern{Kind: ir.CondString, Op: "="}},
		{"%{A}", "", CondPattern{Kind: ir.CondRegex}},
		{"Expr", "!true", CondPattern{Kind: ir.CondExpr, Negated: true, Operand: "true"}},
	} {
		t.Run(c.test+" "+c.in, func(t *testing.T) {
			if diff := cmp.Diff(c.want, ParseCondPattern(c.test, c.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// writeExpr shows an expression with all its brackets.
func writeExpr(e ir.Expr) string {
	switch e := e.(type) {
	case *ir.ExprOr:
		return "(" + writeExpr(e.X) + " || " + writeExpr(e.Y) + ")"
	case *ir.ExprAnd:
		return "(" + writeExpr(e.X) + " && " + writeExpr(e.Y) + ")"
	case *ir.ExprNot:
		return "!" + writeExpr(e.X)
	case *ir.ExprBool:
		return fmt.Sprint(e.Value)
	case *ir.ExprCompare:
		return "(" + writeExpr(e.X) + " " + e.Op + " " + writeExpr(e.Y) + ")"
	case *ir.ExprMatch:
		op := " =~ "
		if e.Negated {
			op = " !~ "
		}
		return fmt.Sprintf("(%s%s/%s/%v@%d-%d)", writeExpr(e.X), op, e.Pattern.Text, e.Pattern.Options.IgnoreCase, e.Pattern.Span.Start, e.Pattern.Span.End)
	case *ir.ExprIn:
		var list []string
		for _, x := range e.List {
			list = append(list, writeExpr(x))
		}
		return "(" + writeExpr(e.X) + " in {" + strings.Join(list, ", ") + "})"
	case *ir.ExprUnary:
		return e.Op + " " + writeExpr(e.X)
	case *ir.ExprCall:
		return e.Name + "(" + writeExpr(e.X) + ")"
	case *ir.ExprConcat:
		return "(" + writeExpr(e.X) + " . " + writeExpr(e.Y) + ")"
	case *ir.ExprString:
		return "[" + write(e.Template) + "]"
	}
	return fmt.Sprintf("%T", e)
}

func TestParseExpr(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"not binds closest, or weakest", "! true && false || true", "((!true && false) || true)"},
		{"words for operators", "not (true or false) and true", "(!(true || false) && true)"},
		{"comparison", "%{REQUEST_URI} == '/x'", `([REQUEST_URI@0-14] == ["/x"@19-21])`},
		{"one equals sign", "'a'='b'", `(["a"@1-2] == ["b"@5-6])`},
		{"numbers", "%{TIME_HOUR} -ge 7", `([TIME_HOUR@0-12] -ge ["7"@17-18])`},
		{"words for comparison", "1 lt 2", `(["1"@0-1] -lt ["2"@5-6])`},
		{"regex", "%{QUERY_STRING} =~ m#^a/b#i", `([QUERY_STRING@0-15] =~ /^a/b/true@21-25)`},
		{"negated regex", "'a' !~ /b/", `(["a"@1-2] !~ /b/false@8-9)`},
		{"functions", "tolower(req('Host')) == 'a'", `(tolower(req(["Host"@13-17])) == ["a"@25-26])`},
		{"function as a variable", "%{HTTP:Host} == 'a'", `(http(["Host"@7-11]) == ["a"@17-18])`},
		{"strings", `"a%{REQUEST_URI}b$1\n" == ''`, `(["a"@1-2 REQUEST_URI@2-16 "b"@16-17 rule1@17-19 "\n"@19-21] == [])`},
		{"call in a string", "'%{tolower:%{HTTP_HOST}}' == 'a'", `([expr(tolower([HTTP_HOST@11-23]))@1-24] == ["a"@30-31])`},
		{"list", "'a' in {'b', 'c'}", `(["a"@1-2] in {["b"@9-10], ["c"@14-15]})`},
		{"files", "-f %{REQUEST_FILENAME} && ! -d '/x'", `(-f [REQUEST_FILENAME@3-22] && !-d ["/x"@32-34])`},
		{"addresses", "%{REMOTE_ADDR} -ipmatch '10.0.0.0/8' || -R '::1'", `(([REMOTE_ADDR@0-14] -ipmatch ["10.0.0.0/8"@25-35]) || -R ["::1"@44-47])`},
		{"joined", "'a' . 'b' == 'ab'", `((["a"@1-2] . ["b"@7-8]) == ["ab"@14-16])`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := ParseExpr(c.in, source.NewSpan(0, len(c.in)), ExprOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, writeExpr(e)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseExprRestricted(t *testing.T) {
	_, err := ParseExpr("file('/x') == 'a'", source.Span{}, ExprOptions{Restricted: true})
	if err == nil || err.Error() != "file not available in restricted context" {
		t.Errorf("file() in a .htaccess file: %v", err)
	}
	if _, err := ParseExpr("file('/x') == 'a'", source.Span{}, ExprOptions{}); err != nil {
		t.Errorf("file() in server configuration: %v", err)
	}
}
