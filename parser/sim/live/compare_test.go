package live

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"rewright/parser/sim"
)

// server is a real one.
type server interface {
	run([]*site) ([]reply, error)
}

// difference tells in a word what differs between a real answer and the simulator's; "" when nothing does.
func difference(real, ours answer) string {
	switch {
	case ours.Panic != "":
		return "panic"
	case ours.Unknown != nil:
		return ""
	case real.Closed != ours.Closed:
		return "closed"
	case real.Closed:
		return ""
	case real.Status != ours.Status:
		return "status"
	case (real.Location == nil) != (ours.Location == nil), real.Location != nil && *real.Location != *ours.Location:
		return "location"
	case real.Seen && real.URI != ours.URI:
		return "uri"
	case real.Seen && real.Query != ours.Query:
		return "query"
	case real.Seen && real.File != ours.File:
		return "file"
	case real.Seen && real.PathInfo != ours.PathInfo:
		return "path_info"
	}
	for name, values := range real.Header {
		if !slices.Equal(values, ours.Header[name]) {
			return "header " + name
		}
	}
	if ours.Body != nil && (real.Body == nil || *real.Body != *ours.Body) {
		return "body"
	}
	return ""
}

// mismatch is one request that the two answer differently. Request is -1 when only one refuses the configuration.
type mismatch struct {
	site       *site
	request    int
	what       string
	real, ours reply
}

// compareReplies lists the differences of one site.
func compareReplies(s *site, real, ours reply) []mismatch {
	if real.Refused != "" || ours.Refused != "" {
		if (real.Refused == "") != (ours.Refused == "") {
			return []mismatch{{s, -1, "refused", real, ours}}
		}
		return nil
	}
	var out []mismatch
	for i := range s.Requests {
		if real.Answers[i].Died {
			continue
		}
		if what := difference(real.Answers[i], ours.Answers[i]); what != "" {
			out = append(out, mismatch{s, i, what, real, ours})
		}
	}
	return out
}

// tally counts what a run found.
type tally struct {
	mu                                          sync.Mutex
	sites, pairs, refused, known, unknown, died int
	reasons                                     map[string]int
	statuses                                    map[int]int
	mismatches                                  []mismatch
}

func newTally() *tally { return &tally{reasons: map[string]int{}, statuses: map[int]int{}} }

func (c *tally) add(s *site, real, ours reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sites++
	if real.Refused != "" {
		c.refused++
	} else {
		for i, a := range real.Answers {
			c.pairs++
			c.statuses[a.Status]++
			switch {
			case a.Died:
				c.died++
			case ours.Refused == "" && ours.Answers[i].Unknown != nil:
				c.unknown++
				c.reasons[strings.Join(ours.Answers[i].Unknown, "; ")]++
			default:
				c.known++
			}
		}
	}
	c.mismatches = append(c.mismatches, compareReplies(s, real, ours)...)
}

func (c *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d configurations (%d refused by the server), %d pairs: %d compared, %d unknown to the simulator, %d without an answer of the server; %d differences",
		c.sites, c.refused, c.pairs, c.known, c.unknown, c.died, len(c.mismatches))
	b.WriteString("\nstatuses:")
	for _, s := range sortedKeys(c.statuses) {
		fmt.Fprintf(&b, " %d×%d", s, c.statuses[s])
	}
	for _, r := range sortedKeys(c.reasons) {
		fmt.Fprintf(&b, "\n  unknown %5d× %s", c.reasons[r], r)
	}
	return b.String()
}

func sortedKeys[K int | string](m map[K]int) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if m[keys[i]] != m[keys[j]] {
			return m[keys[i]] > m[keys[j]]
		}
		return keys[i] < keys[j]
	})
	return keys
}

// report prints one difference in full.
func (m mismatch) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s differs\n", m.site.Seed, m.what)
	for _, name := range sortedNames(m.site.Config) {
		fmt.Fprintf(&b, "--- %s\n%s", name, m.site.Config[name])
		if !strings.HasSuffix(m.site.Config[name], "\n") {
			b.WriteString("⏎ missing\n")
		}
	}
	fmt.Fprintf(&b, "files: %q\n", m.site.Files)
	if m.request < 0 {
		fmt.Fprintf(&b, "server: %s\nours:   %s\n", cmp.Or(m.real.Refused, "accepts"), cmp.Or(m.ours.Refused, "accepts"))
		return b.String()
	}
	fmt.Fprintf(&b, "%s\nserver: %s\nours:   %s\n", renderRequest(m.site.Requests[m.request]),
		m.site.clean(m.real.Answers[m.request].String()), m.site.clean(m.ours.Answers[m.request].String()))
	if log := strings.TrimSpace(m.real.Log); log != "" {
		lines := strings.Split(log, "\n")
		fmt.Fprintf(&b, "server's log: %s\n", strings.Join(lines[:min(3, len(lines))], "\n              "))
	}
	return b.String()
}

