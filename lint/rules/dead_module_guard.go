package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var deadModuleGuard = lint.Rule{
	Code: "RD022", ID: "dead-module-guard", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the section asks for a module that nothing is called",
		Text: "`<IfModule>` wants the name of the source file, `mod_rewrite.c`, or the identifier, `rewrite_module`. With any " +
			"other word, `mod_rewrite` among them, the section is skipped for ever and without a message; with `!` before it, it is always read.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "<IfModule mod_rewrite>\nRewriteEngine On\n</IfModule>\n",
			After:  "<IfModule mod_rewrite.c>\nRewriteEngine On\n</IfModule>\n"}},
		Source: "httpd server/core.c, start_ifmod",
	},
	Section: checkDeadModuleGuard,
}

func checkDeadModuleGuard(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Apache || !d.Is("IfModule") || len(d.Args) != 1 {
		return
	}
	w := d.Args[0]
	name := strings.TrimPrefix(w.Text, "!")
	negated := name != w.Text
	right := meantModule(name)
	if right == "" {
		return
	}
	message := "no module is called " + quote(name)
	n := strings.Count(strings.TrimSpace(p.File.Slice(d.Body)), "\n") + 1
	switch {
	case negated:
		message += ", so this section is read on every server"
	case n == 1:
		message += "; httpd skips what stands in here"
	default:
		message += fmt.Sprintf("; httpd skips these %d lines", n)
	}
	at := w.Inner()
	if negated {
		at.Start++
	}
	if source.Span.Len(at) != len(name) {
		p.Report(w.Span, message+". Write "+quote(right))
		return
	}
	p.Report(at, message+". Write "+quote(right), write(diag.Risky, at, right))
}

// meantModule is the name that was meant by one that no module has; empty when the name may be some module's,
// or nothing is near.
func meantModule(name string) string {
	if isPlaceholder(name) || strings.ContainsAny(name, "$@%{}/ ") || name == "" {
		return ""
	}
	if isModule(name) {
		return ""
	}
	base, c := strings.CutSuffix(name, ".c")
	if c {
		// mod_rewrit.c; a name that is right except for its letters' case is no module's either.
		return nearModule(name, ".c")
	}
	if strings.HasSuffix(name, "_module") {
		return nearModule(name, "_module")
	}
	for _, guess := range []string{base + ".c", "mod_" + base + ".c", strings.TrimPrefix(base, "mod_") + "_module",
		strings.TrimSuffix(base, ".so") + ".c", strings.TrimSuffix(base, ".cpp") + ".c", strings.TrimSuffix(base, ".") + ".c"} {
		if isModule(guess) {
			return guess
		}
		if lower := strings.ToLower(guess); isModule(lower) {
			return lower
		}
	}
	if strings.HasPrefix(name, "mod_") {
		return nearModule(name+".c", ".c")
	}
	return ""
}

func nearModule(name, ending string) string {
	var names []string
	for _, m := range shippedModules {
		if strings.HasSuffix(m, ending) {
			names = append(names, m)
		}
	}
	near, cost := lint.NearestCost(name, names)
	// Versions in a name (mod_php5.c) are other modules, not slips.
	if len(near) != 1 || cost > 2 || strings.ContainsAny(name, "0123456789") {
		return ""
	}
	return near[0]
}
