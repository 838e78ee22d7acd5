package apache

import (
	"strings"

	"rewright/parser/ir"
)

// test turns an nginx condition into conditions that must all hold. caps are the groups of its regular expression.
func (s *script) test(c *ir.Condition) (conds []string, caps captures, why string) {
	caps = s.caps
	bang := ""
	if c.Negated {
		bang = "!"
	}
	if c.Kind == ir.CondFile {
		v, why := s.path(c.Test)
		if why != "" {
			return nil, caps, why
		}
		if c.Op == "-e" {
			if strings.Contains(v, "$") || strings.Contains(v, "'") {
				return nil, caps, "-e of a path that an expression cannot say"
			}
			return []string{condition("expr", bang+"-e '"+v+"'")}, caps, ""
		}
		return []string{condition(v, bang+c.Op)}, caps, ""
	}
	name := ""
	if c.Test != nil && len(c.Test.Parts) == 1 && c.Test.Parts[0].Kind == ir.Variable {
		name = c.Test.Parts[0].Name
	}
	if cond, ok := s.secure(name, c); ok {
		return []string{cond}, caps, ""
	}
	if name == "invalid_referer" {
		conds, why := s.invalidReferer(c)
		return conds, caps, why
	}
	v, why := s.expand(c.Test, false)
	if why != "" {
		return nil, caps, why
	}
	switch c.Kind {
	case ir.CondTruth:
		if c.Negated {
			return []string{condition(v.text, "^0?$")}, caps, ""
		}
		return []string{condition(v.text, "!^0?$")}, caps, ""
	case ir.CondString:
		text, constant := c.Operand.Constant()
		if !constant {
			other, why := s.expand(c.Operand, false)
			if why != "" {
				return nil, caps, why
			}
			return []string{condition(v.text+"<>"+other.text, bang+`^(.*)<>\1$`)}, caps, ""
		}
		if !fits(text) {
			return nil, caps, "control characters"
		}
		if name == "host" && text != "" {
			return []string{condition("%{HTTP_HOST}", bang+"^"+quoteMeta(text)+`\.?(?::\d+)?$`, "NC")}, caps, ""
		}
		if text == "" {
			return []string{condition(v.text, bang+"^$")}, caps, ""
		}
		if c.Negated {
			return []string{condition(v.text, "!="+text)}, caps, ""
		}
		return []string{condition(v.text, "="+text)}, caps, ""
	case ir.CondRegex:
		if c.Pattern == nil || c.Pattern.Err != nil || !fits(c.Pattern.Text) {
			return nil, caps, "a regular expression that cannot be written here"
		}
		var flags []string
		if c.Pattern.Options.IgnoreCase {
			flags = []string{"NC"}
		}
		groups := c.Pattern.Re.Groups()
		caps = captures{true, func(n int) string { return condRef(n, groups) }, namesOf(c.Pattern)}
		if c.Negated {
			caps = noCaptures
		}
		return []string{condition(v.text, bang+guardBang(c.Pattern.Text), flags...)}, caps, ""
	}
	return nil, caps, "a condition of another kind"
}

// secure writes the usual tests for TLS.
func (s *script) secure(name string, c *ir.Condition) (string, bool) {
	on := ""
	switch {
	case name == "https" && c.Kind == ir.CondTruth:
		on = "="
	case name == "https" || name == "scheme":
		if c.Kind != ir.CondString {
			return "", false
		}
		text, ok := c.Operand.Constant()
		if !ok {
			return "", false
		}
		switch {
		case name == "https" && text == "on", name == "scheme" && text == "https":
			on = "="
		case name == "https" && text == "", name == "scheme" && text == "http":
			on = "!="
		}
	}
	if on == "" {
		return "", false
	}
	if c.Negated {
		on = map[string]string{"=": "!=", "!=": "="}[on]
	}
	return "%{HTTPS} " + on + "on", true
}

// path writes a path that a file test is about.
func (s *script) path(t *ir.Template) (string, string) {
	if t == nil {
		return "", "no path"
	}
	if len(t.Parts) == 1 && t.Parts[0].Kind == ir.Variable && t.Parts[0].Name == "request_filename" {
		return s.filename(""), ""
	}
	if len(t.Parts) == 2 && t.Parts[0].Name == "document_root" && (t.Parts[1].Name == "uri" || t.Parts[1].Name == "document_uri") {
		return s.filename(""), ""
	}
	v, why := s.expand(t, false)
	return v.text, why
}

// filename is the file the request stands for, with a suffix. %{REQUEST_FILENAME} ends where a file on the way to
// the path ends, so it is the plain form.
func (s *script) filename(suffix string) string {
	if s.alias != "" {
		return "%{DOCUMENT_ROOT}" + s.alias + aliased + suffix
	}
	if s.stale {
		return "%{DOCUMENT_ROOT}" + s.root + "/$0" + suffix
	}
	return "%{DOCUMENT_ROOT}" + s.root + "%{REQUEST_URI}" + suffix
}

// invalidReferer writes the test of valid_referers. Source: nginx ngx_http_referer_module.c.
func (s *script) invalidReferer(c *ir.Condition) ([]string, string) {
	var list *ir.Setting
	for sc := s.sc; sc != nil && list == nil; sc = sc.Parent {
		for _, it := range sc.Items {
			if set, ok := it.(*ir.Setting); ok && set.Name == "valid_referers" {
				list = set
			}
		}
	}
	if list == nil || c.Kind != ir.CondTruth || c.Negated {
		return nil, "$invalid_referer without valid_referers, or used in another way"
	}
	s.w.note(list, s.sc, list.Name, "exact", "", "")
	none, blocked := false, false
	var hosts []string
	for _, a := range list.Args {
		switch t := a.Text; {
		case t == "none":
			none = true
		case t == "blocked":
			blocked = true
		case t == "server_names":
			for _, n := range serverNames(hostOf(s.sc)) {
				if strings.HasPrefix(n, "~") {
					return nil, "a regular expression among the names of the server"
				}
				hosts = append(hosts, namePattern(n))
			}
		case strings.HasPrefix(t, "~"):
			hosts = append(hosts, t[1:])
		default:
			host, path, has := strings.Cut(t, "/")
			p := namePattern(host)
			if has {
				p += "/" + quoteMeta(path)
			} else {
				p += "(?:[/:]|$)"
			}
			hosts = append(hosts, p)
		}
	}
	var conds []string
	if none {
		conds = append(conds, "%{HTTP_REFERER} !^$")
	}
	if blocked {
		conds = append(conds, "%{HTTP_REFERER} ^https?:// [NC]")
	}
	if len(hosts) > 0 {
		conds = append(conds, condition("%{HTTP_REFERER}", "!^https?://(?:"+strings.Join(hosts, "|")+")", "NC"))
	}
	if len(conds) == 0 {
		return nil, "valid_referers without a name"
	}
	return conds, ""
}

// namePattern is a server name with its wildcards as a regular expression, without anchors.
func namePattern(n string) string {
	switch {
	case strings.HasPrefix(n, "*."):
		return `(?:[^/:]+\.)` + quoteMeta(n[2:])
	case strings.HasPrefix(n, "."):
		return `(?:[^/:]+\.)?` + quoteMeta(n[1:])
	case strings.HasSuffix(n, ".*"):
		return quoteMeta(n[:len(n)-1]) + `[^/:]+`
	}
	return quoteMeta(n)
}