func sortedNames(m map[string]string) []string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	return names
}

// edit is one way to make a site smaller.
type edit struct {
	file    string         // of Config; "" when the edit is about something else
	drop    []int          // lines to leave out
	put     map[int]string // lines to replace
	all     bool           // leave the whole text out
	entry   string         // of Files, to leave out
	request func(*sim.Request)
}

// edits lists ways to make a site with one request smaller.
func edits(s *site) []edit {
	var out []edit
	for name, text := range s.Config {
		out = append(out, edit{file: name, all: name != "server" && name != "vhost"})
		if !out[len(out)-1].all {
			out = out[:len(out)-1]
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) == 1 && lines[0] == "" {
			continue
		}
		if len(lines) > 12 {
			for at := 0; at < len(lines); at += len(lines)/4 + 1 {
				e := edit{file: name}
				for i := at; i < min(at+len(lines)/4+1, len(lines)); i++ {
					e.drop = append(e.drop, i)
				}
				out = append(out, e)
			}
		}
		for i, line := range lines {
			end := blockEnd(lines, i)
			if end > i {
				e := edit{file: name}
				for j := i; j <= end; j++ {
					e.drop = append(e.drop, j)
				}
				out = append(out, e, edit{file: name, drop: []int{i, end}})
				continue
			}
			out = append(out, edit{file: name, drop: []int{i}})
			if at := strings.LastIndex(line, " ["); at > 0 && strings.HasSuffix(line, "]") {
				out = append(out, edit{file: name, put: map[int]string{i: line[:at]}})
				flags := strings.Split(line[at+2:len(line)-1], ",")
				for k := range flags {
					if len(flags) > 1 {
						rest := append(append([]string{}, flags[:k]...), flags[k+1:]...)
						out = append(out, edit{file: name, put: map[int]string{i: line[:at] + " [" + strings.Join(rest, ",") + "]"}})
					}
				}
			}
		}
	}
	for _, f := range s.Files {
		out = append(out, edit{entry: f})
	}
	if len(s.Requests) != 1 {
		return out
	}
	r := s.Requests[0]
	for i := range r.Header {
		out = append(out, edit{request: func(r *sim.Request) {
			r.Header = append(append([][2]string{}, r.Header[:min(i, len(r.Header))]...), r.Header[min(i+1, len(r.Header)):]...)
		}})
	}
	if path, _, ok := strings.Cut(r.Target, "?"); ok {
		out = append(out, edit{request: func(r *sim.Request) { r.Target = path }})
	}
	if r.Method != "GET" {
		out = append(out, edit{request: func(r *sim.Request) { r.Method = "GET" }})
	}
	if r.Scheme == "https" {
		out = append(out, edit{request: func(r *sim.Request) { r.Scheme = "http" }})
	}
	if r.Host != "example.test" && !r.NoHost {
		out = append(out, edit{request: func(r *sim.Request) { r.Host = "example.test" }})
	}
	return out
}

