package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// apart gives the fix that keeps a host and what stands behind it apart: the group begins with a slash, or a slash stands before
// it. It is risky where it was seen that no stranger's host comes of it any more and that addresses of the own host stay as they
// are; else it is only shown.
func (a *asker) apart(r *ir.Rule, part *ir.Part, found *proof, texts []string) []diag.Fix {
	if strings.HasSuffix(r.Target.Prefix(), ".") {
		return nil // the group is there to name the host
	}
	p := a.p
	slash := remedy{"put a slash in front", nil}
	if raw(p, part.Span) == part.Text {
		slash.edits = source.Insert(part.Span.Start, "/")
	}
	if fixes := firstThatHelps(p, []remedy{a.slashInGroup(r, part), slash}, a.staysHome(r, found, texts)); fixes != nil || slash.edits == nil {
		return fixes
	}
	return []diag.Fix{{Title: slash.title, Safety: diag.Shown, Edits: slash.edits}}
}

// slashInGroup is the remedy that lets a group at the end of a pattern, (.*) or (.+), begin with a slash.
func (a *asker) slashInGroup(r *ir.Rule, part *ir.Part) remedy {
	if part.Kind != ir.RuleRef {
		return remedy{}
	}
	re := r.Pattern
	if r.Keyword == ir.NginxReturn {
		re = nil
		for s := a.site.Scope(r); s != nil && re == nil; s = s.Parent {
			if s.If != nil {
				return remedy{}
			}
			re = s.Pattern
		}
	}
	if re == nil || re.Re == nil || raw(a.p, re.Span) != re.Text {
		return remedy{}
	}
	n := 0
	var group *pattern.Group
	pattern.Walk(re.Re.Tree().Root, func(x pattern.Node) bool {
		if g, ok := x.(*pattern.Group); ok && g.Kind == pattern.Capturing {
			if n++; n == part.N {
				group = g
			}
		}
		return true
	})
	if group == nil {
		return remedy{}
	}
	span := group.Span()
	text, rest := re.Text[span.Start:span.End], re.Text[span.End:]
	better := map[string]string{"(.*)": "(/.*)?", "(.+)": "(/.*)"}[text]
	if better == "" || rest != "" && rest != "$" || strings.HasSuffix(re.Text[:span.Start], "/") {
		return remedy{}
	}
	if rest == "" && better == "(/.*)?" {
		better += "$" // else it matches without the group as before
	}
	at := source.Span{Start: re.Span.Start + span.Start, End: re.Span.Start + span.End}
	return remedy{"let the group begin with a slash", source.Replace(at, better)}
}

// staysHome makes a test of the site as it would be: nothing of what leads to a stranger's host does so any more, and what is
// sent to the host of the target is sent there as before.
func (a *asker) staysHome(r *ir.Rule, found *proof, texts []string) func(*probe.Site) bool {
	home, _, _ := splitAddress(r.Target.Prefix())
	put := func(text string) probe.Probe {
		q := found.probe
		for _, t := range texts {
			if strings.Contains(q.Request.Target, t) {
				q.Request.Target = strings.Replace(q.Request.Target, t, text, 1)
				break
			}
		}
		q.Reached = false
		return q
	}
	return func(s *probe.Site) bool {
		for _, t := range texts {
			if o := s.Ask(put(t)); !o.Known || o.Location != nil && foreign(*o.Location) {
				return false
			}
		}
		same := 0
		for _, q := range append([]probe.Probe{put("/"), put("/x"), put("/x/y"), put("")}, a.site.Requests(r, 4)...) {
			before, after := a.site.Ask(q), s.Ask(q)
			if !before.Known || before.Location == nil || !probe.HasFired(&before, r) {
				continue
			}
			authority, _, _ := splitAddress(*before.Location)
			if authority != home {
				continue // what is to change
			}
			if after.Location == nil || after.Status != before.Status || strings.TrimSuffix(*after.Location, "/") != strings.TrimSuffix(*before.Location, "/") {
				return false
			}
			same++
		}
		return same > 0
	}
}

// endWithSlash is the fix of a Redirect whose target lacks the slash of its source; shown where it was not seen to do.
func (a *asker) endWithSlash(p *lint.Pass, r *ir.Rule, found *proof) []diag.Fix {
	m := remedy{"end the target with `/`", source.Insert(innerEnd(p, r.TargetSpan), "/")}
	home, _, _ := splitAddress(r.Target.Prefix())
	fixes := firstThatHelps(p, []remedy{m}, func(s *probe.Site) bool {
		o := s.Ask(found.probe)
		if !o.Known || o.Location == nil {
			return false
		}
		authority, _, ok := splitAddress(*o.Location)
		return ok && authority == home
	})
	if fixes == nil {
		return []diag.Fix{{Title: m.title, Safety: diag.Shown, Edits: m.edits}}
	}
	return fixes
}
