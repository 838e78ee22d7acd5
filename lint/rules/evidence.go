package rules

import (
	"path"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// side is what a piece of evidence speaks for.
type side uint8

const (
	forTemporary side = iota + 1
	forPermanent
	forMethod // the method and the body of the request matter
)

// evidence is one sign of what the author of a redirect meant, beside the status that is written. Points are
// log-odds: from warnAt on a contradiction is a warning, from sayAt on an info.
type evidence struct {
	kind   string // "E3"; one of each kind counts
	side   side
	points int
	at     ir.Origin // where the sign stands
	says   string    // a clause for messages: `the comment says "until 2026-08-31"`
}

const (
	warnAt = 4
	sayAt  = 2
)

// signs are all pieces of evidence for a redirect that need no simulation, gathered once.
func (r *redirect) signs(u *lint.Unit) []evidence {
	r.weighOnce.Do(func() { r.weigh(u) })
	return r.evidence
}

func (r *redirect) weigh(u *lint.Unit) {
	add := func(kind string, s side, points int, at ir.Origin, says string) {
		r.evidence = append(r.evidence, evidence{kind, s, points, at, says})
	}
	in := func(s source.Span) ir.Origin { return ir.Origin{File: r.at.File, Span: s} }
	if c := r.comment.Code; c != nil && r.heading == nil && permanent(c.Status) == permanent(r.status) {
		// the number agrees: it counts as the author's word on how long
		s := forTemporary
		if permanent(c.Status) {
			s = forPermanent
		}
		add("E1", s, 6, in(c.Span), `the comment says "`+c.Words+`"`)
	}
	for _, m := range r.comment.Marks {
		switch m.Sense {
		case intent.Temporary:
			add("E2", forTemporary, 5, in(m.Span), `the comment says "`+m.Words+`"`)
		case intent.Permanent:
			add("E2", forPermanent, 5, in(m.Span), `the comment says "`+m.Words+`"`)
		case intent.ForNow:
			add("E3", forTemporary, 4, in(m.Span), `the comment says "`+m.Words+`"`)
		}
	}
	if now := u.Input.Now; !now.IsZero() {
		for _, d := range r.comment.Dates {
			if d.Day.After(now) && d.Day.Before(now.AddDate(5, 0, 0)) {
				add("E3", forTemporary, 4, in(d.Span), "the comment names a day to come, "+d.Words)
				break
			}
		}
	}
	r.pathSigns(add)
	r.conditionSigns(add)
	r.headingSigns(add)
	r.methodSigns(add)
	r.neighbourSigns(u, add)
	r.bodySigns(u, add)
}

// pathSigns are E4 and E5: what the paths say.
func (r *redirect) pathSigns(add func(string, side, int, ir.Origin, string)) {
	from, to := r.paths()
	at := ir.Origin{File: r.at.File, Span: r.rule.TargetSpan}
	if w, ok := intent.TemporaryIn(to, from); ok {
		add("E4", forTemporary, w.Points, at, `"`+w.Word+`" in the target sounds temporary`)
	} else if w, ok := intent.TemporaryIn(from, to); ok && w.Sense != intent.PathMaintenance {
		add("E4", forPermanent, 3, ir.Origin{File: r.at.File, Span: r.rule.Span}, `"`+w.Word+`" in the source is over`)
	}
	if alias, version, ok := intent.AliasOf(from, to); ok {
		add("E5", forTemporary, 3, at, `"`+alias+`" is "`+version+`" only until the next one`)
	}
}

// conditionSigns are E6: flag files, the time of day, a share of the visitors.
func (r *redirect) conditionSigns(add func(string, side, int, ir.Origin, string)) {
	for _, c := range r.conditions() {
		if c.Negated && c.Kind != ir.CondFile {
			continue
		}
		switch {
		case c.Kind == ir.CondFile && !c.Negated && isFlagFile(c.Test):
			add("E6", forTemporary, 4, c.Origin, "it holds only while the file "+quote(fileName(c.Test))+" is there")
			return
		case testsTime(c.Test):
			add("E6", forTemporary, 4, c.Origin, "it depends on the time")
			return
		}
	}
}

// isFlagFile tells whether a file is one that is put down and taken away: maintenance.on, and its like.
func isFlagFile(t *ir.Template) bool {
	name := strings.ToLower(fileName(t))
	for _, w := range []string{"maintenance", "maint.", "wartung", "mantenimiento", "manutenzione", "onderhoud", "offline", "under-construction", "deploying", ".lock"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return strings.HasPrefix(name, "down.")
}

// fileName is the last name of a path, when that is spelt out.
func fileName(t *ir.Template) string {
	if t == nil || len(t.Parts) == 0 {
		return ""
	}
	last := t.Parts[len(t.Parts)-1]
	if last.Kind != ir.Literal {
		return ""
	}
	return path.Base(last.Text)
}

// testsTime tells whether a test string is the clock.
func testsTime(t *ir.Template) bool {
	if t == nil {
		return false
	}
	for i := range t.Parts {
		if p := &t.Parts[i]; p.Kind == ir.Variable && (strings.HasPrefix(p.Name, "TIME") && p.Space == "" ||
			p.Name == "time_iso8601" || p.Name == "time_local" || p.Name == "date_local" || p.Name == "date_gmt" || p.Name == "msec") {
			return true
		}
	}
	return false
}

// headingSigns are E11: the comment over a run of redirects, and the name of the file.
func (r *redirect) headingSigns(add func(string, side, int, ir.Origin, string)) {
	if h := r.heading; h != nil {
		if c := h.Code; c != nil {
			s := forTemporary
			if permanent(c.Status) {
				s = forPermanent
			}
			add("E11", s, 3, ir.Origin{File: r.at.File, Span: c.Span}, `the heading says "`+c.Words+`"`)
		} else if m, ok := h.Has(intent.Temporary); ok {
			add("E11", forTemporary, 3, ir.Origin{File: r.at.File, Span: m.Span}, `the heading says "`+m.Words+`"`)
		} else if m, ok := h.Has(intent.Permanent); ok {
			add("E11", forPermanent, 3, ir.Origin{File: r.at.File, Span: m.Span}, `the heading says "`+m.Words+`"`)
		}
	}
	if s, word := fileSays(r.at.File.Name); s != 0 {
		add("E11", s, 3, ir.Origin{File: r.at.File}, `the name of the file says "`+word+`"`)
	}
}

// fileSays reads the name of a file of redirects: 301.conf, permanent-redirects.map, temp-redirects.conf.
func fileSays(name string) (side, string) {
	name = strings.ToLower(path.Base(name))
	base := name
	if i := strings.LastIndexByte(base, '.'); i > 0 {
		base = base[:i]
	}
	redirects := strings.Contains(base, "redirect") || strings.Contains(base, "rewrite")
	for _, w := range strings.FieldsFunc(base, func(c rune) bool { return c == '-' || c == '_' || c == '.' }) {
		switch {
		case w == "301" || w == "308" || w == "permanent" && redirects:
			return forPermanent, w
		case w == "302" || w == "307" || (w == "temporary" || w == "temp") && redirects:
			return forTemporary, w
		}
	}
	return 0, ""
}

// methodSigns are E13 and E14: conditions on the method, and paths that are sent to.
func (r *redirect) methodSigns(add func(string, side, int, ir.Origin, string)) {
	fetches := false
	for _, c := range r.conditions() {
		sends, gets, ok := methodsOf(c)
		switch {
		case !ok:
		case sends != "" && !gets:
			add("E13", forMethod, 6, c.Origin, "the condition admits "+sends)
		case gets && sends == "":
			fetches = true
		}
	}
	from, to := r.paths()
	w, ok := intent.MethodIn(from)
	if !ok || fetches || intent.Documents(from) || intent.Documents(to) || !r.keepsPlace(w.Word, to) {
		return
	}
	if r.takesAll() {
		w.Points -= 2
	}
	add("E14", forMethod, w.Points, ir.Origin{File: r.at.File, Span: r.rule.Span}, quote(w.Word)+" is a place that is sent to")
}

// keepsPlace tells whether a redirect leads from a place like /api to such a place: the target names it, or keeps the
// whole path of the request.
func (r *redirect) keepsPlace(word string, to []string) bool {
	if _, ok := intent.MethodIn(to); ok {
		return true
	}
	host, named := targetHost(r.rule)
	if named && (strings.HasPrefix(host, "api.") || strings.HasPrefix(host, "hooks.") || strings.HasPrefix(host, word+".")) {
		return true
	}
	for i := range r.rule.Target.Parts {
		if isPathPart(r.rule.Target.Parts[i]) {
			return true
		}
	}
	return false
}

// methodsOf reads a condition on the method of the request: one of the methods with a body that it admits (empty: none), and
// whether it admits GET. ok is false when it is about something else.
func methodsOf(c *ir.Condition) (sends string, gets, ok bool) {
	if c.Test == nil || len(c.Test.Parts) != 1 || c.Test.Parts[0].Kind != ir.Variable {
		return "", false, false
	}
	if n := c.Test.Parts[0].Name; n != "REQUEST_METHOD" && n != "request_method" {
		return "", false, false
	}
	admits := func(m string) bool {
		holds := false
		switch {
		case c.Kind == ir.CondRegex && c.Pattern != nil && c.Pattern.Re != nil:
			holds, _ = c.Pattern.Re.MatchBool(m)
		case c.Kind == ir.CondString && c.Op == "=":
			text, constant := c.Operand.Constant()
			holds = constant && (text == m || c.IgnoreCase && strings.EqualFold(text, m))
		default:
			return false
		}
		return holds != c.Negated
	}
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if admits(m) {
			sends = m
			break
		}
	}
	return sends, admits("GET"), true
}

// weigh adds up what speaks for a side, one piece of each kind; pieces come with the heaviest first.
func weigh(list []evidence, s side) (points int, pieces []evidence) {
	best := map[string]evidence{}
	for _, e := range list {
		if e.side == s && e.points > best[e.kind].points {
			best[e.kind] = e
		}
	}
	for _, e := range list {
		if b, ok := best[e.kind]; ok && b == e {
			pieces = append(pieces, e)
			points += e.points
			delete(best, e.kind)
		}
	}
	if !slices.ContainsFunc(pieces, func(e evidence) bool { return !e.aside() }) {
		return 0, nil
	}
	for i := 1; i < len(pieces); i++ {
		for j := i; j > 0 && pieces[j].points > pieces[j-1].points; j-- {
			pieces[j], pieces[j-1] = pieces[j-1], pieces[j]
		}
	}
	return points, pieces
}

// says is what the pieces of evidence say, as the beginning of a message; at most two.
func says(pieces []evidence) string {
	switch len(pieces) {
	case 0:
		return ""
	case 1:
		return pieces[0].says
	}
	return pieces[0].says + " and " + pieces[1].says
}

// related are the places of the evidence that lie outside of the directive.
func (r *redirect) related(pieces []evidence) []diag.Related {
	var out []diag.Related
	for _, e := range pieces {
		if e.at.File != nil && e.at.Span.Len() > 0 && !(e.at.File == r.at.File && r.at.Line.Contains(e.at.Span)) {
			out = append(out, diag.Related{File: e.at.File, Span: e.at.Span, Message: e.says})
		}
	}
	return out
}

// severityAt is the severity for a score; 0 when it is too low to speak.
func severityAt(points int) diag.Severity {
	switch {
	case points >= warnAt:
		return diag.Warning
	case points >= sayAt:
		return diag.Info
	}
	return 0
}

type identifiersKey struct{}

// identifiers tells whether the site is a registry of persistent identifiers (w3id, purl): nearly all of its redirects are
// temporary by policy and lead to the hosts of others.
func identifiers(u *lint.Unit) bool {
	if u.Input.Profile == "identifiers" {
		return true
	}
	return u.Memo(identifiersKey{}, func() any {
		if u.Input.Context != ir.ContextHtaccess {
			return false
		}
		for _, h := range u.Hosts() {
			if h.Source != lint.HostSaid {
				return false // it tells its own names apart, as a registry does not
			}
		}
		list := redirectsOf(u)
		n := 0
		for _, r := range list {
			host, foreign := targetHost(r.rule)
			if foreign && u.ServesHost(host) == 0 && !permanent(r.status) {
				n++
			}
		}
		return len(list) > 0 && n*10 >= len(list)*9
	}).(bool)
}

// targetHost is the host a target names; ok is false when it names none, or one that depends on the request.
func targetHost(r *ir.Rule) (host string, ok bool) {
	text := r.Target.Prefix()
	_, rest, found := strings.Cut(text, "://")
	if !found {
		return "", false
	}
	i := strings.IndexAny(rest, "/?#")
	if i < 0 && len(r.Target.Parts) > 1 {
		// the host ends where a reference to the path begins
		next := r.Target.Parts[1]
		if !isPathPart(next) {
			return "", false
		}
		i = len(rest)
	}
	if i >= 0 {
		rest = rest[:i]
	}
	if rest == "" {
		return "", false
	}
	return strings.ToLower(rest), true
}

// isPathPart tells whether a reference stands for a path with its slash in front.
func isPathPart(p ir.Part) bool {
	switch p.Name {
	case "REQUEST_URI", "request_uri", "uri", "document_uri":
		return p.Kind == ir.Variable
	}
	return false
}
