package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

var unanchoredPattern = lint.Rule{
	Code: "RD510", ID: "unanchored-pattern", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.3",
	Doc: lint.Doc{
		Title: "a pattern without anchors takes the address of another rule",
		Text: "A regular expression matches anywhere: `old` takes `/very/old-fashioned` as well as `/old`, and `\\.php` takes `/photo.php.jpg`. It is reported where " +
			"the configuration has another rule or location for such an address, and the request for it is answered here. `^` and `$` keep a pattern to the path it is for.",
		Silence: "The rule is meant for every path with the word in it, and the other one is left over.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RedirectMatch 301 /blog /news\nRedirect 301 /x/blog/y /z\n", After: "RedirectMatch 301 ^/blog(/|$) /news\nRedirect 301 /x/blog/y /z\n"},
			{Server: ir.Nginx, Before: "location ~ /old { return 301 /new; }\nlocation /very/old-fashioned { return 301 /chic; }\n",
				After: "location ~ ^/old$ { return 301 /new; }\nlocation /very/old-fashioned { return 301 /chic; }\n"},
		},
		Source: "pcre2pattern(3), circumflex and dollar; nginx ngx_http_core_module, location",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		l := &looseness{p: p, scan: 128 << 20, asks: -1}
		eachScope(g, func(s *ir.Scope) {
			var rewrites, redirects, locations pathList
			for _, item := range s.Items {
				switch it := item.(type) {
				case *ir.Rule:
					switch {
					case it.Disabled:
					case it.Keyword == ir.RewriteRule || it.Keyword == ir.NginxRewrite:
						rewrites.add(pathTaker{rule: it})
					case it.Keyword == ir.RedirectMatch || it.Keyword == ir.Redirect || it.Keyword == ir.RedirectPermanent || it.Keyword == ir.RedirectTemp:
						redirects.add(pathTaker{rule: it})
					}
				case *ir.Scope:
					if g.Server == ir.Nginx && it.Kind == ir.ScopeLocation && it.Modifier != ir.NamedLocation {
						locations.add(pathTaker{location: it})
					}
				}
			}
			l.look(&rewrites)
			l.look(&redirects)
			l.look(&locations)
		})
	},
}

// pathTaker is what takes requests by their path: a rule, or a location of nginx.
type pathTaker struct {
	rule     *ir.Rule
	location *ir.Scope
}

func (x pathTaker) origin() ir.Origin {
	if x.rule != nil {
		return x.rule.Origin
	}
	return x.location.Origin
}

func (x pathTaker) pattern() *ir.Pattern {
	if x.rule != nil {
		if x.rule.Negated {
			return nil
		}
		return x.rule.Pattern
	}
	return x.location.Pattern
}

// literal is the text of the path it is for, as far as it is plain; anchored when the path begins with it.
func (x pathTaker) literal() (text string, anchored bool) {
	switch re := x.pattern(); {
	case re != nil && re.Re != nil:
		t := re.Re.Tree()
		if !t.Anchored() {
			w, _ := looseWordOf(re)
			return w.text, false
		}
		text, _ := t.Prefix()
		return "/" + strings.TrimPrefix(text, "/"), text != ""
	case x.rule != nil && x.rule.Match == ir.MatchSegment:
		return x.rule.Path, true
	case x.location != nil && re == nil:
		return x.location.Path, true
	}
	return "", false
}

// pathList are the rules of one list, or the locations of one server, with their literal texts one behind another, so that
// those with a word in them are found at once.
type pathList struct {
	list []pathTaker
	at   []int // where the literal of each begins in text
	open []bool
	text strings.Builder
}

func (s *pathList) add(x pathTaker) {
	s.list = append(s.list, x)
	text, anchored := x.literal()
	s.text.WriteByte('\n')
	s.at = append(s.at, s.text.Len())
	s.open = append(s.open, !anchored)
	s.text.WriteString(text)
}

// looseWord is a pattern that is a plain word.
type looseWord struct {
	text     string
	caseless bool
	open     bool // nothing says how the path goes on behind it
}

