package apache

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// items writes the rewrite directives of a scope in their order. It gives false when the script always ends with an answer.
func (s *script) items(list []ir.Item) (goesOn bool) {
	outer := s.tail
	for i, it := range list {
		s.tail = outer && !hasScript(list[i+1:])
		switch it := it.(type) {
		case *ir.Rule:
			if it.Keyword == ir.NginxBreak {
				s.rule(it, nil)
				s.neverRun(list[i+1:])
				return true
			}
			if !s.rule(it, nil) {
				s.neverRun(list[i+1:])
				return false
			}
		case *ir.Assign:
			s.assign(it, nil)
		case *ir.Scope:
			if it.Kind == ir.ScopeIf {
				s.branch(it)
			}
		}
	}
	return true
}

// hasScript tells whether there is anything among items that the rewrite module runs.
func hasScript(list []ir.Item) bool {
	for _, it := range list {
		switch in := it.(type) {
		case *ir.Rule, *ir.Assign:
			return true
		case *ir.Scope:
			if in.Kind == ir.ScopeIf {
				return true
			}
		}
	}
	return false
}

// neverRun says of the rest of a script that nothing reaches it.
func (s *script) neverRun(list []ir.Item) {
	for _, it := range list {
		switch in := it.(type) {
		case *ir.Rule, *ir.Assign:
			s.w.note(it, s.sc, directiveOf(it), emit.Exact, "never runs: the script ends before it", "")
		case *ir.Scope:
			if in.Kind == ir.ScopeIf {
				s.neverRun(in.Items)
			}
		}
	}
}

// jump is a rule that goes to the end of the script it stands in.
type jump struct {
	u    *unit
	line int
}

// jumps lets rules that end the script skip what is left of it; from is the first unit of the script.
func (s *script) settleJumps() {
	for _, j := range *s.ends {
		left, found := 0, false
		for _, u := range s.b.units {
			if found {
				left += u.rules
			}
			found = found || u == j.u
		}
		left += countRules(j.u.lines[j.line+1:])
		flag := ""
		if left > 0 {
			flag = fmt.Sprintf(",S=%d", left)
		}
		j.u.lines[j.line] = strings.Replace(j.u.lines[j.line], ",S=end", flag, 1)
	}
	*s.ends = nil
}

// put adds the unit of a rule.
func (s *script) put(it ir.Item, directive string, lines []string) {
	lines = s.settle(lines)
	s.w.note(it, s.sc, directive, emit.Exact, "", "")
	u := s.b.add(&unit{item: it, origin: it.From(), lines: lines, rules: countRules(lines)})
	for i, l := range lines {
		if strings.Contains(l, ",S=end") {
			*s.ends = append(*s.ends, jump{u, i})
		}
	}
}

// aliased stands for the path behind the name of a location with an alias, until the rule it is in gets the pattern that
// captures it.
const aliased = "\x01"

// settle gives rules that ask for the path behind the location's name the pattern for it.
func (s *script) settle(lines []string) []string {
	if !strings.Contains(strings.Join(lines, ""), aliased) {
		return lines
	}
	out := append([]string(nil), lines...)
	waiting := false
	for i, l := range out {
		waiting = waiting || strings.Contains(l, aliased)
		out[i] = strings.ReplaceAll(l, aliased, "$1")
		if rest, ok := strings.CutPrefix(out[i], "RewriteRule "); ok && waiting {
			_, rest, _ = strings.Cut(rest, " ")
			out[i], waiting = "RewriteRule "+ruleWord("^"+quoteMeta(strings.TrimPrefix(s.sc.Path, "/"))+"(.*)$")+" "+rest, false
		}
	}
	return out
}

// about calls a rule approximate for a reason that is known beforehand.
func (s *script) about(it ir.Item, reason string) {
	if n := s.w.noted[it]; n != nil {
		n.Fidelity, n.Reason = emit.Approximate, reason
	}
}

// rule writes return, rewrite and break. It gives false when nothing behind it runs.
func (s *script) rule(r *ir.Rule, conds []string) (goesOn bool) {
	switch r.Keyword {
	case ir.NginxReturn:
		s.answer(r, conds, anything)
		return len(conds) > 0
	case ir.NginxBreak:
		if len(conds) > 0 {
			s.put(r, "break", rule(conds, whole("^", conds, ""), "-", "NS,S=end"))
			*s.broke = true
			return true
		}
		s.w.note(r, s.sc, "break", emit.Exact, "", "")
		*s.broke = true
		return true
	}
	s.rewrite(r, conds)
	return true
}