// blockEnd is the line that closes the section or block opened on line i; i when there is none.
func blockEnd(lines []string, i int) int {
	line := strings.TrimSpace(lines[i])
	open := strings.HasPrefix(line, "<") && !strings.HasPrefix(line, "</")
	brace := strings.HasSuffix(line, "{")
	if !open && !brace {
		return i
	}
	depth := 0
	for j := i; j < len(lines); j++ {
		l := strings.TrimSpace(lines[j])
		switch {
		case brace && strings.HasSuffix(l, "{"), open && strings.HasPrefix(l, "<") && !strings.HasPrefix(l, "</"):
			depth++
		case brace && l == "}", open && strings.HasPrefix(l, "</"):
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return i
}

// apply makes the smaller site.
func apply(s *site, list []edit) *site {
	out := *s
	out.dir = ""
	out.Config = map[string]string{}
	out.Requests = append([]sim.Request(nil), s.Requests...)
	out.Files = nil
	gone := map[string]bool{}
	drop := map[string]map[int]bool{}
	put := map[string]map[int]string{}
	for _, e := range list {
		switch {
		case e.request != nil:
			for i := range out.Requests {
				e.request(&out.Requests[i])
			}
		case e.entry != "":
			gone[" "+e.entry] = true
		case e.all:
			gone[e.file] = true
		default:
			if drop[e.file] == nil {
				drop[e.file], put[e.file] = map[int]bool{}, map[int]string{}
			}
			for _, i := range e.drop {
				drop[e.file][i] = true
			}
			for i, line := range e.put {
				put[e.file][i] = line
			}
		}
	}
	for _, f := range s.Files {
		if !gone[" "+f] {
			out.Files = append(out.Files, f)
		}
	}
	for name, text := range s.Config {
		if gone[name] {
			continue
		}
		var kept []string
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if p, ok := put[name][i]; ok {
				line = p
			}
			if !drop[name][i] {
				kept = append(kept, line)
			}
		}
		out.Config[name] = ""
		if len(kept) > 0 {
			out.Config[name] = strings.Join(kept, "\n") + "\n"
		}
	}
	return &out
}

// shrink makes a difference smaller as long as one remains; the reply is of the last site that showed it.
func shrink(srv server, simulate func(*site) reply, m mismatch) mismatch {
	s := apply(m.site, nil)
	if m.request >= 0 {
		s.Requests = []sim.Request{m.site.Requests[m.request]}
	}
	try := func(list []*site) ([]*mismatch, error) {
		replies, err := srv.run(list)
		if err != nil {
			return nil, err
		}
		out := make([]*mismatch, len(list))
		for i, c := range list {
			if found := compareReplies(c, replies[i], simulate(c)); len(found) > 0 && (found[0].request < 0) == (m.request < 0) {
				out[i] = &found[0]
			}
		}
		return out, nil
	}
	first, err := try([]*site{s})
	if err != nil || first[0] == nil {
		return m // shows only in company
	}
	best := *first[0]
	for range 8 {
		list := edits(best.site)
		var tries []*site
		for _, e := range list {
			tries = append(tries, apply(best.site, []edit{e}))
		}
		found, err := try(tries)
		if err != nil {
			return best
		}
		var good []edit
		var last *mismatch
		for i, f := range found {
			if f != nil {
				good = append(good, list[i])
				last = f
			}
		}
		if len(good) == 0 {
			return best
		}
		next := last
		if len(good) > 1 {
			var more []*site
			half := len(good) / 2
			for _, g := range [][]edit{good, good[:half], good[half:]} {
				more = append(more, apply(best.site, g))
			}
			if both, err := try(more); err == nil {
				for _, f := range both {
					if f != nil {
						next = f
						break
					}
				}
			}
		}
		best = *next
	}
	return best
}

// compareAll draws sites, asks both and reports.
func compareAll(t *testing.T, srv server, draw func(seed uint64, requests int) *site, simulate func(*site) reply) {
	t.Helper()
	const perSite = 8
	first, want := seed(), pairs()
	t.Logf("seed %d, %d pairs (REWRIGHT_LIVE_SEED=%d REWRIGHT_LIVE_PAIRS=%d shows the same again)", first, want, first, want)
	count := newTally()
	for next := first; count.pairs < want; {
		var sites []*site
		for range min(100, (want-count.pairs+perSite-1)/perSite) {
			sites = append(sites, draw(next, perSite))
			next++
		}
		replies, err := srv.run(sites)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sites {
			count.add(s, replies[i], simulate(s))
		}
	}
	t.Log(count)
	if count.known == 0 {
		t.Error("nothing was compared")
	}
	if len(count.mismatches) == 0 {
		return
	}
	// One difference per site is shown first: they are likelier to have different causes.
	slices.SortStableFunc(count.mismatches, func(a, b mismatch) int { return min(b.request, 0) - min(a.request, 0) })
	shown, seen := 0, map[string]bool{}
	for _, m := range count.mismatches {
		key := fmt.Sprint(m.site.Seed)
		if shown == *showFlag || seen[key] {
			continue
		}
		seen[key] = true
		shown++
		t.Errorf("%s", shrink(srv, simulate, m).report())
	}
	t.Errorf("%d differences, %d shown", len(count.mismatches), shown)
}