// looseWordOf reads a pattern that is a word which may stand anywhere, with nothing behind it but ".*" or "$".
func looseWordOf(re *ir.Pattern) (w looseWord, ok bool) {
	if re == nil || re.Re == nil || unexpanded(re.Text) {
		return w, false
	}
	t := re.Re.Tree()
	if t.Anchored() || len(t.Branches()) != 1 {
		return w, false
	}
	text, caseless := t.Required()
	if text == "" {
		return w, false
	}
	spelt := strings.NewReplacer(`\.`, ".", `\-`, "-", `\/`, "/").Replace(re.Text)
	w = looseWord{text: text, caseless: caseless}
	switch rest, begins := cutFold(spelt, text); {
	case !begins:
		return w, false
	case rest == "":
		w.open = true
	case rest == "$", rest == ".*", rest == "(.*)", rest == "(.*)$", rest == ".*$":
	default:
		return w, false
	}
	if w.caseless {
		w.text = strings.ToLower(w.text)
	}
	plain := strings.Trim(w.text, "/")
	return w, len(plain) >= 3 && !strings.HasPrefix(w.text, "/.")
}

// cutFold is what stands in s behind a text it begins with, compared without regard to case.
func cutFold(s, text string) (rest string, ok bool) {
	if len(s) < len(text) || !strings.EqualFold(s[:len(text)], text) {
		return s, false
	}
	return s[len(text):], true
}

// looseness looks for unanchored patterns; scan bounds the bytes that are looked through, asks the questions.
type looseness struct {
	p          *lint.Pass
	a          *asker
	scan, asks int
}

// look tries each plain word of a list on the literals of the others.
func (l *looseness) look(s *pathList) {
	if len(s.list) < 2 {
		return
	}
	text, lower := s.text.String(), ""
	for i, x := range s.list {
		w, ok := looseWordOf(x.pattern())
		if !ok || !answersWell(x) {
			continue
		}
		if lower == "" {
			lower = strings.ToLower(text)
		}
		in := text
		if w.caseless {
			in = lower
		}
		from := 0
		if x.rule != nil && i+1 < len(s.at) {
			from = s.at[i+1]
		} else if x.rule != nil {
			continue
		}
		if l.scan -= len(in) - from; l.scan < 0 {
			return
		}
		k := i
		if x.location != nil {
			k = 0
		}
		for tries := 0; tries < 4; {
			n := strings.Index(in[from:], w.text)
			if n < 0 {
				break
			}
			n += from
			from = n + 1
			for k+1 < len(s.at) && s.at[k+1] <= n {
				k++
			}
			end := len(in)
			if k+1 < len(s.at) {
				end = s.at[k+1] - 1
			}
			if k == i || !strays(w, in[s.at[k]:end], n-s.at[k], s.open[k]) {
				continue
			}
			tries++
			if l.confirm(x, s.list[k], w, n-s.at[k] > 1 && !s.open[k]) {
				break
			}
		}
		if x.location != nil && w.open && strings.HasPrefix(w.text, ".") {
			l.extension(x, w, s.list[i+1:])
		}
	}
}

// strays tells whether a word stands in a path as something else than the whole of it, its first folders or its extension.
func strays(w looseWord, path string, at int, open bool) bool {
	end := at + len(w.text)
	cut := w.open && end < len(path) && isWordByte(path[end]) && isWordByte(w.text[len(w.text)-1])
	if w.text[0] == '.' { // an extension belongs at the end
		return cut || w.open && end < len(path) && path[end] == '.'
	}
	first := at > 0 && isWordByte(path[at-1]) && isWordByte(w.text[0])
	deeper := !open && at > 1
	return cut || first || deeper
}

// answersWell tells whether a rule or location does something with a request that other rules could do otherwise: what refuses a
// word is often meant to do so wherever it stands.
func answersWell(x pathTaker) bool {
	if r := x.rule; r != nil {
		return r.File != nil && r.Target != nil && !r.Chain && (ends(r) || r.Flow == ir.FlowAnswer) && r.Action != ir.ActionRespond
	}
	if x.location.File == nil {
		return false
	}
	for _, item := range x.location.Items {
		switch it := item.(type) {
		case *ir.Rule:
			if it.Action == ir.ActionRespond && it.Status >= 400 {
				return false
			}
		case *ir.Setting:
			if it.Name == "deny" || it.Name == "internal" {
				return false
			}
		}
	}
	return true
}

func (l *looseness) open() bool {
	if l.asks < 0 {
		l.asks = 0
		if l.a = newAsker(l.p); l.a != nil {
			l.asks = l.a.left
		}
	}
	return l.asks > 0 && !l.a.site.Spent()
}

