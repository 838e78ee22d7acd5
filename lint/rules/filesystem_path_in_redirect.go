package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var filesystemPathInRedirect = lint.Rule{
	Code: "RD107", ID: "filesystem-path-in-redirect", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect to the path of a file on the server",
		Text: "In a `.htaccess` a relative target is put behind the directory, and without RewriteBase a redirect sends that path: " +
			"`RewriteRule ^a$ b [R=301,L]` answers `Location: http://example.com/var/www/html/b`. The address leads nowhere, and " +
			"tells everybody where the files lie (CWE-200).",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ b [R=301,L]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}},
		Source: "httpd mod_rewrite.c, apply_rewrite_rule and hook_fixup; manual, RewriteBase",
	},
	Program: checkFilesystemPath,
}

func checkFilesystemPath(p *lint.Pass, g *ir.Program) {
	ev := newAsking()
	eachScope(g, func(s *ir.Scope) {
		if !belowDirectory(s) || g.Server != ir.Apache {
			return
		}
		for _, r := range rewriteRules(s) {
			if r.File == nil || r.Action != ir.ActionRedirect || !mayBeRelative(r.Target) || !ev.open(p) {
				continue
			}
			p.File = r.File
			filesystemPath(p, ev, s, r)
		}
	})
}

// mayBeRelative tells whether a target can begin with something that is neither a slash nor a scheme, as far as the
// configuration decides it. What begins with "http" was meant for a scheme (malformed-scheme), what begins with a host
// name for an address (relative-target).
func mayBeRelative(t *ir.Template) bool {
	if t == nil || len(t.Parts) == 0 {
		return false
	}
	first := &t.Parts[0]
	switch first.Kind {
	case ir.Literal:
		text := strings.ToLower(first.Text)
		return text != "" && text[0] != '/' && !strings.HasPrefix(text, "http") && !hostInFront(text) && !strings.Contains(text, "://") && !strings.HasPrefix(text, "mailto:") && !strings.HasPrefix(text, "news:")
	case ir.RuleRef, ir.CondRef:
		return true
	case ir.Variable:
		return first.Space == "" && (first.Name == "REQUEST_FILENAME" || first.Name == "SCRIPT_FILENAME" || first.Name == "DOCUMENT_ROOT")
	}
	return false
}

func filesystemPath(p *lint.Pass, ev *asking, s *ir.Scope, r *ir.Rule) {
	dir := strings.TrimSuffix(s.Dir, "/")
	if s.Kind == ir.ScopeDirectory {
		dir = strings.TrimSuffix(s.Path, "/")
	}
	if dir == "" || strings.ContainsAny(dir, "*?[$") {
		return
	}
	for _, q := range ev.reaching(r, 3) {
		if q.answer.Location == nil || len(firedAfter(&q.answer, r)) > 0 && !probeEndsWith(&q, r) {
			continue
		}
		_, rest, _ := strings.Cut(*q.answer.Location, "://")
		i := strings.IndexByte(rest, '/')
		if i < 0 || !strings.HasPrefix(rest[i:], dir+"/") && !strings.HasPrefix(rest[i:], p.Unit.Docroot()+"/") {
			continue
		}
		path := strings.TrimSuffix(strings.TrimPrefix(q.probe.Request.Target, "/"), "/")
		if strings.HasPrefix(q.probe.Request.Target, dir) || path == "" && rest[i:] == "/" {
			continue // the request itself holds the path
		}
		d := diag.Diagnostic{Span: r.TargetSpan, Witness: ev.witness(q),
			Message: "without RewriteBase a relative target is a path on the disk: this sends " + quote("Location: "+clip(*q.answer.Location, 100))}
		d.Fixes = rootFix(p, s, r)
		p.Add(d)
		return
	}
}

// probeEndsWith tells whether a rule is the last one that rewrote in an answer.
func probeEndsWith(q *shown, r *ir.Rule) bool {
	for _, later := range firedAfter(&q.answer, r) {
		if later.Target != nil {
			return false
		}
	}
	return true
}

// rootFix puts the URL of the directory before a relative target.
func rootFix(p *lint.Pass, s *ir.Scope, r *ir.Rule) []diag.Fix {
	first := r.Target.Parts[0].Kind
	if first == ir.Variable || first == ir.CondRef {
		return nil
	}
	prefix := "/"
	if s.Kind == ir.ScopeHtaccess {
		if rest, ok := strings.CutPrefix(s.Dir, p.Unit.Docroot()); ok && rest != "" {
			prefix = rest + "/"
		}
	} else {
		root := ""
		for up := s.Parent; up != nil && root == ""; up = up.Parent {
			if set := settingOf(up, "DocumentRoot"); set != nil {
				root = strings.TrimSuffix(set.Arg(0), "/")
			}
		}
		rest, ok := strings.CutPrefix(strings.TrimSuffix(s.Path, "/"), root)
		if root == "" || !ok {
			return nil
		}
		prefix = rest + "/"
	}
	at := r.TargetSpan
	text := p.File.Slice(at)
	if strings.ContainsAny(prefix, " \t\"%$\\") || text == "" {
		return nil
	}
	if text[0] == '"' || text[0] == '\'' {
		at.Start++
	}
	return []diag.Fix{{Title: "begin the target with " + quote(prefix), Safety: diag.Safe, States: true, Edits: source.Insert(at.Start, prefix)}}
}