// answer writes a return behind conditions and a subject.
func (s *script) answer(r *ir.Rule, conds []string, at subject) {
	conds = append(conds[:len(conds):len(conds)], at.conds...)
	drop := func(why, byHand string) { s.w.drop(s.b, r, s.sc, "return", why, byHand) }
	if r.Action == ir.ActionRedirect && r.Target != nil {
		v, why := s.redirectTarget(r, len(conds) > 0 && at.byCond || usesCond(s, r))
		if why != "" {
			drop(why, "write the address with what httpd knows")
			return
		}
		switch {
		case strings.HasPrefix(v.text, "%{ENV:") && !strings.HasPrefix(v.text, "%{ENV:request_"):
			// what is no address would be sent as a path of the file system
			name, _, _ := strings.Cut(v.text, "}")
			conds = append(conds, condition(name+"}", "^(?:[a-z][a-z0-9+.-]*:|/)", "NC"))
		case beginsScheme.MatchString(v.text):
			// http$s://…
			scheme, _, _ := strings.Cut(v.text, "://")
			conds = append(conds, condition(scheme, "^[a-z][a-z0-9+.-]*$", "NC"))
		case v.text == "" || !strings.HasPrefix(v.text, "/") && !strings.HasPrefix(v.text, "%") && !strings.HasPrefix(v.text, "$") && !hasScheme.MatchString(v.text),
			strings.HasPrefix(v.text, "%{SERVER_NAME}"), strings.HasPrefix(v.text, "%{HTTP_HOST}"):
			drop("httpd sends no relative Location: it would be a path of the file system", "write the address with its scheme, or with a leading slash")
			return
		}
		flags := []string{"R=" + strconv.Itoa(r.Status)}
		// nginx sends decoded text as it is; httpd ends a header at no byte of it
		if v.raw || s.w.forms.careful[r] && decoded(r) {
			flags = append(flags, "NE")
		}
		if !v.query {
			flags = append(flags, "QSD")
		}
		if v.whole {
			conds = append(conds, requestLine)
		}
		pat := whole(at.pattern, conds, v.text)
		lines := rule(conds, pat, v.text, append(flags, "L")...)
		if name, front := lastVariable(v.text); name != "" && !v.query {
			query, raw := s.w.valuesHold(name)
			if raw && !v.raw {
				flags = append(flags, "NE")
				lines = rule(conds, pat, v.text, append(flags, "L")...)
			}
			if query {
				// httpd takes a question mark for the query's only where the rule itself has it
				split := append(conds[:len(conds):len(conds)], condition("%{ENV:"+name+"}", `^([^?]*)\?(.*)$`))
				lines = append(rule(split, pat, front+"%1?%2", append(without(flags, "QSD"), "L")...), lines...)
			}
		}
		s.put(r, "return", lines)
		return
	}
	pat := whole(at.pattern, conds, "")
	switch {
	case r.Body != nil && r.Status != 444 && r.Status != 204 && !(r.Status >= 400 && constantText(r.Body) == ""):
		if !knownStatus[r.Status] && r.Status != 200 && r.Status != 201 && r.Status != 202 {
			drop(fmt.Sprintf("httpd knows no status %d", r.Status), "choose a status that it knows")
			return
		}
		status := fmt.Sprintf("R=%d", r.Status)
		v, why := s.expand(r.Body, false)
		if why != "" {
			s.put(r, "return", rule(conds, pat, "-", status, "L"))
			s.about(r, "httpd's own text is sent: "+why)
			return
		}
		if at, page := s.hasPage(r.Status); page {
			if at == r {
				s.put(r, "return", rule(conds, pat, "-", status, "L"))
				return
			}
			s.put(r, "return", rule(conds, pat, "-", status, "L"))
			s.about(r, "the page of error_page is sent in place of the text")
			return
		}
		s.w.body[r.Status] = true
		s.put(r, "return", assignment(conds, whole(at.pattern, conds, v.text), "BODY", v.text, status, "L"))
		s.w.noted[r].Reason = "the text is sent as text/html"
	case r.Status >= 494 && r.Status <= 497:
		// Source: nginx ngx_http_special_response.c, ngx_http_special_response_handler
		s.put(r, "return", rule(conds, pat, "-", "R=400,L"))
	case r.Status >= 400 && r.Status != 444 && r.Status != 499:

		if at.pattern == "^" && len(at.conds) == 0 && s.enterPage(r.Status, conds) {
			s.w.note(r, s.sc, "return", emit.Exact, "", "")
			return
		}
		if lines, ok := s.caught(r.Status, conds, pat); ok {
			s.put(r, "return", lines)
			return
		}
		flag := "R=" + strconv.Itoa(r.Status)
		switch r.Status {
		case 403:
			flag = "F"
		case 410:
			flag = "G"
		default:
			if !knownStatus[r.Status] {
				s.put(r, "return", rule(conds, pat, "-", "F"))
				s.about(r, fmt.Sprintf("httpd knows no status %d and answers 403", r.Status))
				return
			}
			flag += ",L"
		}
		s.put(r, "return", rule(conds, pat, "-", flag))
	case r.Status == 444 || r.Status == 499:
		s.put(r, "return", rule(conds, pat, "-", "F"))
		s.about(r, "httpd cannot close a connection without an answer; it answers 403")
	case r.Status >= 200 && r.Status <= 204 && r.Status != 203:
		s.put(r, "return", rule(conds, pat, "-", fmt.Sprintf("R=%d", r.Status), "L"))
	default:
		drop(fmt.Sprintf("httpd cannot answer %d from its configuration", r.Status), "")
	}
}

