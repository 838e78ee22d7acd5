package rules

import (
	"regexp"
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// remedy is a way to mend a trouble that has not been tried yet.
type remedy struct {
	title string
	edits []source.Edit
}

// firstThatHelps is the first remedy with which the site as it would be then passes a test; none when there is no such.
// A remedy that nobody has seen work is not offered.
func firstThatHelps(p *lint.Pass, list []remedy, helps func(*probe.Site) bool) []diag.Fix {
	for _, m := range list {
		if m.edits == nil || !tryOut(p, m.edits, helps) {
			continue
		}
		return []diag.Fix{{Title: m.title, Safety: diag.Risky, Edits: m.edits}}
	}
	return nil
}

// Limits of trying remedies out: how many for one configuration, and bytes of its text; each is read again.
const (
	maxTrials    = 40
	maxTrialText = 256 << 10
)

// tryOut tells whether the configuration with some edits to the file at hand is one that the server takes and passes a test.
func tryOut(p *lint.Pass, edits []source.Edit, test func(*probe.Site) bool) bool {
	ok := false
	tryText(p, edits, func(u *lint.Unit) { ok = helps(p, u, test) })
	return ok
}

// tryText reads the configuration as it is with some edits to the file at hand, as long as that may be done.
func tryText(p *lint.Pass, edits []source.Edit, with func(*lint.Unit)) {
	type key struct{}
	left := p.Unit.Memo(key{}, func() any { n := maxTrials; return &n }).(*int)
	in := p.Unit.Input
	if *left <= 0 || p.File != in.File || len(in.File.Text) > maxTrialText {
		return
	}
	*left--
	text, err := source.Apply(in.File.Text, edits)
	if err != nil {
		return
	}
	in.File = source.NewFile(in.File.Name, text)
	with(lint.Load(in))
}

// helps tells whether the server takes a configuration no worse than the one at hand, and it passes a test.
func helps(p *lint.Pass, u *lint.Unit, test func(*probe.Site) bool) bool {
	refused := func(list []diag.Diagnostic) (n int) {
		for i := range list {
			if list[i].Refuses {
				n++
			}
		}
		return n
	}
	if refused(u.Diagnostics) > refused(p.Unit.Diagnostics) {
		return false
	}
	site := u.Site()
	return site != nil && test(site)
}

// comesToAnEnd makes a test of what is known to go round or on and on, and of other requests for its rule: followed, each comes
// to an end.
func comesToAnEnd(p *lint.Pass, l *loop, hops []probe.Hop) func(*probe.Site) bool {
	var list []probe.Probe
	for i := range hops {
		list = append(list, hops[i].Probe)
	}
	if l.skipped == 0 {
		list = append(list, p.Site().Requests(l.rule, 6)...)
	}
	return func(s *probe.Site) bool {
		for _, q := range list {
			if !sendable(q.Request.Target) {
				continue
			}
			c := s.Follow(q, browserHops)
			if c.End == probe.EndCycle || c.End == probe.EndLimit || c.End == probe.EndUnknown || loopsInside(&c.Hops[len(c.Hops)-1].Outcome) {
				return false
			}
		}
		return true
	}
}

// addCondition puts conditions in front of a RewriteRule; nil when it is none, or its last condition goes on with OR.
func addCondition(p *lint.Pass, r *ir.Rule, conditions ...string) []source.Edit {
	at := directiveAt(p, r.Origin)
	if at == nil || r.Keyword != ir.RewriteRule || len(r.Conditions) > 0 && r.Conditions[len(r.Conditions)-1].Or {
		return nil
	}
	indent := indentOf(r)
	text := ""
	for _, c := range conditions {
		text += "RewriteCond " + c + "\n" + indent
	}
	return source.Insert(at.Line.Start, text)
}

// indentOf are the blanks in front of a rule on its line.
func indentOf(r *ir.Rule) string {
	text := r.File.Slice(r.File.LineSpan(r.File.Line(r.Span.Start)))
	return text[:len(text)-len(strings.TrimLeft(text, " \t"))]
}

// leaveOut puts a look-ahead behind the ^ of a pattern, so that it does not take what is written; nil for patterns without ^.
func leaveOut(p *lint.Pass, pattern *ir.Pattern, text string) []source.Edit {
	if pattern == nil || pattern.Re == nil {
		return nil
	}
	written := raw(p, pattern.Span)
	at := pattern.Span.Start
	if strings.HasPrefix(written, `"`) {
		written, at = written[1:], at+1
	}
	if !strings.HasPrefix(written, "^") {
		return nil
	}
	if pattern.Options.IgnoreCase || strings.Contains(written, "(?i") {
		text = "(?-i:" + text + ")"
	}
	return source.Insert(at+1, "(?!"+text+")")
}

// exactly is a pattern for one path and nothing else, quoted its text in a pattern.
func exactly(path string) string { return "^" + quoted(path) + "$" }
func quoted(path string) string  { return regexp.QuoteMeta(path) }

// dropDirective removes the directive of a rule: its line, or only itself where it shares one. Conditions of its own keep it.
func dropDirective(p *lint.Pass, r *ir.Rule) []source.Edit {
	if r.File != p.File || len(r.Conditions) > 0 {
		return nil
	}
	if list := dropRule(p, r); list != nil {
		return list[0].Edits
	}
	if at := directiveAt(p, r.Origin); at != nil && p.Unit.Input.Server == ir.Nginx && !at.Section {
		return source.Replace(at.Line, "")
	}
	return nil
}

// dropWithConditions removes a rule and the conditions right above it, with their lines.
func dropWithConditions(p *lint.Pass, r *ir.Rule) []source.Edit {
	if len(r.Conditions) == 0 {
		return dropDirective(p, r)
	}
	at := directiveAt(p, r.Origin)
	if at == nil || r.File != p.File {
		return nil
	}
	first, n := at, 0
	for d := at.PrevPtr; d != nil && d.Is("RewriteCond") && d.Parent == at.Parent; d = d.PrevPtr {
		first, n = d, n+1
	}
	if n != len(r.Conditions) {
		return nil
	}
	start := p.File.LineSpan(p.File.Line(first.Line.Start)).Start
	end := p.File.LineSpan(p.File.Line(at.Line.End) + 1).Start
	if end <= start || strings.Contains(raw(p, source.Span{Start: start, End: end}), "#") {
		return nil // a comment there may be about something else
	}
	return source.Replace(source.Span{Start: start, End: end}, "")
}

// isIdle tells whether a redirect does nothing but loop: its source is one address, or its target goes on with all that its source does.
func isIdle(p *lint.Pass, r *ir.Rule) bool {
	switch r.Match {
	case ir.MatchSegment:
		return true
	case ir.MatchRegex:
		if r.Pattern == nil || r.Pattern.Re == nil {
			return false
		}
		_, caseless, exact := r.Pattern.Re.Tree().Exact()
		return exact && !caseless
	}
	sc := p.Site().Scope(r)
	return sc != nil && sc.Kind == ir.ScopeLocation && sc.Modifier == ir.ExactLocation
}

// againstSelf mends a redirect to itself.
func againstSelf(p *lint.Pass, l *loop) []diag.Fix {
	r := l.rule
	path := pathOf(&l.chain.Hops[0].Probe)
	if r.File != p.File || strings.ContainsAny(path, "%\"\\ ") {
		return nil
	}
	var list []remedy
	prefix := r.Target.Prefix()
	authority, _, absolute := splitAddress(prefix)
	switch {
	case absolute && authority != "" && !strings.ContainsAny(authority, "$%:@"):
		if strings.HasPrefix(prefix, "https://") {
			list = append(list, remedy{"redirect only what is not at https://" + authority + " yet",
				addCondition(p, r, "%{HTTPS} off [OR]", "%{HTTP_HOST} !"+exactly(authority)+" [NC]")})
		} else {
			list = append(list, remedy{"redirect only what comes for another host", addCondition(p, r, "%{HTTP_HOST} !"+exactly(authority)+" [NC]")})
		}
		list = append(list, siteMove(p, r)...)
	default:
		if isIdle(p, r) {
			list = append(list, remedy{"remove the redirect", dropWithConditions(p, r)})
		} else {
			list = append(list, remedy{"leave out what is there already", addCondition(p, r, "%{REQUEST_URI} !"+exactly(path))})
		}
		if r.Keyword == ir.RedirectMatch || r.Keyword == ir.NginxRewrite {
			list = append(list, remedy{"leave the target out of the pattern", leaveOut(p, r.Pattern, quoted(path)+"$")})
		}
		list = append(list, ofLocation(p, r, path, false)...)
	}
	return firstThatHelps(p, list, comesToAnEnd(p, l, l.chain.Hops))
}

// ofLocation changes what a location takes whose return is in the way.
func ofLocation(p *lint.Pass, r *ir.Rule, path string, all bool) []remedy {
	sc := p.Site().Scope(r)
	if r.Keyword != ir.NginxReturn || sc == nil || sc.Kind != ir.ScopeLocation || sc.File != p.File {
		return nil
	}
	switch sc.Modifier {
	case ir.RegexLocation, ir.RegexLocationCI:
		text := quoted(path)
		if !all {
			text += "$"
		}
		return []remedy{{"leave the target out of the location", leaveOut(p, sc.Pattern, text)}}
	case ir.PrefixLocation:
		if at := directiveAt(p, sc.Origin); at != nil && len(at.Args) == 1 && sc.Path != "/" {
			return []remedy{{"take that one address only", source.Insert(at.Args[0].Span.Start, "= ")}}
		}
	}
	return nil
}

// siteMove makes a move of everything to https of it that asks first whether the request came by https.
func siteMove(p *lint.Pass, r *ir.Rule) []remedy {
	at := directiveAt(p, r.Origin)
	target, constant := r.Target.Constant()
	if at == nil || !constant || r.Match != ir.MatchSegment || r.Path != "/" || !strings.HasPrefix(target, "https://") || strings.ContainsAny(target, "%$?# ") {
		return nil
	}
	indent := "\n" + indentOf(r)
	text := ""
	if !engineOn(p.Site().Scope(r)) {
		text = "RewriteEngine On" + indent
	}
	text += "RewriteCond %{HTTPS} off" + indent + "RewriteRule ^ " + strings.TrimSuffix(target, "/") + "%{REQUEST_URI} [R=" + strconv.Itoa(r.Status) + ",L]"
	return []remedy{{"redirect plain HTTP only", source.Replace(at.Line, text)}}
}

// engineOn tells whether a scope turns its rewriting on by itself.
func engineOn(s *ir.Scope) bool {
	on := false
	if s != nil {
		for _, set := range ownSettings(s, "RewriteEngine") {
			on = strings.EqualFold(set.Arg(0), "on")
		}
	}
	return on
}

// againstGrowth mends a redirect whose target lies inside of what it takes.
func againstGrowth(p *lint.Pass, l *loop) []diag.Fix {
	r := l.rule
	at := directiveAt(p, r.Origin)
	target := pathPart(r.Target.Prefix())
	if at == nil || r.File != p.File || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, "%\"\\ ") {
		return nil
	}
	var list []remedy
	text, constant := r.Target.Constant()
	if name, ok := map[ir.Keyword]string{ir.Redirect: "RedirectMatch", ir.RedirectPermanent: "RedirectMatch 301", ir.RedirectTemp: "RedirectMatch 302"}[r.Keyword]; ok &&
		constant && !strings.ContainsAny(text, "$&\\") {
		for _, a := range at.Args {
			if a.Text == r.Path {
				list = append(list, remedy{"redirect that one address only", []source.Edit{{Span: at.Name.Span, Text: name},
					{Span: a.Span, Text: "^" + quoted(strings.TrimSuffix(r.Path, "/")) + "/?$"}}})
				break
			}
		}
	}
	list = append(list, remedy{"leave out what is there already", addCondition(p, r, "%{REQUEST_URI} !^"+quoted(target))})
	if r.Keyword == ir.RedirectMatch || r.Keyword == ir.NginxRewrite {
		list = append(list, remedy{"leave the target out of the pattern", leaveOut(p, r.Pattern, quoted(target))})
	}
	list = append(list, ofLocation(p, r, target, true)...)
	return firstThatHelps(p, list, comesToAnEnd(p, l, l.chain.Hops[:1]))
}

