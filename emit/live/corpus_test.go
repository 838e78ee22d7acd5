package live

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rewright/parser/probe"
	"rewright/parser/sim"
)

// corpusRequests is how many requests each rule of the corpus is asked.
const corpusRequests = 6

// corpus reads the .htaccess files below REWRIGHT_CORPUS that the real Apache accepts, each as a site of its own; with
// REWRIGHT_CORPUS_FILES=N a sample of N files.
func corpus(t *testing.T) (out []*site) {
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configuration")
	}
	f, err := os.Open(filepath.Join(root, "apache-accepts.tsv"))
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		col := strings.Split(scan.Text(), "\t")
		if len(col) < 4 || col[1] != "ok" || col[3] != "htaccess" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, col[0]))
		if err != nil {
			t.Fatal(err)
		}
		s := &site{name: col[0], config: map[string]string{".htaccess": string(text)}}
		if rest, ok := strings.CutPrefix(path.Base(col[0]), "perma-id__w3id.org__"); ok && strings.Contains(rest, "__") {
			// below its folder, as on the real site
			dir := strings.ReplaceAll(strings.TrimSuffix(rest, "__.htaccess"), "__", "/")
			s.config = map[string]string{dir + "/.htaccess": string(text)}
		}
		out = append(out, s)
	}
	if n, _ := strconv.Atoi(os.Getenv("REWRIGHT_CORPUS_FILES")); n > 0 {
		return probe.Spread(out, n)
	}
	return out
}

// draw makes the requests of a site from its rules.
func (s *site) draw() error {
	p, _ := s.program()
	ps, err := probe.New(p, probe.Options{World: sim.World{DocumentRoot: s.docroot()}, Budget: len(s.config) * probe.DefaultBudget})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	add := func(p probe.Probe) {
		if len(p.Exists)+len(p.Missing) > 0 || p.Client != "" {
			return // the document root holds nothing but the configuration
		}
		r := p.Request
		if key := fmt.Sprint(r); !seen[key] {
			seen[key] = true
			s.requests = append(s.requests, r)
		}
	}
	for _, r := range ps.Rules() {
		for _, p := range ps.Requests(r, corpusRequests) {
			add(p)
		}
		for _, p := range ps.NearMisses(r, 3) {
			add(p)
		}
	}
	for _, target := range []string{"/", "/index.html", "/no/such/page?x=1", "/probe.txt"} {
		add(probe.Probe{Request: sim.Request{Host: probe.DefaultHost, Target: target}})
	}
	return nil
}

// TestCorpusSimulated converts the corpus and compares both simulators on requests drawn from the patterns.
func TestCorpusSimulated(t *testing.T) {
	sites := corpus(t)
	root := t.TempDir()
	var log strings.Builder
	total, same, wrong, unknown := 0, 0, 0, 0
	exact, approximate, dropped := 0, 0, 0
	slow := time.Duration(0)
	for i, s := range sites {
		if only := os.Getenv("REWRIGHT_CONVERT_ONLY"); only != "" && !strings.Contains(s.name, only) {
			continue
		}
		if err := s.place(fmt.Sprintf("%s/c%04d", root, i)); err != nil {
			t.Fatal(err)
		}
		if _, refused := s.program(); refused != "" {
			continue
		}
		if err := s.draw(); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		start := time.Now()
		if err := s.convert(); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		if d := time.Since(start); d > slow {
			slow = d
			t.Logf("%v %s", d, s.name)
		}
		e, a, d := s.result.Count()
		exact, approximate, dropped = exact+e, approximate+a, dropped+d
		got, err := simulated(s)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		want := simulatedApache(s)
		bad := ""
		for j := range want {
			if want[j].Status < 0 || got[j].Status < 0 {
				unknown++
				continue
			}
			total++
			if alike(want[j], got[j]) {
				same++
				continue
			}
			bad += fmt.Sprintf("   %s %s %s %s%v  want %v  got %v\n", s.requests[j].Method, s.requests[j].Scheme, s.requests[j].Host, s.requests[j].Target, s.requests[j].Header, want[j], got[j])
		}
		if bad != "" {
			label := "warned"
			if s.allExact() {
				label = "EXACT"
				wrong++
			}
			fmt.Fprintf(&log, "== %s %s\n%s%s%s%s\n", label, s.name, bad, s.text("http.conf"), s.text("server.conf"), notes(s.result))
		} else if os.Getenv("REWRIGHT_CONVERT_ALL") != "" {
			fmt.Fprintf(&log, "== fine %s\n%s%s%s\n", s.name, s.text("http.conf"), s.text("server.conf"), notes(s.result))
		}
	}
	if name := os.Getenv("REWRIGHT_CONVERT_LOG"); name != "" {
		os.WriteFile(name, []byte(strings.ReplaceAll(log.String(), root, "@")), 0o644)
	}
	t.Logf("%d of %d requests alike (%.2f %%), %d not known, %d files differ though all is called exact; rules: %d exact, %d approximate, %d dropped",
		same, total, 100*float64(same)/float64(max(total, 1)), unknown, wrong, exact, approximate, dropped)
}

// simulatedApache gives the answers of Apache's simulator to the original.
func simulatedApache(s *site) (out []answer) {
	p, _ := s.program()
	simulator, err := newSimulator(s, p)
	for _, r := range s.requests {
		if err != nil {
			out = append(out, answer{Status: -1, Location: err.Error()})
			continue
		}
		r.Port = 0
		o := simulator.Answer(r, false)
		a := answer{Status: o.Status, Path: o.File + o.PathInfo}
		if o.Location != nil {
			a.Location = *o.Location
		}
		if !o.Known {
			a = answer{Status: -1, Location: strings.Join(o.Unknown, "; ")}
		}
		out = append(out, a)
	}
	return out
}

// passedOn tells which requests the original hands to another server.
func (s *site) passedOn() []bool {
	out := make([]bool, len(s.requests))
	p, _ := s.program()
	simulator, err := newSimulator(s, p)
	for i, r := range s.requests {
		if err == nil {
			o := simulator.Answer(r, false)
			out[i] = o.PassedTo != ""
		}
	}
	return out
}
