package probe

// Requests made of wants: path, address, headers, target and files.

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// probes are requests for one want, made one by one as they are asked for.
func (v *solver) probes(w *want, max int) iter.Seq[Probe] {
	return func(yield func(Probe) bool) {
		v.paths(w, max, func(path string) bool {
			p, ok := v.build(w, path)
			return !ok || yield(p)
		})
	}
}

// plainPath are the paths that reach a server as they are written, and that people write.
const plainPath = `^/[A-Za-z0-9._~!$&'()*+,;=:@/ %-]*$`

// paths gives up to max paths the want allows to yield, the likeliest first, until it has enough.
func (v *solver) paths(w *want, max int, yield func(string) bool) {
	l := w.vars[varPath]
	odd := v.re(`//|/\.\.?(?:/|$)`)
	plain := v.sp.And(v.sp.And(l, v.re(plainPath)), v.sp.Not(odd))
	seen := map[string]bool{}
	enough := false
	add := func(path string) bool {
		if !enough && !seen[path] && len(seen) < max {
			if yes, known := v.sp.Contains(plain, path); yes || !known {
				seen[path] = true
				enough = !yield(path)
			}
		}
		return !enough && len(seen) < max
	}
	v.likely(add)
	for range 3 {
		if enough || len(seen) >= max {
			return
		}
		text, ok, known := v.sp.Shortest(plain)
		if !ok || !known {
			break
		}
		add(text)
		plain = v.sp.And(plain, v.sp.Not(v.sp.Text(text)))
	}
	if len(seen) == 0 {
		if text, ok, known := v.sp.Shortest(v.sp.And(l, v.re(`^[^\x00]*$`))); ok && known {
			yield(text)
		}
	}
}

// likely gives paths that the rule's own pattern, or the location it stands in, is likely to allow, until add wants no more.
func (v *solver) likely(add func(string) bool) {
	r := v.rule
	if r == nil {
		for _, p := range append(v.proposals, "/", "/x") {
			if !add(p) {
				return
			}
		}
		return
	}
	prefix := ""
	if v.perDir && r.Keyword == ir.RewriteRule {
		prefix = v.prefix
	}
	texts := func(p *ir.Pattern) bool {
		for t := range samples(p.Re.Tree()) {
			if !add(prefix+t) || !strings.HasPrefix(prefix+t, "/") && !add("/"+t) || !add(strings.TrimSuffix(v.prefix, "/")+"/x"+t) {
				return false
			}
		}
		return true
	}
	each := func(list ...string) bool {
		for _, p := range list {
			if !add(p) {
				return false
			}
		}
		return true
	}
	switch {
	case r.Match == ir.MatchSegment:
		bare := strings.TrimSuffix(r.Path, "/")
		each(r.Path, bare+"/x", bare+"/")
	case r.Match == ir.MatchRegex && !r.Negated && r.Pattern != nil && r.Pattern.Re != nil:
		texts(r.Pattern)
	default:
		for sc := v.scope; sc != nil; sc = sc.Parent {
			if sc.Kind != ir.ScopeLocation {
				continue
			}
			if sc.Pattern != nil && sc.Pattern.Re != nil {
				if !texts(sc.Pattern) {
					return
				}
			} else if !each(sc.Path, strings.TrimSuffix(sc.Path, "/")+"/x") {
				return
			}
		}
		each(v.prefix, v.prefix+"x", v.prefix+"a/b")
	}
}

// build makes the request for a path.
func (v *solver) build(w *want, path string) (p Probe, ok bool) {
	q := &p.Request
	q.Method, q.Target = "GET", escape(path, "")
	if l, asked := w.vars[varMethod]; asked {
		if q.Method, ok = v.pick(l, `^[A-Z]+$`, "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"); !ok {
			return p, false
		}
	}
	query := ""
	if l, asked := w.vars[varQuery]; asked {
		if query, ok = v.pick(l, "^[!\"$-;=?-~]*$", ""); !ok {
			return p, false
		}
	}
	q.Version = "1.1"
	if l, asked := w.vars[varProto]; asked {
		text, ok := v.pick(l, `^HTTP/1\.[01]$`, "HTTP/1.1", "HTTP/1.0")
		if !ok {
			return p, false
		}
		q.Version = strings.TrimPrefix(text, "HTTP/")
	}
	if query != "" {
		q.Target += "?" + query
	}
	if !v.address(w, q) || !v.headers(w, &p) || !v.target(w, q) {
		return p, false
	}
	return p, v.wishes(w, path, &p)
}

// pick takes the first of the proposals that belongs to a language, or the shortest of its subjects that a pattern allows.
func (v *solver) pick(l pattern.Language, plain string, proposals ...string) (string, bool) {
	for _, t := range proposals {
		if yes, known := v.sp.Contains(l, t); yes && known {
			return t, true
		}
	}
	text, ok, known := v.sp.Shortest(v.sp.And(l, v.re(plain)))
	return text, ok && known
}

