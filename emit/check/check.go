// Package check holds a translation against its source: the same requests are asked on both sides, by simulation.
//
// Requests come from package probe: those that make a rule of the source take effect, those that just miss it, and
// the same with other spellings, queries, methods and files. What differs is blamed on the rules that took effect.
package check

import (
	"fmt"
	"path"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Question is a request and the rule of the source it was made for; Rule is nil for those about the whole site.
type Question struct {
	Probe probe.Probe
	Rule  *ir.Rule
}

// Answered is a question with what the source says to it. It does not change from one translation to the next.
type Answered struct {
	Question
	Before sim.Outcome
}

// Difference is a question to which both sides know an answer, and not the same.
type Difference struct {
	Answered
	After sim.Outcome
	What  string // "status", "Location", "path", "query", "target"
}

// Requests that take long, as a configuration written to do so can make them, are asked for a while only; sim.Outcome.Work is
// the measure.
const (
	dear     = 20_000
	mostDear = 3_000_000
)

// Requests makes questions for the rules: from at most perRule requests for each, budget questions all together.
// root is the document root, absolute.
func Requests(s *probe.Site, root string, rules []*ir.Rule, perRule, budget int) (out []Answered) {
	seen := map[string]bool{}
	spent := 0
	ask := func(q Question) *Answered {
		key := keyOf(q.Probe)
		if seen[key] || len(out) >= budget || spent > mostDear {
			return nil
		}
		seen[key] = true
		q.Probe.Exists = append([]string(nil), q.Probe.Exists...)
		a := Answered{Question: q, Before: s.Ask(q.Probe)}
		if a.Before.Work > dear {
			spent += a.Before.Work
		}
		out = append(out, a)
		return &out[len(out)-1]
	}
	for _, p := range general(s, root) {
		ask(Question{Probe: p})
	}
	for _, r := range rules {
		if len(out) >= budget || spent > mostDear {
			break
		}
		for i, p := range s.Requests(r, perRule) {
			a := ask(Question{p, r})
			if a == nil {
				continue
			}
			before := a.Before
			for j, v := range variants(p) {
				if i > 1 && j >= 6 {
					break
				}
				ask(Question{v, r})
			}
			if path, query, _ := strings.Cut(p.Request.Target, "?"); r.Escape.Allow3F && i < 2 {
				// two question marks: which of them begins the query?
				both := p
				both.Request.Target = path + "%3fz?" + join2(query, "a=1")
				ask(Question{both, r})
			}
			// the same with the file that the answer comes from, and with the path below it
			if file := before.File; before.Known && before.Location == nil && strings.HasPrefix(file, root+"/") && (before.Status == 404 || before.Status == 500 || before.Status == 200) && i < 3 {
				if before.Status == 500 {
					if t, ok := r.Target.Constant(); ok && strings.HasPrefix(t, "/") {
						t, _, _ = strings.Cut(t, "?")
						file = root + t
					}
				}
				with := p
				with.Exists = append(append([]string(nil), p.Exists...), file)
				ask(Question{with, r})
				deeper := with
				deeper.Request.Target = strings.TrimPrefix(file, root) + "/x"
				ask(Question{deeper, r})
				direct := with
				direct.Request.Target = strings.TrimPrefix(file, root)
				ask(Question{direct, r})
			}
			// the path is a folder without its slash
			if i == 0 && len(p.Exists) == 0 && before.Known && open(r) {
				if path, _, _ := strings.Cut(p.Request.Target, "?"); len(path) > 1 && !strings.ContainsAny(path, "%\\") {
					folder := p
					folder.Exists = []string{root + strings.TrimSuffix(path, "/") + "/"}
					ask(Question{folder, r})
				}
			}
		}
		for _, p := range s.NearMisses(r, perRule/2+1) {
			ask(Question{p, r})
		}
	}
	return out
}

// open tells whether a pattern may take effect for any path.
func open(r *ir.Rule) bool {
	if r.Pattern == nil || r.Pattern.Re == nil {
		return true
	}
	prefix, _ := r.Pattern.Re.Tree().Prefix()
	return prefix == ""
}

func keyOf(p probe.Probe) string {
	r := &p.Request
	return fmt.Sprint(r.Method, "\x00", r.Scheme, "\x00", r.Host, "\x00", r.NoHost, r.Port, "\x00", r.Target, "\x00", r.Header, r.Version, p.Exists, p.Missing, p.Client)
}

// general are questions about every site: its front page, pages that do not exist, folders.
func general(s *probe.Site, root string) (out []probe.Probe) {
	host := probe.DefaultHost
	if h := s.Hosts(); len(h) > 0 {
		host = h[0]
	}
	add := func(target string, exists ...string) {
		for i := range exists {
			exists[i] = root + exists[i]
		}
		out = append(out, probe.Probe{Request: sim.Request{Host: host, Target: target}, Exists: exists})
	}
	add("/")
	add("/", "/index.html")
	add("/index.html", "/index.html")
	add("/", "/index.php")
	add("/?a=1&b=2", "/index.html", "/index.php")
	add("/no/such/page")
	add("/no/such/page?a=1")
	add("//no/such//page")
	add("/nothing", "/index.html", "/index.php")
	add("/style.css", "/style.css", "/index.php")
	add("/folder", "/folder/", "/index.php")
	add("/folder/", "/folder/", "/index.php")
	add("/folder/", "/folder/index.html")
	add("/folder/index.html", "/folder/index.html")
	return out
}

// variants are the same request with other queries, spellings, methods and names of the host.
func variants(p probe.Probe) (out []probe.Probe) {
	target := p.Request.Target
	path, query, has := strings.Cut(target, "?")
	with := func(f func(r *sim.Request)) {
		v := p
		f(&v.Request)
		out = append(out, v)
	}
	join := func(path, q string) string {
		if q == "" {
			return path
		}
		return path + "?" + q
	}
	if !has {
		with(func(r *sim.Request) { r.Target = path + "?a=1&b=2" })
	} else {
		with(func(r *sim.Request) { r.Target = join(path, query+"&a=1") })
	}
	for _, tail := range [...]string{"%3fz", "%20y", "%c3%bc", "%25x", "a+b&c", "%26z"} {
		with(func(r *sim.Request) { r.Target = join(path+tail, query) })
	}
	with(func(r *sim.Request) { r.Target = join(path, join2(query, "q=a%20b")) })
	if has {
		with(func(r *sim.Request) { r.Target = path + "?" + query + "%20y" })
	} else {
		with(func(r *sim.Request) { r.Target = path + "?" })
	}
	with(func(r *sim.Request) { r.Target = join(path+"/", query) })
	with(func(r *sim.Request) { r.Target = join(path+"/more", query) })
	if !p.Request.NoHost && !strings.Contains(p.Request.Host, ":") {
		with(func(r *sim.Request) { r.Host += ":8080" })
	}
	with(func(r *sim.Request) { r.Target = "/" + target })
	if p.Request.Scheme != "https" && p.Request.Port == 0 {
		with(func(r *sim.Request) { r.Scheme = "https" })
	}
	return out
}

func join2(a, b string) string {
	if a == "" {
		return b
	}
	return a + "&" + b
}

// Compare asks the other side and gives what differs. mount moves paths of the source's document root to the
// target's; compared counts the questions to which both sides know an answer.
// More may name further differences that Differ lets pass.
func Compare(asked []Answered, other *probe.Site, more ...func(before, after *sim.Outcome) string) (diffs []Difference, compared int) {
	for i := range asked {
		a := &asked[i]
		if !a.Before.Known {
			continue
		}
		after := other.Ask(a.Probe)
		if !after.Known {
			continue
		}
		compared++
		what := Differ(&a.Before, &after)
		for i := 0; what == "" && i < len(more); i++ {
			what = more[i](&a.Before, &after)
		}
		if what != "" {
			diffs = append(diffs, Difference{Answered: *a, After: after, What: what})
		}
	}
	return diffs, compared
}

// Differ names what differs in two answers as a client or an application would see it; empty when nothing does.
// The first is Apache's or nginx's, the second the other's.
func Differ(a, b *sim.Outcome) string {
	switch {
	case a.PassedTo != "" || b.PassedTo != "":
		if !sameBackend(a.PassedTo, b.PassedTo) {
			return "target"
		}
		return ""
	case a.Status != b.Status:
		return "status"
	case (a.Location == nil) != (b.Location == nil):
		return "Location"
	case a.Location != nil && !sameLocation(*a.Location, *b.Location):
		return "Location"
	case a.Location != nil:
		return ""
	}
	if a.Status == 200 || a.Status == 404 && !aside(a) && !aside(b) {
		if x, y := fileOf(a), fileOf(b); x != y && !(a.Status == 404 && strings.HasPrefix(y, x+"/")) {
			return "path"
		}
	}
	if a.Status == 200 && a.Query != b.Query {
		return "query"
	}
	return ""
}

// aside tells whether httpd had a request on its way to another path (mod_rewrite's "redirect:") when mod_alias
// answered it: no file was looked for.
func aside(o *sim.Outcome) bool { return strings.HasPrefix(o.File, "redirect:") }

// sameBackend compares where requests are passed on to: nginx names a FastCGI server by its address, httpd by a URL.
func sameBackend(a, b string) bool {
	plain := func(s string) string {
		return strings.TrimPrefix(strings.TrimSuffix(s, "|fcgi://localhost"), "fcgi://")
	}
	return plain(a) == plain(b)
}

// sameLocation compares addresses as they are sent, but for the case of the digits in escapes, which RFC 3986
// §6.2.2.1 calls the same, and for a question mark with nothing behind it: httpd keeps what the client wrote, where
// nginx drops it. See LostQuestion.
func sameLocation(a, b string) bool {
	if a == b {
		return true
	}
	a, b = lowerEscapes(a), lowerEscapes(b)
	return a == b || a+"?" == b || a == b+"?"
}

// LostQuestion tells of a Location that has lost a question mark with nothing behind it.
func LostQuestion(before, after *sim.Outcome) string {
	if before.Location != nil && after.Location != nil && strings.HasSuffix(*before.Location, "?") != strings.HasSuffix(*after.Location, "?") {
		return "Location"
	}
	return ""
}

// lowerEscapes writes the digits of %XX in lower case.
func lowerEscapes(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			for j := i + 1; j < i+3; j++ {
				if b[j] >= 'A' && b[j] <= 'F' {
					b[j] |= 0x20
				}
			}
		}
	}
	return string(b)
}

// fileOf is the path in the file system that an answer is about.
func fileOf(o *sim.Outcome) string {
	f := o.File
	if o.Filename != "" {
		f = o.Filename
	}
	return path.Clean("/" + f + o.PathInfo)
}

// Describe says an answer in words.
func Describe(o *sim.Outcome) string {
	switch {
	case o.Closed:
		return "closes the connection"
	case o.PassedTo != "":
		return "passed on to " + o.PassedTo
	case o.Location != nil:
		return fmt.Sprintf("%d %s", o.Status, *o.Location)
	case o.Status == 200 || o.Status == 404:
		s := fmt.Sprintf("%d %s", o.Status, fileOf(o))
		if o.Query != "" {
			s += "?" + o.Query
		}
		return s
	}
	return fmt.Sprint(o.Status)
}
