package live

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"rewright/emit/check"
	"rewright/parser/sim"
	"rewright/parser/sim/live/wire"
)

// openFolder is a temporary folder that the user of the servers can read.
func openFolder(t *testing.T) string {
	root, err := os.MkdirTemp("", "rewright-convert-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	return root
}

// hostsOf places and converts sites; what cannot be converted is an error.
func hostsOf(t *testing.T, root string, sites []*site, draw bool) (out []*host) {
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := wire.WriteCertificate(root); err != nil {
		t.Fatal(err)
	}
	for i, s := range sites {
		if err := s.place(fmt.Sprintf("%s/c%04d", root, i)); err != nil {
			t.Fatal(err)
		}
		if _, refused := s.program(); refused != "" {
			continue
		}
		if draw {
			if err := s.draw(); err != nil {
				t.Errorf("%s: %v", s.name, err)
				continue
			}
		}
		if err := s.convert(); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		out = append(out, &host{site: s})
	}
	return out
}

// report compares what both servers said. limit is the share that must be alike, in percent; nothing may differ that
// was called exact.
func report(t *testing.T, hosts []*host, want func(h *host, j int) (answer, bool), limit float64) {
	total, same, wrong, surprising, exact, directives := 0, 0, 0, 0, 0, 0
	var log strings.Builder
	for _, h := range hosts {
		if h.refused != "" {
			t.Errorf("%s: nginx refuses the result: %s", h.name, h.refused)
			continue
		}
		var rules *called
		e, _, _ := h.result.Count()
		exact, directives = exact+e, directives+len(h.result.Notes)
		for j := range h.requests {
			w, known := want(h, j)
			if j >= len(h.got) {
				t.Fatalf("%s: not asked", h.name)
			}
			if !known || h.got[j].Status < 0 {
				continue
			}
			total++
			if alike(w, h.got[j]) {
				same++
				continue
			}
			label := "warned"
			r := h.requests[j]
			if why := apart(&r, w, h.got[j]); why != "" {
				label = "apart: " + why
			} else if h.allExact() {
				label = "EXACT"
				wrong++
			} else {
				if rules == nil {
					var err error
					if rules, err = newCalled(h.site); err != nil {
						t.Fatal(err)
					}
				}
				if rules.exact(r) {
					label = "RULES-EXACT"
					surprising++
				}
			}
			fmt.Fprintf(&log, "%s %s: %s %s %s %q %v\n   httpd %v\n   nginx %v\n", label, h.name, r.Method, r.Scheme, r.Host, r.Target, r.Header, w, h.got[j])
		}
	}
	if name := os.Getenv("REWRIGHT_CONVERT_LOG"); name != "" {
		os.WriteFile(name, []byte(log.String()), 0o644)
	}
	share := 100 * float64(same) / float64(max(total, 1))
	t.Logf("%d of %d requests alike (%.2f %%); %d differ though the whole configuration was called exact, %d more though all rules were that answer them; %d of %d directives exact",
		same, total, share, wrong, surprising, exact, directives)
	if share < limit {
		t.Errorf("%.2f %% alike, want %.2f %%", share, limit)
	}
	if wrong > maxWrong {
		t.Errorf("%d requests differ though every rule was called exact", wrong)
	}
}

// maxWrong are the requests that may differ though all was called exact, beyond those that apart gives a reason for.
const maxWrong = 0

// apart says why a request differs that is taken apart differently before any rule is asked; every result remarks on
// it, as on bytes that are not escaped. Empty: it is not of these classes.
func apart(r *sim.Request, httpd, nginx answer) string {
	path, _, _ := strings.Cut(r.Target, "?")
	switch {
	case r.Target == "*":
		return "OPTIONS *"
	case strings.Contains(path, "%00"):
		return "%00 in the path"
	case httpd.Status == nginx.Status && check.SameEscaped(r.Target, httpd.Location, nginx.Location):
		return "bytes without an escape in the path"
	}
	return ""
}

// TestRecorded holds the real nginx with the converted configuration to what the real Apache was recorded to say.
func TestRecorded(t *testing.T) {
	needServer(t, nginxBinary)
	root := openFolder(t)
	hosts := hostsOf(t, root, recorded(t), false)
	runNginx(t, root, hosts)
	report(t, hosts, func(h *host, j int) (answer, bool) {
		w := h.expect[j]
		w.Path, w.Location = h.fill(w.Path), h.fill(w.Location)
		return w, true
	}, 97)
}

// TestCorpus converts the corpus and asks the real Apache and the real nginx requests drawn from the patterns.
func TestCorpus(t *testing.T) {
	sites := corpus(t)
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	hosts := hostsOf(t, root, sites, true)
	originals := make([]*host, len(hosts))
	for i, h := range hosts {
		originals[i] = &host{site: h.site}
	}
	runApache(t, root, originals)
	runNginx(t, root, hosts)
	index := map[*host]*host{}
	for i, h := range hosts {
		index[h] = originals[i]
	}
	passed := map[*host][]bool{}
	report(t, hosts, func(h *host, j int) (answer, bool) {
		if passed[h] == nil {
			passed[h] = h.passedOn()
		}
		w := index[h].got[j]
		return w, w.Status > 0 && !passed[h][j] // there is no other server to answer
	}, 99.5)
}