// againstCircle drops the one redirect of a circle that is temporary while all others are permanent. Where there is no such a
// person has to choose; the one that is reported is shown without.
func againstCircle(p *lint.Pass, l *loop) []diag.Fix {
	var weak *ir.Rule
	temporary := 0
	for i := range l.chain.Hops {
		if s := l.chain.Hops[i].Outcome.Status; s != 301 && s != 308 {
			temporary++
			weak = l.chain.Hops[i].Rule()
		}
	}
	safety := diag.Risky
	if temporary != 1 || l.skipped > 0 || weak == nil {
		weak, safety = l.rule, diag.Shown
	}
	edits := dropDirective(p, weak)
	if edits == nil || l.skipped == 0 && !tryOut(p, edits, comesToAnEnd(p, l, l.chain.Hops)) {
		return nil
	}
	title := "remove this redirect"
	if weak != l.rule {
		title = "remove the temporary redirect on " + lineOf(weak, l.rule)
	}
	return []diag.Fix{{Title: title, Safety: safety, Edits: edits}}
}

// againstIndex lets a rule redirect only what the client asked for itself.
func againstIndex(p *lint.Pass, l *loop) []diag.Fix {
	r := l.rule
	at := directiveAt(p, r.Origin)
	if at == nil || r.File != p.File {
		return nil
	}
	var list []remedy
	if r.Keyword == ir.RewriteRule {
		name := ""
		if text, _, exact := r.Pattern.Re.Tree().Exact(); exact {
			name = text
		} else if m := indexName.get().FindString(r.Pattern.Text); m != "" {
			name = strings.ReplaceAll(m, `\`, "")
		}
		if name != "" {
			list = append(list, remedy{"redirect only what the client asked for", addCondition(p, r, `%{THE_REQUEST} \s/+(?:[^?\s]*/)?`+quoted(name[strings.LastIndexByte(name, '/')+1:])+`[?\s]`)})
		}
	}
	target, constant := r.Target.Constant()
	if r.Match == ir.MatchSegment && constant && !strings.ContainsAny(target+r.Path, "$%?# \"\\") {
		pattern := r.Path
		if p.Htaccess() {
			rest, ok := strings.CutPrefix(pattern, p.Site().Below(r))
			if !ok {
				return nil
			}
			pattern = rest
		}
		indent := "\n" + indentOf(r)
		text := ""
		if !engineOn(p.Site().Scope(r)) {
			text = "RewriteEngine On" + indent
		}
		text += `RewriteCond %{THE_REQUEST} \s/+` + quoted(strings.TrimPrefix(r.Path, "/")) + `[?\s]` + indent +
			"RewriteRule " + exactly(pattern) + " " + target + " [R=" + strconv.Itoa(r.Status) + ",L]"
		list = append(list, remedy{"redirect only what the client asked for", source.Replace(at.Line, text)})
	}
	asked := l.chain.Hops[0].Probe
	return firstThatHelps(p, list, func(s *probe.Site) bool {
		c := s.Follow(asked, browserHops)
		return c.End == probe.EndAnswer && len(c.Hops) == 1
	})
}

var indexName = lazyRegexp(`index\\?\.[a-z0-9]+`)

// shownOnly leaves the choice to a person.
func shownOnly(list []diag.Fix) []diag.Fix {
	for i := range list {
		list[i].Safety = diag.Shown
	}
	return list
}