// confirm asks for the path of another rule and reports when this one answers in its place.
func (l *looseness) confirm(x, other pathTaker, w looseWord, deeper bool) bool {
	o := other.origin()
	if o.File == nil || x.rule != nil && other.rule != nil && x.rule.Target != nil && other.rule.Target != nil && x.rule.Target.Text == other.rule.Target.Text {
		return false
	}
	if !l.open() {
		return false
	}
	var list []probe.Probe
	switch {
	case other.location != nil && other.location.Pattern == nil:
		list = []probe.Probe{l.a.visit(other.location)}
	case other.location != nil:
		q := l.a.visit(other.location)
		for _, path := range probe.Samples(other.location.Pattern, 2) {
			q.Request.Target = escapedPath(path)
			list = append(list, q)
		}
	case len(other.rule.Conditions) == 0:
		list = l.a.site.Plain(other.rule, 2)
	}
	if list == nil && other.rule != nil {
		l.asks -= 3
		list = l.a.site.Requests(other.rule, 2)
	}
	for _, q := range list {
		if !sendable(q.Request.Target) || q.Reached {
			continue
		}
		l.asks--
		if answer := l.a.site.Ask(q); l.takes(x, other, &answer) {
			l.report(x, other, w, q, answer, deeper)
			return true
		}
	}
	return false
}

// takes tells whether an answer is made by x, and the other has no part in it.
func (l *looseness) takes(x, other pathTaker, o *sim.Outcome) bool {
	if !o.Known {
		return false
	}
	if x.rule != nil {
		hop := probe.Hop{Outcome: *o}
		return hop.Rule() == x.rule && !(other.rule != nil && probe.HasFired(o, other.rule))
	}
	return len(o.Via) == 1 && (o.Via[0] == x.location.Pattern.Text || o.Via[0] == x.location.Path) && o.Via[0] != other.location.Path
}

// extension looks for files of another location whose names have the extension in their middle: photo.php.jpg.
func (l *looseness) extension(x pathTaker, w looseWord, others []pathTaker) {
	for tries, other := range others {
		if tries >= 8 {
			return
		}
		re := other.location.Pattern
		if re == nil || re.Re == nil || other.location.File == nil || !answersWell(other) {
			continue
		}
		if text, _ := re.Re.Tree().Suffix(); text == w.text || !strings.HasSuffix(re.Text, "$") || !l.open() {
			continue
		}
		q := l.a.visit(other.location)
		for _, path := range probe.Samples(re, 2) {
			dot := strings.LastIndexByte(path, '.')
			if dot < 0 {
				continue
			}
			name := path[:dot]
			if strings.HasSuffix(name, "/") {
				name += "photo"
			}
			path = name + w.text + path[dot:]
			if hit, err := re.Re.MatchBool(path); err != nil || !hit || !sendable(escapedPath(path)) {
				continue
			}
			q.Request.Target = escapedPath(path)
			l.asks--
			if o := l.a.site.Ask(q); o.PassedTo != "" && l.takes(x, other, &o) {
				l.report(x, other, w, q, o, false)
				return
			}
		}
	}
}

func (l *looseness) report(x, other pathTaker, w looseWord, q probe.Probe, o sim.Outcome, deeper bool) {
	re, at, from := x.pattern(), x.origin(), other.origin()
	u := &patternUse{Pattern: re, file: at.File, rule: x.rule, scope: x.location, onPath: true}
	answer := probe.Answer(&o)
	line := lineOf(&ir.Rule{Origin: from}, &ir.Rule{Origin: at})
	site := l.a.site
	d := diag.Diagnostic{File: at.File, Span: u.whole(),
		Message: fmt.Sprintf("%s matches anywhere in the path: %s, which %s is for, is answered here (%s)", quote(clip(re.Text, 60)), quote(clip(probe.URL(q.Request), 80)), line, clip(answer, 80)),
		Related: []diag.Related{{File: from.File, Span: from.Span, Message: "never sees the request"}},
		Witness: site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})}
	text, extension := re.Text, w.text[0] == '.'
	if w.open && (!deeper || extension) {
		text += "$"
	}
	if perDir := x.rule != nil && x.rule.Subject == ir.SubjectDirectory; !extension && !perDir {
		text = "^/" + strings.TrimPrefix(text, "/")
	} else if !extension {
		text = "^" + strings.TrimPrefix(text, "/")
	}
	d.Help = "write " + quote(text)
	if _, ok := u.plain(); ok && text != re.Text {
		d.Fixes = []diag.Fix{write(diag.Risky, u.whole(), text)}
	}
	l.p.File = at.File
	l.p.Add(d)
}
