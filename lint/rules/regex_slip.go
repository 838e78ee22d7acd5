package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var regexSlip = lint.Rule{
	Code: "RD513", ID: "regex-slip", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a sign that means something else in a regular expression",
		Text: "`+` repeats the letter before it, so `rdf+xml` matches `rdfxml` and never `rdf+xml`. `*` repeats too: `^shop/*` is `/shop` with any " +
			"number of slashes, `shopping` included. `[A-z]` holds the signs between `Z` and `a`, `[jpg|png]` is one letter or a bar, and an empty " +
			"alternative at the end of a list matches everything.",
		Silence: "The pattern means what it says.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} application/rdf+xml\nRewriteRule ^$ /o.rdf [R=303,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} application/rdf\\+xml\nRewriteRule ^$ /o.rdf [R=303,L]\n"},
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^shop/* /store [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^shop(/|$) /store [R=301,L]\n"},
			{Server: ir.Nginx, Before: "location ~ ^/[A-z]+$ {\n    return 404;\n}\n", After: "location ~ ^/[A-Za-z]+$ {\n    return 404;\n}\n"},
		},
		Source: "pcre2pattern(3)",
	},
	Program: checkSlips,
}

func checkSlips(p *lint.Pass, g *ir.Program) {
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if strings.IndexAny(u.Text, "+*[|") < 0 {
			return
		}
		if strings.IndexByte(u.Text, '+') >= 0 {
			plusInMediaType(p, &w, u)
		}
		if strings.IndexByte(u.Text, '[') >= 0 {
			oddClasses(p, &w, u)
		}
		if strings.IndexByte(u.Text, '*') >= 0 {
			globStar(p, &w, u)
		}
		if strings.IndexByte(u.Text, '|') >= 0 {
			emptyAlternative(p, &w, u)
		}
	})
}

// mediaSuffixes are what stands behind the + of a media type. Source: IANA, Structured Syntax Suffixes.
var mediaSuffixes = []string{"xml", "json", "yaml", "zip", "gzip", "cbor", "json-seq", "jwt", "zlib"}

// mediaNames are what stands before it when no type is written in front.
var mediaNames = map[string]bool{"rdf": true, "ld": true, "svg": true, "xhtml": true, "atom": true, "rss": true, "soap": true, "geo": true,
	"hal": true, "jrd": true, "problem": true, "owl": true, "sparql-results": true, "mathml": true, "gml": true, "kml": true, "manifest": true,
	"activity": true, "api": true, "xop": true, "schema": true, "vcard": true}

// plusInMediaType looks for rdf+xml and the like, and proves that what is written does not match it.
func plusInMediaType(p *lint.Pass, w *witnesses, u *patternUse) {
	eachSequence(u.Re.Tree().Root, func(parts []pattern.Node) {
		for i := 1; i+1 < len(parts); i++ {
			r, ok := parts[i].(*pattern.Repeat)
			if !ok || r.Min != 1 || r.Max >= 0 || r.Mode != pattern.Greedy {
				continue
			}
			before, ok1 := parts[i-1].(*pattern.Literal)
			letter, ok2 := r.Body.(*pattern.Literal)
			_, ok3 := parts[i+1].(*pattern.Literal)
			if !ok1 || !ok2 || !ok3 || len(letter.Text) != 1 {
				continue
			}
			suffix := suffixOf(u.Text[r.Span().End:]) // as written: a star may stand on its last letter
			name := before.Text + letter.Text
			slash := strings.LastIndexByte(name, '/')
			short := name[slash+1:]
			if k := strings.LastIndexAny(short, " ,;(\""); k >= 0 {
				short, slash = short[k+1:], -1
			}
			if suffix == "" || short == "" || slash < 0 && !mediaNames[strings.ToLower(short)] {
				continue
			}
			base, plain := u.plain()
			plus := r.Span().End - 1
			if u.Text[plus] != '+' {
				continue
			}
			fixed := u.Text[:plus] + `\` + u.Text[plus:]
			word, ok := missed(u, fixed, short+"+"+suffix)
			if !ok {
				continue
			}
			at, _ := u.spanOf(source.Span{Start: plus, End: plus + 1})
			d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("`+` repeats the `%s` before it: this matches %s and not %s; write `\\+`", letter.Text,
				quote(short+suffix), quote(visibleText(word)))}
			w.compared(p, &d, u, word, false)
			if plain {
				d.Fixes = []diag.Fix{write(diag.Risky, source.Span{Start: base + plus, End: base + plus + 1}, `\+`)}
			}
			p.Add(d)
		}
	})
}

// suffixOf is the suffix of a media type that a text begins with, as a whole word.
func suffixOf(text string) string {
	best := ""
	for _, s := range mediaSuffixes {
		if len(s) > len(best) && len(text) >= len(s) && strings.EqualFold(text[:len(s)], s) {
			if rest := text[len(s):]; rest == "" || !isLetters(rest[:1]) && rest[0] != '-' {
				best = s
			}
		}
	}
	return best
}

// missed gives a text with a piece in it that a mended pattern matches and the one at hand does not.
func missed(u *patternUse, fixed, piece string) (string, bool) {
	re, err := pattern.Compile(fixed, u.Options)
	if err != nil {
		return "", false
	}
	s := pattern.NewSpace(budgetOfPattern)
	meant, ok := s.Subjects(re.Tree())
	written, ok2 := s.Subjects(u.Re.Tree())
	if !ok || !ok2 {
		return "", false
	}
	word, some, known := s.Overlap(s.And(meant, holding(s, piece)), s.Not(written))
	if !some || !known {
		return "", false
	}
	hit, err := u.Re.MatchBool(word)
	return word, !hit && err == nil
}

// eachSequence calls f for every run of parts that stand one after another in a pattern; a part alone is one too.
func eachSequence(root pattern.Node, f func(parts []pattern.Node)) {
	alone := func(n pattern.Node) {
		if _, ok := n.(*pattern.Concat); !ok {
			f([]pattern.Node{n})
		}
	}
	alone(root)
	pattern.Walk(root, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Concat:
			f(n.Parts)
		case *pattern.Alternation:
			for _, b := range n.Branches {
				alone(b)
			}
		case *pattern.Group:
			alone(n.Body)
		}
		return true
	})
}

// oddClasses looks for [A-z], [jpg|png] and [0,1].
func oddClasses(p *lint.Pass, w *witnesses, u *patternUse) {
	pattern.Walk(u.Re.Tree().Root, func(n pattern.Node) bool {
		c, ok := n.(*pattern.Class)
		if !ok || !c.Bracket {
			return true
		}
		text := u.Text[c.Span().Start:c.Span().End]
		base, plain := u.plain()
		if i := strings.Index(text, "A-z"); i > 0 && text[i-1] != '\\' {
			at := source.Span{Start: c.Span().Start + int32(i), End: c.Span().Start + int32(i) + 3}
			span, _ := u.spanOf(at)
			d := diag.Diagnostic{Span: span, Message: "`A-z` holds the signs between `Z` and `a` too: [ \\ ] ^ _ and the backtick"}
			if plain {
				d.Fixes = []diag.Fix{write(diag.Risky, source.Span{Start: base + at.Start, End: base + at.End}, "A-Za-z")}
			}
			w.example(p, &d, u)
			p.Add(d)
			return true
		}
		inside := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
		span, _ := u.spanOf(c.Span())
		switch {
		case barList.get().MatchString(inside):
			d := diag.Diagnostic{Span: span, Message: fmt.Sprintf("%s is one character out of these, the bar included; alternatives stand in parentheses", quote(text))}
			if plain && !strings.Contains(inside, `\`) {
				d.Fixes = []diag.Fix{{Title: "write a group", Safety: diag.Shown, Edits: source.Replace(span, "(?:"+strings.ReplaceAll(inside, ".", `\.`)+")")}}
			}
			w.example(p, &d, u)
			p.Add(d)
		case commaList.get().MatchString(inside):
			d := diag.Diagnostic{Severity: diag.Info, Span: span, Message: fmt.Sprintf("%s holds the comma too", quote(text))}
			if plain {
				d.Fixes = []diag.Fix{write(diag.Risky, span, "["+strings.ReplaceAll(inside, ",", "")+"]")}
			}
			w.example(p, &d, u)
			p.Add(d)
		}
		return true
	})
}

var (
	// barList is two words or more with bars between them.
	barList = lazyRegexp(`^(?:\\?\.)?[A-Za-z0-9]{2,}(?:\|(?:\\?\.)?[A-Za-z0-9]{2,})+$`)
	// commaList is single digits with commas between them.
	commaList = lazyRegexp(`^\d(?:,\d)+$`)
)

// globStar looks for a star that was meant as in file names: ^shop/*, ^foo*, images/*.jpg.
func globStar(p *lint.Pass, w *witnesses, u *patternUse) {
	if !u.onPath {
		return
	}
	parts := partsOf(u.Re.Tree().Root)
	for i, n := range parts {
		r, ok := n.(*pattern.Repeat)
		if !ok || i == 0 || r.Min != 0 || r.Max >= 0 || r.Mode != pattern.Greedy {
			continue
		}
		letter, ok := r.Body.(*pattern.Literal)
		before, ok2 := parts[i-1].(*pattern.Literal)
		if !ok || !ok2 || len(letter.Text) != 1 || before.Text == "" {
			continue
		}
		at, _ := u.spanOf(r.Span())
		piece := quote(u.Text[r.Span().Start:r.Span().End])
		if i == len(parts)-1 {
			// Nothing follows, so the star adds nothing: the pattern matches wherever the text before it stands.
			if letter.Text != "/" && !isLetters(letter.Text) {
				continue
			}
			fixed := u.Text[:r.Span().Start] + "(/|$)"
			if letter.Text != "/" {
				fixed = u.Text[:r.Span().Start] + letter.Text + ".*"
			}
			d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("%s is any number of %s, none included: it adds nothing, and %s matches too", piece, quote(letter.Text),
				quote(u.urlOf(strings.TrimPrefix(before.Text, "/")+"ping")))}
			if hit, err := u.Re.MatchBool(u.sample(before.Text + "ping")); !hit || err != nil {
				continue
			}
			if letter.Text == "/" {
				if base, ok := u.plain(); ok && addsNoGroup(u, fixed) {
					d.Fixes = []diag.Fix{write(diag.Risky, source.Span{Start: base + r.Span().Start, End: base + r.Span().End}, "(/|$)")}
				}
			} else {
				d.Help = "the star of a regular expression repeats what stands before it; any text is `.*`"
			}
			w.compared(p, &d, u, u.sample(before.Text+"ping"), true)
			p.Add(d)
			continue
		}
		// images/*.jpg: the star repeats the slash, and the dot is one byte.
		if _, ok := parts[i+1].(*pattern.Any); !ok || letter.Text != "/" || i+2 >= len(parts) {
			continue
		}
		ext, ok := parts[i+2].(*pattern.Literal)
		if !ok || !isLetters(ext.Text[:1]) {
			continue
		}
		meant := u.sample(before.Text + "/name." + ext.Text)
		if hit, err := u.Re.MatchBool(meant); hit || err != nil {
			continue
		}
		d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("%s is any number of slashes, no file name: this does not match %s", piece, quote(u.urlOf(strings.TrimPrefix(meant, "/"))))}
		if base, ok := u.plain(); ok {
			d.Fixes = []diag.Fix{write(diag.Risky, source.Span{Start: base + r.Span().Start, End: base + parts[i+1].Span().End}, `/[^/]*\.`)}
		}
		w.compared(p, &d, u, meant, false)
		p.Add(d)
	}
}

// sample is a text as the pattern would be given it.
func (u *patternUse) sample(text string) string {
	if u.rule != nil && u.rule.Subject == ir.SubjectDirectory || strings.HasPrefix(text, "/") {
		return text
	}
	return "/" + text
}

// addsNoGroup tells whether a group at the end of a pattern leaves the numbers of the others alone: it does.
func addsNoGroup(u *patternUse, fixed string) bool {
	_, err := pattern.Compile(fixed, u.Options)
	return err == nil
}

// emptyAlternative looks for a bar at the end of a list.
func emptyAlternative(p *lint.Pass, w *witnesses, u *patternUse) {
	tree := u.Re.Tree()
	if a, ok := tree.Root.(*pattern.Alternation); ok {
		if tree.Groups == 0 && !u.negated && tree.MatchesEverything() && isEmpty(a.Branches[len(a.Branches)-1]) && strings.HasSuffix(u.Text, "|") {
			end := int32(len(u.Text))
			at, plain := u.spanOf(source.Span{Start: end - 1, End: end})
			d := diag.Diagnostic{Span: at, Message: "nothing stands behind the last bar, and nothing is found everywhere: this matches every text"}
			if plain {
				d.Fixes = []diag.Fix{{Title: "take the bar out", Safety: diag.Risky, Edits: source.Replace(at, "")}}
			}
			w.compared(p, &d, u, "", true)
			p.Add(d)
		}
		return
	}
	pattern.Walk(tree.Root, func(n pattern.Node) bool {
		g, ok := n.(*pattern.Group)
		if !ok {
			return true
		}
		a, ok := g.Body.(*pattern.Alternation)
		if !ok || len(a.Branches) < 3 || !isEmpty(a.Branches[len(a.Branches)-1]) || isEmpty(a.Branches[0]) {
			return true
		}
		at, plain := u.spanOf(source.Span{Start: g.Span().End - 2, End: g.Span().End - 1})
		d := diag.Diagnostic{Severity: diag.Info, Span: at, Message: "nothing stands behind the last bar, so the group may also be empty"}
		if plain && u.Text[g.Span().End-2] == '|' {
			d.Fixes = []diag.Fix{{Title: "take the bar out", Safety: diag.Risky, Edits: source.Replace(at, "")}}
		}
		w.example(p, &d, u)
		p.Add(d)
		return true
	})
}

func isEmpty(n pattern.Node) bool {
	c, ok := n.(*pattern.Concat)
	return ok && len(c.Parts) == 0
}
