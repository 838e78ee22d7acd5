package rules

import (
	"fmt"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var unanchoredHostCheck = lint.Rule{
	Code: "RD709", ID: "unanchored-host-check", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a check of a host that strangers pass",
		Text: "A pattern for a Host, Referer or Origin that is open at one end also matches a name that only contains it: `example.com.evil.test`, " +
			"`notexample.com`. Where the check decides who is let in, or whose name is sent back, strangers pass. Where it only sends visitors to a fixed " +
			"name it is worth knowing and no more.",
		Silence: "Whoever passes gets nothing by it.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_REFERER} !example\\.com\nRewriteRule \\.jpg$ - [F]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_REFERER} !^https?://(www\\.)?example\\.com(/|$)\nRewriteRule \\.jpg$ - [F]\n"},
			{Server: ir.Nginx, Before: "if ($host ~ example.com) {\n    return 301 https://$host/new;\n}\n",
				After: "if ($host ~ ^(www\\.)?example\\.com$) {\n    return 301 https://$host/new;\n}\n"},
		},
		Source: "CWE-777; pcre2pattern(3), anchors",
	},
	Program: checkHostAnchors,
}

// maxHostChecks bounds the patterns of hosts that are looked into: each takes about a millisecond, and what a list of thousands
// has wrong its first ones show.
const maxHostChecks = 1_000

func checkHostAnchors(p *lint.Pass, g *ir.Program) {
	var w witnesses
	left := maxHostChecks
	eachUse(p, g, func(u *patternUse) {
		if u.cond == nil && u.entry == nil || !u.aboutHost() || left <= 0 {
			return
		}
		name, ok := domainIn(u.Re.Tree())
		if !ok {
			return
		}
		severity, what := u.stake() // before stranger: it is cheap
		if severity == 0 {
			return
		}
		left--
		word, ok := stranger(u, g.Server, name)
		if !ok {
			return
		}
		d := diag.Diagnostic{Severity: severity, Span: u.whole(), Message: fmt.Sprintf("%s lets %s pass as well: %s", quote(clip(u.Text, 60)), quote(visibleText(word)), what)}
		w.compared(p, &d, u, word, true)
		if w.unshown(&d) {
			return
		}
		if _, ok := u.plain(); ok {
			if fixed, ok := closed(u, g.Server, name); ok {
				d.Fixes = []diag.Fix{{Title: "write " + quote(fixed), Safety: diag.Risky, Edits: source.Replace(u.whole(), fixed)}}
			}
		}
		p.Add(d)
	})
}

// domainIn is a domain name that a pattern spells out: two labels or more with dots of either sort between them.
func domainIn(t *pattern.Tree) (string, bool) {
	best := ""
	eachSequence(t.Root, func(parts []pattern.Node) {
		text := ""
		flush := func() {
			for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !(r == '.' || r < 0x80 && isWordByte(byte(r))) }) {
				word = strings.Trim(word, ".")
				k := strings.LastIndexByte(word, '.')
				if k > 0 && topLevel(word[k+1:]) && !allDigits(word) && len(word) > len(best) {
					best = word
				}
			}
			text = ""
		}
		for _, n := range parts {
			piece, ok := dotted(n)
			if !ok {
				flush()
				continue
			}
			text += piece
		}
		flush()
	})
	return best, best != ""
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789.") == "" }

// stranger is a value of the header with a foreign host that the pattern matches.
func stranger(u *patternUse, server ir.Server, name string) (string, bool) {
	if words, _, ok := u.Re.Tree().Words(maxHostWords); ok && !slices.ContainsFunc(words, func(w string) bool { return mayBeStranger(w, name, isURLHeader(u)) }) {
		return "", false
	}
	s := pattern.NewSpace(budgetOfPattern)
	l, ok := s.Subjects(u.Re.Tree())
	if !ok {
		return "", false
	}
	label := s.Or(s.Text(""), s.Concat(s.Bytes(pattern.NewSet("a-z0-9"), 1, 1), s.Bytes(pattern.NewSet("a-z0-9.-"), 0, -1)))
	host := s.Or(s.Text("."+evilHost), s.Concat(s.Text("."), s.Bytes(pattern.NewSet("a-z0-9"), 0, 8), s.Text("."+evilHost)))
	foreignName := s.Concat(label, s.Bytes(pattern.NewSet("a-z0-9"), 1, 1), host)
	candidates := []pattern.Language{foreignName}
	if isURLHeader(u) {
		scheme := s.Or(s.Text("https://"), s.Text("http://"))
		candidates = []pattern.Language{s.Concat(scheme, foreignName, s.Or(s.Text(""), s.Begins("/"))),
			s.Concat(scheme, s.Text(evilHost+"/"), s.All())}
	} else {
		own := s.Concat(s.Bytes(pattern.NewSet("a-z0-9"), 1, -1), s.FoldedText(name))
		if end, _ := u.Re.Tree().Suffix(); end != "" && !strings.HasSuffix(evilHost, end) && !strings.HasSuffix(end, evilHost) {
			candidates = []pattern.Language{own} // nothing that the pattern matches ends as a foreign name does
		} else {
			candidates = append(candidates, own)
		}
	}
	for i := 0; i < 2*len(candidates); i++ {
		c := candidates[i/2]
		if i%2 == 0 { // one with the dots as they were meant is the better example
			c = s.And(c, holding(s, strings.ToLower(name)))
		}
		word, some, known := s.Overlap(l, c)
		if !known {
			return "", false
		}
		if some {
			hit, err := u.Re.MatchBool(word)
			return word, hit && err == nil
		}
	}
	return "", false
}

