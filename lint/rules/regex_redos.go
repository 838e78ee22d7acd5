package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/value"
)

var regexRedos = lint.Rule{
	Code: "RD705", ID: "regex-redos", Severity: diag.Warning, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a pattern that a request can make run for very long",
		Text: "A loop that can be run through in two ways on the same text doubles the work with each byte when the match fails in the end. " +
			"PCRE stops at its match limit after millions of steps for one request, and a match that stops there counts as no match: a rule with `!` " +
			"then takes effect. Loops must be told apart by what stands in them: `[^./]+(?:[./][^./]+)*` for `([^./]+./?)+`.",
		Silence: "Only trusted clients reach the server.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^(([a-z])+.)+[A-Z]([a-z])+$ /x [L]\n", After: "RewriteEngine On\nRewriteRule ^([a-z]+\\.)+[A-Z][a-z]+$ /x [L]\n"},
			{Server: ir.Nginx, Before: "location ~ ^/(\\w+\\s?)*$ {\n    return 404;\n}\n", After: "location ~ ^/[\\w\\s]*$ {\n    return 404;\n}\n"},
		},
		Source: "CWE-1333; pcre2api(3), match limit; httpd server/util_pcre.c, ap_regexec_len",
	},
	Program: checkRedos,
}

// maxCosts bounds how many different patterns of a configuration are run.
const maxCosts = 200

func checkRedos(p *lint.Pass, g *ir.Program) {
	type key struct {
		text    string
		options pattern.Options
	}
	type found struct {
		cost pattern.Cost
		ok   bool
	}
	known := map[key]found{}
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if !u.onPath && u.tested == nil || strings.IndexAny(u.Text, "+*{") < 0 {
			return
		}
		k := key{u.Text, u.Options}
		f, seen := known[k]
		if !seen {
			if len(known) >= maxCosts || !u.Re.Tree().MayCost() {
				return
			}
			f.cost, f.ok = u.Re.Tree().Cost()
			known[k] = f
		}
		if !f.ok {
			return
		}
		c := f.cost
		if !reachable(u, g.Server, &c) {
			return
		}
		text := c.Attack(c.Rounds)
		d := diag.Diagnostic{Span: u.whole()}
		w.costs(p, &d, u, &c)
		if w.unshown(&d) {
			return
		}
		growth := fmt.Sprintf("the steps grow with the power of %d of the length", c.Degree)
		if c.Exponential {
			growth = fmt.Sprintf("more than %d steps for %d bytes, and every further %s multiplies them", c.Steps, len(text), quote(visibleText(clip(c.Pump, 20))))
		} else {
			d.Severity = diag.Info
		}
		d.Message = fmt.Sprintf("%s keeps %s busy: %s (CWE-1333)", quote(visibleText(c.Attack(2))), quote(clip(u.Text, 60)), growth)
		if u.negated {
			d.Message += "; a match that runs into the limit counts as none, so the `!` lets it pass"
		}
		d.Help = "let the parts of the loop begin with different bytes, or take the loop out"
		p.Add(d)
	})
}

// reachable tells whether a request can bring an attack to the pattern; where something has to stand before it, that is put there.
func reachable(u *patternUse, server ir.Server, c *pattern.Cost) bool {
	v := value.New(server, budgetOfConditions)
	input := u.input(v)
	for _, front := range []string{"", "/", "a", "a/"} {
		trial := *c
		trial.Prefix = front + c.Prefix
		text := trial.Attack(trial.Rounds)
		if u.onPath && strings.Contains(text, "//") {
			continue // merged before it is compared
		}
		if yes, known := v.Space.Contains(input, text); !yes || !known {
			continue
		}
		if front != "" {
			if steps, ok := u.Re.Tree().Steps(text, c.Steps); !ok || steps < c.Steps/2 {
				continue
			}
		}
		*c = trial
		return true
	}
	return false
}

// costs gives a finding a request that brings the attack; where it can, one whose answer the simulator still works out.
func (w *witnesses) costs(p *lint.Pass, d *diag.Diagnostic, u *patternUse, c *pattern.Cost) {
	for _, rounds := range []int{c.Rounds, c.Rounds/2 + 1} {
		text := c.Attack(rounds)
		hit, err := u.Re.MatchBool(text)
		if err != nil {
			continue
		}
		w.compared(p, d, u, text, hit)
		if d.Witness != nil {
			d.Witness.Steps[len(d.Witness.Steps)-1] = fmt.Sprintf("%s is tried on %s, %s repeated %d times, %s", u.Text, visibleText(c.Prefix), visibleText(c.Pump), rounds, visibleText(c.Suffix))
			return
		}
	}
}