var endsInVariable = regexp.MustCompile(`^([^$%]*)%\{ENV:([a-z0-9_]+)\}$`)

// lastVariable is the variable of the environment that a target ends in, with the text in front of it.
func lastVariable(target string) (name, front string) {
	if m := endsInVariable.FindStringSubmatch(target); m != nil {
		return m[2], m[1]
	}
	return "", ""
}

// valuesHold tells whether a value of a map holds a question mark, and bytes that httpd would escape.
func (w *writer) valuesHold(name string) (query, raw bool) {
	m := w.maps[name]
	if m == nil {
		return false, false
	}
	for i := range m.Entries {
		text := m.Entries[i].Value.Text
		query = query || strings.Contains(text, "?")
		raw = raw || strings.ContainsAny(text, "%#")
	}
	return query, raw
}

func without(list []string, word string) (out []string) {
	for _, s := range list {
		if s != word {
			out = append(out, s)
		}
	}
	return out
}

// knownStatus are the error statuses httpd has a line for. Source: httpd modules/http/http_protocol.c, status_lines.
var knownStatus = map[int]bool{400: true, 401: true, 402: true, 403: true, 404: true, 405: true, 406: true, 407: true, 408: true, 409: true, 410: true,
	411: true, 412: true, 413: true, 414: true, 415: true, 416: true, 417: true, 421: true, 422: true, 423: true, 424: true, 425: true, 426: true,
	428: true, 429: true, 431: true, 451: true, 500: true, 501: true, 502: true, 503: true, 504: true, 505: true, 506: true, 507: true, 508: true, 510: true, 511: true}

var hasScheme = regexp.MustCompile(`^(?i)[a-z][a-z0-9+.-]*:`)

// beginsScheme is a scheme of which a part comes from a variable.
var beginsScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*%\{ENV:[a-z0-9_]+\}://`)

// decoded tells whether a target holds parts of the path, which are decoded.
func decoded(r *ir.Rule) bool {
	for _, p := range targetParts(r) {
		if p.Kind == ir.RuleRef || p.Kind == ir.Variable && (p.Name == "uri" || p.Name == "document_uri") || p.Kind == ir.Literal && strings.Contains(p.Text, " ") {
			return true
		}
	}
	return false
}

// constantText is the text of a template without variables; empty otherwise.
func constantText(t *ir.Template) string {
	text, ok := t.Constant()
	if !ok {
		return "\x00"
	}
	return text
}

// usesCond tells whether the groups that a rule asks for stand in a condition already.
func usesCond(s *script, r *ir.Rule) bool {
	return s.caps.known && r.Target != nil && uses([]ir.Item{r}) && strings.HasPrefix(s.caps.ref(1), "%")
}

// assign writes set.
func (s *script) assign(a *ir.Assign, conds []string) {
	v, why := s.expand(a.Value, false)
	switch {
	case a.Variable == "args" || a.Variable == "uri" || a.Variable == "limit_rate":
		why = "httpd cannot set $" + a.Variable
	}
	if why != "" {
		s.w.drop(s.b, a, s.sc, "set", why, "")
		return
	}
	s.w.env[a.Variable] = true
	s.put(a, "set", assignment(conds, whole("^", conds, v.text), a.Variable, v.text))
}

// assignment puts a value into the environment. A comma would end it among the flags: there it comes as %1 of a condition.
func assignment(conds []string, pattern, name, text string, flags ...string) []string {
	if strings.Contains(text, ",") {
		conds, text = append(conds[:len(conds):len(conds)], condition(text, "^(.*)$")), "%1"
	}
	return rule(conds, pattern, "-", append([]string{"E=" + name + ":" + text}, flags...)...)
}

// after carries over what a branch may have changed.
func (s *script) after(sc *ir.Scope, inner *script) {
	s.stale = s.stale || inner.stale
	if sc.If.Kind == ir.CondRegex {
		s.caps = noCaptures
	}
	for _, it := range sc.Items {
		if r, ok := it.(*ir.Rule); ok && r.Pattern != nil {
			s.caps = noCaptures
		}
	}
}

func (w *writer) fresh(what string) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s%d", what, n)
		if !w.written[name] {
			w.written[name] = true
			return name
		}
	}
}

func directiveOf(it ir.Item) string {
	switch it := it.(type) {
	case *ir.Rule:
		return string(it.Keyword)
	case *ir.Assign:
		return "set"
	case *ir.Setting:
		return it.Name
	case *ir.Opaque:
		return it.Name
	case *ir.Scope:
		return it.Name
	case *ir.MapBlock:
		return it.Kind
	}
	return ""
}
