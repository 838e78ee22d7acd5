package value

import (
	"strings"

	"rewright/parser/ir"
)

// Place is where an item stands.
type Place struct {
	Scope  *ir.Scope
	Index  int    // in Scope.Items
	Parent *Place // of Scope; nil at the outermost
	// Steady is set when the path that a pattern at the place is compared with is the one of a request, as Values.Path
	// says it. It is not behind a rule that may have put anything into the path's place and goes on with the next
	// rule, nor where the path is cut at a prefix that is not known.
	Steady bool
}

// Visitor is told of the items of a program; nil members are not called.
type Visitor struct {
	Rule    func(r *ir.Rule, at *Place)
	Scope   func(s *ir.Scope, at *Place) // before what stands in it; at is where its head stands, nil for outermost ones
	Map     func(m *ir.MapBlock)
	Setting func(s *ir.Setting, at *Place)
}

// Walk calls f for each rule of a program, in file order, and where it stands; the Place is good for the call only.
func Walk(p *ir.Program, f func(r *ir.Rule, at *Place)) { Visit(p, Visitor{Rule: f}) }

// Visit goes through a program in file order; a Place is good for the call only.
func Visit(p *ir.Program, v Visitor) {
	w := walker{Visitor: v, loose: looseSlashes(p)}
	if p.Root != nil {
		w.walk(p.Root, nil)
	}
	for _, s := range p.Htaccess {
		w.walk(s, nil)
	}
}

type walker struct {
	Visitor
	loose bool
}

func (w *walker) walk(s *ir.Scope, parent *Place) {
	if w.Scope != nil {
		w.Scope(s, parent)
	}
	at := &Place{Scope: s, Parent: parent}
	steady := !w.loose && cutsKnownPrefix(s)
	for i, item := range s.Items {
		switch item := item.(type) {
		case *ir.Scope:
			w.walk(item, &Place{Scope: s, Index: i, Parent: parent, Steady: steady})
		case *ir.Rule:
			at.Index, at.Steady = i, steady || item.Keyword != ir.RewriteRule && !w.loose
			if w.Rule != nil {
				w.Rule(item, at)
			}
			steady = steady && !disturbs(item)
		case *ir.MapBlock:
			if w.Map != nil {
				w.Map(item)
			}
		case *ir.Setting:
			if w.Setting != nil {
				at.Index, at.Steady = i, steady
				w.Setting(item, at)
			}
		}
	}
}

// cutsKnownPrefix tells whether rules of a scope see the path below a directory, or the whole path. In <Location>,
// <Files>, <If> and directories given by a pattern what is cut is another thing.
func cutsKnownPrefix(s *ir.Scope) bool {
	switch s.Kind {
	case ir.ScopeDirectoryMatch, ir.ScopeFiles, ir.ScopeFilesMatch, ir.ScopeLocationMatch, ir.ScopeElseIf, ir.ScopeElse:
		return false
	case ir.ScopeLocation, ir.ScopeIf:
		return s.If != nil || s.Name == "location"
	case ir.ScopeDirectory:
		return !strings.ContainsAny(s.Path, "*?[")
	}
	return true
}

// disturbs tells whether the rules after one may see something else than a path as Values.Path describes it.
// Source: httpd mod_rewrite.c, apply_rewrite_rule (what follows sees the new text; per directory only a relative
// one is brought back below the directory).
func disturbs(r *ir.Rule) bool {
	if r.Keyword != ir.RewriteRule || r.Target == nil || r.Discarded {
		return false
	}
	switch r.Flow {
	case ir.FlowLast, ir.FlowEnd, ir.FlowRestart, ir.FlowAnswer:
		return false
	}
	if r.Action == ir.ActionRespond {
		return false
	}
	prefix := r.Target.Prefix()
	if r.Subject == ir.SubjectDirectory {
		return prefix == "" || prefix[0] == '/' || strings.Contains(prefix, ":")
	}
	return prefix == "" || prefix[0] != '/'
}

// looseSlashes tells whether a path may begin with two slashes, or with none: MergeSlashes and merge_slashes off, an
// nginx rewrite to a target without its slash.
func looseSlashes(p *ir.Program) bool {
	loose := false
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		for _, item := range s.Items {
			switch item := item.(type) {
			case *ir.Scope:
				walk(item)
			case *ir.Setting:
				loose = loose || (item.Name == "MergeSlashes" || item.Name == "merge_slashes") && strings.EqualFold(item.Arg(0), "off")
			case *ir.Opaque:
				loose = loose || (item.Name == "MergeSlashes" || item.Name == "merge_slashes") && len(item.Args) > 0 && strings.EqualFold(item.Args[0].Text, "off")
			case *ir.Rule:
				loose = loose || item.Keyword == ir.NginxRewrite && item.Action == ir.ActionRewrite && !item.ImplicitRedirect &&
					!keepsSlash(item)
			}
		}
	}
	if p.Root != nil {
		walk(p.Root)
	}
	for _, s := range p.Htaccess {
		walk(s)
	}
	return loose
}

// keepsSlash tells whether the target of an nginx rewrite begins with a slash: its own, or that of the path it begins with.
func keepsSlash(r *ir.Rule) bool {
	if r.Target == nil || len(r.Target.Parts) == 0 {
		return false
	}
	switch first := &r.Target.Parts[0]; first.Kind {
	case ir.Literal:
		return strings.HasPrefix(first.Text, "/")
	case ir.RuleRef:
		return first.N == 1 && r.Pattern != nil && (strings.HasPrefix(r.Pattern.Text, "^(.") || strings.HasPrefix(r.Pattern.Text, "^(/"))
	case ir.Variable:
		return first.Name == "uri" || first.Name == "document_uri" || first.Name == "request_uri"
	}
	return false
}
