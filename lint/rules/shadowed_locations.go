package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
)

// maxLocationComparisons bounds the languages of locations that are compared in one configuration.
const maxLocationComparisons = 1000

// shadowedLocations looks for locations of nginx that are never chosen: regular expressions below an earlier one that takes all
// they would, or whose paths all lie under a ^~ prefix; and prefixes of which a regular expression takes every path.
func shadowedLocations(p *lint.Pass, g *ir.Program) {
	site := p.Site()
	if site == nil {
		return
	}
	b := &shadows{p: p, site: site, left: maxLocationComparisons}
	eachScope(g, func(s *ir.Scope) {
		if s.Kind == ir.ScopeHost || s.Kind == ir.ScopeLocation {
			b.level(s)
		}
	})
}

type shadows struct {
	p     *lint.Pass
	site  *probe.Site
	space *pattern.Space
	plain pattern.Language // paths without line feeds and other control bytes
	left  int
	found []shadowed // of the level at hand
}

// shadowed is a location that is never chosen, the one that is in its place, and what is to be said.
type shadowed struct {
	late, by *ir.Scope
	finding  diag.Diagnostic
	asked    probe.Probe
}

// level looks at the locations of one server or location.
func (b *shadows) level(s *ir.Scope) {
	var regexes, prefixes []*ir.Scope
	for _, item := range s.Items {
		in, ok := item.(*ir.Scope)
		if !ok || in.Kind != ir.ScopeLocation || in.File == nil {
			continue
		}
		switch in.Modifier {
		case ir.RegexLocation, ir.RegexLocationCI:
			if in.Pattern == nil || in.Pattern.Re == nil {
				return // not one that can be reasoned about, and all below hangs on it
			}
			regexes = append(regexes, in)
		case ir.PrefixLocation, ir.NoRegexLocation:
			prefixes = append(prefixes, in)
		}
	}
	defer func() { b.tell(append(regexes, prefixes...)) }()
	var earlier expressionIndex
	byPath := newPrefixIndex(prefixes)
	for _, late := range regexes {
		if by := b.covering(&earlier, b.paths(late)); by != nil {
			b.report(late, by, "an earlier expression takes every path it would")
		} else if by := underPrefix(byPath, late); by != nil {
			b.report(late, by, "its ^~ keeps expressions from being tried for all those paths")
		}
		earlier.add(late)
	}
	for _, wide := range prefixes {
		if wide.Modifier == ir.PrefixLocation && wide.Path != "/" && !hasLocations(wide) {
			if by := b.covering(&earlier, b.below(wide.Path)); by != nil {
				b.report(wide, by, "expressions come before prefixes, and it takes every path below that")
			}
		}
	}
}

func hasLocations(s *ir.Scope) bool {
	for _, item := range s.Items {
		if in, ok := item.(*ir.Scope); ok && in.Kind == ir.ScopeLocation {
			return true
		}
	}
	return false
}

// locationPathsOf is a set of paths, and what is known of them without an automaton.
type locationPathsOf struct {
	set  func() (pattern.Language, bool)
	text string // they begin with
}

func (b *shadows) paths(s *ir.Scope) locationPathsOf {
	text, _ := s.Pattern.Re.Tree().Prefix()
	return locationPathsOf{func() (pattern.Language, bool) { return b.subjects(s.Pattern) }, text}
}

func (b *shadows) below(path string) locationPathsOf {
	return locationPathsOf{func() (pattern.Language, bool) { b.open(); return b.space.Begins(path), true }, path}
}

func (b *shadows) open() {
	if b.space == nil {
		b.space = pattern.NewSpace(200_000)
		b.plain = b.space.All()
		if re, err := pattern.Compile(`^/[^\x00-\x1f\x7f]*\z`, pattern.Options{}); err == nil {
			if l, ok := b.space.Subjects(re.Tree()); ok {
				b.plain = l
			}
		}
	}
}

func (b *shadows) subjects(p *ir.Pattern) (pattern.Language, bool) {
	b.open()
	return b.space.Subjects(p.Re.Tree())
}

// covering is the first expression that takes all paths of a set.
func (b *shadows) covering(x *expressionIndex, q locationPathsOf) *ir.Scope {
	if b.left < 0 {
		return nil
	}
	for _, wide := range x.wide(q.text) {
		if b.left--; b.left < 0 {
			return nil
		}
		own, ok := q.set()
		if !ok {
			return nil
		}
		own = b.space.And(own, b.plain)
		if l, ok := b.subjects(wide.Pattern); ok {
			if yes, _, known := b.space.Includes(l, own); known && yes {
				if _, found, known := b.space.Shortest(own); known && found {
					return wide
				}
			}
		}
	}
	return nil
}

// underPrefix is the ^~ location that is the longest prefix of every path an expression takes.
func underPrefix(x *prefixIndex, s *ir.Scope) *ir.Scope {
	text, caseless := s.Pattern.Re.Tree().Prefix()
	if caseless || text == "" {
		return nil
	}
	best := x.longest(text)
	if best == nil || best.Modifier != ir.NoRegexLocation || x.triedBelow(text) {
		return nil
	}
	return best
}

// report says that a location is never used, when the server chooses the other one for a path of it.
func (b *shadows) report(s, by *ir.Scope, why string) {
	if b.site.Spent() {
		return
	}
	q := (&asker{site: b.site}).visit(s)
	for _, path := range b.samples(s) {
		q.Request.Target = path
		if !sendable(path) || strings.ContainsAny(path, "%?") {
			continue
		}
		o := b.site.Ask(q)
		if !o.Known || len(o.Via) == 0 || o.Via[0] != locationName(by) {
			continue
		}
		b.p.File = s.File
		line := lineOf(&ir.Rule{Origin: by.Origin}, &ir.Rule{Origin: s.Origin})
		severity := diag.Severity(0)
		if deniesAll(s) && deniesAll(by) {
			severity = diag.Info // nothing is lost
		}
		b.found = append(b.found, shadowed{s, by, diag.Diagnostic{File: s.File, Span: s.Span, Severity: severity, Witness: b.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer}),
			Message: "this location is never used: the one on " + line + " takes all it would, such as " + probe.URL(q.Request),
			Related: []diag.Related{{File: by.File, Span: by.Span, Message: why}}}, q})
		return
	}
}

func (b *shadows) samples(s *ir.Scope) []string {
	if s.Pattern == nil {
		return []string{s.Path + "x", s.Path}
	}
	return probe.Samples(s.Pattern, 4)
}

// locationName is how an outcome names a location that was chosen.
func locationName(s *ir.Scope) string {
	if s.Pattern != nil {
		return s.Pattern.Text
	}
	return s.Path
}

// deniesAll tells whether a location turns everybody away.
func deniesAll(s *ir.Scope) bool {
	for _, set := range ownSettings(s, "deny") {
		if set.Arg(0) == "all" {
			return true
		}
	}
	return false
}