// maxHostWords bounds the names that a closed pattern may list for them to be looked at one by one.
const maxHostWords = 64

// mayBeStranger tells whether one value that a pattern matches can be among those that stranger looks for; false is certain.
func mayBeStranger(word, name string, url bool) bool {
	word = strings.ToLower(word)
	if url {
		return strings.Contains(word, evilHost)
	}
	own := strings.TrimSuffix(word, strings.ToLower(name))
	return strings.HasSuffix(word, "."+evilHost) || own != word && own != "" && strings.IndexFunc(own, func(r rune) bool { return r >= 0x80 || !isWordByte(byte(r)) }) < 0
}

// isURLHeader tells whether what is compared is a URL and not a bare host.
func isURLHeader(u *patternUse) bool {
	switch variable(u.tested) {
	case "HTTP_REFERER", "http_referer", "http_origin", "HTTP:Origin":
		return true
	}
	return false
}

// stake says what hangs on a check: a severity, 0 for nothing worth a word, and why.
func (u *patternUse) stake() (diag.Severity, string) {
	who := "a stranger's host"
	if isURLHeader(u) {
		who = "a stranger's page"
	}
	switch {
	case u.entry != nil:
		if isURLHeader(u) {
			return diag.Warning, who + " gets the value of this line"
		}
		return diag.Info, who + " gets the value of this line"
	case u.rule != nil:
		r := u.rule
		if u.negated {
			if r.Action == ir.ActionRespond && r.Status == 403 && isURLHeader(u) {
				return diag.Warning, "it is not refused"
			}
			return diag.Info, "the rule leaves it alone"
		}
		if sendsElsewhere(r) && sendsHostBack(r) {
			return diag.Warning, "its name is sent back in the target"
		}
		return diag.Info, "the rule runs for it too"
	case u.scope != nil && u.scope.If != nil:
		for _, item := range u.scope.Items {
			switch item := item.(type) {
			case *ir.Rule:
				if item.Action == ir.ActionRespond && item.Status == 403 && u.negated && isURLHeader(u) {
					return diag.Warning, "it is not refused"
				}
				if item.Target != nil && sendsHostBack(item) && !u.negated {
					return diag.Warning, "its name is sent back in the target"
				}
			case *ir.Setting:
				if strings.EqualFold(item.Name, "add_header") && strings.HasPrefix(strings.ToLower(item.Arg(0)), "access-control-") && !u.negated {
					return diag.Warning, "its scripts may read the answers"
				}
			}
		}
		return diag.Info, "the block runs for it too"
	}
	return 0, ""
}

// sendsHostBack tells whether the host of the request, or a group of a condition on it, stands in the host of a target.
func sendsHostBack(r *ir.Rule) bool {
	list, absolute := zones(r.Target)
	if !absolute {
		return false
	}
	for i := range list {
		x := &list[i]
		if x.zone != zoneHost || x.literal() {
			continue
		}
		if isHostVariable(x.part) || x.part.Kind == ir.CondRef || x.part.Kind == ir.RuleRef && r.Keyword == ir.NginxReturn {
			return true
		}
	}
	return false
}

// closed is the pattern with anchors where it is open, when it is plain enough for that: a name, perhaps with www.
func closed(u *patternUse, server ir.Server, name string) (string, bool) {
	text := u.Text
	if strings.ContainsAny(text, "|*+[]{}") {
		return "", false
	}
	parts := partsOf(u.Re.Tree().Root)
	fixed := text
	_, start := parts[0].(*pattern.Anchor)
	_, end := parts[len(parts)-1].(*pattern.Anchor)
	if isURLHeader(u) {
		if !start {
			if strings.Contains(text, "://") {
				fixed = "^" + fixed
			} else {
				fixed = `^https?://(?:www\.)?` + fixed
			}
		}
		if !end {
			fixed = strings.TrimSuffix(fixed, "/") + "(?:/|$)"
		}
	} else {
		if !start {
			fixed = `^(?:www\.)?` + strings.TrimPrefix(fixed, `www\.`)
		}
		if !end {
			fixed += "$"
		}
	}
	re, err := pattern.Compile(fixed, u.Options)
	if err != nil || fixed == text {
		return "", false
	}
	// Dots that are any byte still let "examplexcom" pass, which is no host of a stranger's choice.
	trial := *u
	trial.Pattern = &ir.Pattern{Text: fixed, Options: u.Options, Re: re}
	_, open := stranger(&trial, server, name)
	return fixed, !open
}
