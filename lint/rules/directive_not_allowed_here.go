package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var directiveNotAllowedHere = lint.Rule{
	Code: "RD106", ID: "directive-not-allowed-here", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the directive exists, but not in this place",
		Text: "Each directive has its contexts. RewriteMap, Alias, ProxyPass, `<Directory>` and `<VirtualHost>` belong into the server's " +
			"configuration and are refused in a `.htaccess`; RewriteBase belongs into a directory. nginx has no rewrite, return or if " +
			"in `http`, and no location inside `if`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteMap lc int:tolower\nRewriteEngine On\n", After: "RewriteEngine On\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "return 301 https://x.example;\n", After: "server {\n    return 301 https://x.example;\n}\n"},
		},
		Source: "httpd manual, Context of each directive; nginx manual, Context of each directive",
	},
	Explain: explainMisplaced,
}

// misplacedKind is what makes directives in a wrong place one mistake: the file, the section they stand in, and what is said of them,
// without the name where the place is the mistake.
type misplacedKind struct {
	file   *source.File
	parent *lint.Directive
	what   string
}

// misplacedKey is the key of a unit's list of misplaced directives.
type misplacedKey struct{}

// explainMisplaced tells the first of several directives that have one mistake, and names the others.
func explainMisplaced(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return withRefusal(p, d, at)
	}
	kindOf := func(d *diag.Diagnostic, at *lint.Directive) misplacedKind {
		what := d.Message
		if rest, ok := strings.CutPrefix(what, at.Name.Text); ok && (strings.HasPrefix(rest, " may stand in") || strings.HasPrefix(rest, " may not stand in")) {
			what = rest // whatever their names, they want a section around them
		}
		return misplacedKind{d.File, at.Parent, what}
	}
	all := p.Unit.Memo(misplacedKey{}, func() any {
		m := map[misplacedKind][]*lint.Directive{}
		for i := range p.Unit.Diagnostics {
			x := &p.Unit.Diagnostics[i]
			if x.Code != "RD106" {
				continue
			}
			if at := p.Unit.At(x.File, x.Span.Start); at != nil {
				k := kindOf(x, at)
				m[k] = append(m[k], at)
			}
		}
		return m
	}).(map[misplacedKind][]*lint.Directive)
	list := all[kindOf(&d, at)]
	if len(list) > 1 {
		if list[0] != at {
			d.Severity = 0
			return d, true
		}
		d.Message += "; the same holds for " + othersBelow(list)
	}
	return withRefusal(p, d, at)
}

// othersBelow names the places of all but the first of a list: "line 12", "lines 12, 13 and 20", "lines 12, 13, 14 and 9 more".
func othersBelow(list []*lint.Directive) string {
	const shown = 3
	var lines []string
	for _, d := range list[1:] {
		if n := fmt.Sprint(d.File.Line(d.Name.Span.Start)); len(lines) == 0 || lines[len(lines)-1] != n {
			lines = append(lines, n)
		}
	}
	switch n := len(lines); {
	case n == 1:
		return "line " + lines[0]
	case n <= shown+1:
		return "lines " + strings.Join(lines[:n-1], ", ") + " and " + lines[n-1]
	default:
		return fmt.Sprintf("lines %s and %d more", strings.Join(lines[:shown], ", "), n-shown)
	}
}