// address chooses host, scheme and port.
func (v *solver) address(w *want, q *sim.Request) bool {
	proposals := append(append([]string{}, v.s.Hosts()...), v.s.world.ServerName)
	q.Host = proposals[0]
	if l, asked := w.vars[varHost]; asked {
		var ok bool
		if q.Host, ok = v.pick(l, `^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$`, proposals...); !ok {
			if q.Host, ok = v.pick(l, `^[a-z0-9.-]+$`); !ok {
				return false
			}
		}
	}
	q.Scheme = "http"
	l, asked := w.vars[varScheme]
	if asked {
		var ok bool
		if q.Scheme, ok = v.pick(l, `^https?$`, "http", "https"); !ok {
			return false
		}
	}
	port, wanted := w.vars[varPort]
	if !wanted {
		return true
	}
	if yes, _ := v.sp.Contains(port, strconv.Itoa(defaultPort(q.Scheme))); yes {
		return true
	}
	if yes, _ := v.sp.Contains(port, "443"); yes {
		if !asked {
			q.Scheme = "https"
			return true
		}
		if other, _ := v.sp.Contains(l, "https"); other {
			q.Scheme = "https"
			return true
		}
	}
	text, ok := v.pick(port, `^[1-9][0-9]{0,4}$`, "8080", "8443")
	if !ok {
		return false
	}
	q.Port, _ = strconv.Atoi(text)
	if q.Port == 443 && !asked {
		q.Scheme, q.Port = "https", 0
		return true
	}
	q.Host += ":" + text
	return true
}

// headers adds request headers and the client.
func (v *solver) headers(w *want, p *Probe) bool {
	for name, l := range w.vars {
		if name == varClient {
			text, ok := v.pick(l, `^(?:[1-9]\d?)(?:\.[1-9]\d?){3}$`, "127.0.0.1", "203.0.113.9")
			if _, err := netip.ParseAddr(text); !ok || err != nil {
				return false
			}
			if text != "127.0.0.1" {
				p.Client = text
			}
			continue
		}
		header, ok := strings.CutPrefix(name, "h:")
		if !ok {
			continue
		}
		value, ok := v.pick(l, `^[!-~](?:[ -~]*[!-~])?$`, "")
		if !ok {
			return false
		}
		if value != "" {
			p.Request.Header = append(p.Request.Header, [2]string{canonical(header), value})
		}
	}
	sortHeaders(p.Request.Header)
	return true
}

// target solves demands on the request line or the raw target together with those on the parts of it.
func (v *solver) target(w *want, q *sim.Request) bool {
	line, hasLine := w.vars[varLine]
	raw, hasRaw := w.vars[varTarget]
	if !hasLine && !hasRaw {
		return true
	}
	path, query, has := strings.Cut(q.Target, "?")
	l := v.sp.Text(path)
	wanted, asked := w.vars[varQuery]
	switch {
	case !asked:
		l = v.sp.Concat(l, v.re("^(?:\\?[!\"$-;=?-~]*)?$"))
	case has:
		more := v.sp.And(wanted, v.re("^[!\"$-;=?-~]*$"))
		l = v.sp.Concat(l, v.sp.Concat(v.sp.Text("?"), more))
	default:
		_ = query
	}
	if hasRaw {
		l = v.sp.And(l, raw)
	}
	if hasLine {
		l = v.sp.Concat(v.sp.Concat(v.sp.Text(q.Method+" "), l), v.sp.Text(" HTTP/"+q.Version))
		l = v.sp.And(l, line)
	}
	text, ok, known := v.sp.Shortest(l)
	if !known {
		return true
	}
	if !ok {
		return false
	}
	if hasLine {
		text = strings.TrimSuffix(strings.TrimPrefix(text, q.Method+" "), " HTTP/"+q.Version)
	}
	q.Target = text
	return true
}

// wishes turns the file tests of a want into what the probe assumes.
func (v *solver) wishes(w *want, path string, p *Probe) bool {
	for _, f := range w.files {
		name, ok := v.fileName(&f, path)
		if !ok {
			continue
		}
		folder := false
		switch f.op {
		case "-d":
			folder = true
		case "-f", "-s", "-e", "-x":
		default:
			if !f.not {
				continue
			}
		}
		clean := strings.TrimSuffix(name, "/")
		switch {
		case f.not && f.op == "-d" && v.s.files.folders[clean]:
			return false
		case f.not:
			if !contains(p.Exists, clean) && !v.s.files.folders[clean] {
				p.Missing = append(p.Missing, clean)
			}
		case contains(p.Missing, clean):
			return false
		case folder:
			p.Exists = append(p.Exists, clean+"/")
		default:
			if strings.HasSuffix(name, "/") {
				return false
			}
			p.Exists = append(p.Exists, clean)
		}
	}
	return true
}

func contains(list []string, p string) bool {
	for _, e := range list {
		if strings.TrimSuffix(e, "/") == p {
			return true
		}
	}
	return false
}

// fileName expands the name of a file test for a path; ok is false when it is not known.
func (v *solver) fileName(f *fileWish, path string) (string, bool) {
	if f.name == nil {
		return "", false
	}
	var b strings.Builder
	for i := range f.name.Parts {
		part := &f.name.Parts[i]
		switch part.Kind {
		case ir.Literal:
			b.WriteString(part.Text)
		case ir.Variable:
			switch part.Name {
			case "REQUEST_FILENAME", "SCRIPT_FILENAME":
				if v.perDir || part.Space == "LA-U" || part.Space == "LA-F" {
					b.WriteString(v.root)
				}
				b.WriteString(path)
			case "request_filename":
				b.WriteString(v.root + path)
			case "DOCUMENT_ROOT", "document_root", "CONTEXT_DOCUMENT_ROOT":
				b.WriteString(v.root)
			case "REQUEST_URI", "uri", "document_uri", "request_uri":
				b.WriteString(path)
			default:
				return "", false
			}
		case ir.RuleRef:
			if f.rule == nil || f.rule.Pattern == nil || f.rule.Pattern.Re == nil {
				return "", false
			}
			subject := path
			if v.perDir {
				subject = strings.TrimPrefix(path, v.prefix)
			}
			m, _, err := f.rule.Pattern.Re.Match(subject)
			if err != nil {
				return "", false
			}
			b.WriteString(m.Group(part.N))
		default:
			return "", false
		}
	}
	name := b.String()
	return name, strings.HasPrefix(name, "/")
}
