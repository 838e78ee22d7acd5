package probe_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// TestCorpus looks for requests that reach the redirecting rules of a folder of real configurations, when
// REWRIGHT_CORPUS names one, and says which share of them is reached. With REWRIGHT_CORPUS_OUT set the others are
// written there, with what was asked and which rule took effect instead. The folder is as that of lint/rules' TestCorpus.
func TestCorpus(t *testing.T) {
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configurations")
	}
	var out strings.Builder
	start := time.Now()
	total := map[ir.Server]int{}
	reached, taken := map[ir.Server]int{}, map[ir.Server]int{} // taken: by another rule
	worst, worstFile := time.Duration(0), ""
	for _, list := range []string{"apache-accepts.tsv", "nginx-accepts.tsv"} {
		f, err := os.Open(filepath.Join(root, list))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			cells := strings.Split(lines.Text(), "\t")
			if len(cells) < 5 || cells[1] != "ok" || cells[2] == "types" {
				continue
			}
			o := load.Options{Server: ir.Nginx, Context: ir.Context(cells[2]), Mount: "/srv/site"}
			if list[0] == 'a' {
				o.Server, o.Context = ir.Apache, ir.ContextServer
				if cells[3] == "htaccess" {
					o.Context = ir.ContextHtaccess
				}
			} else if strings.HasPrefix(cells[2], "main") {
				o.Context = ir.ContextMain
			}
			text, err := os.ReadFile(filepath.Join(root, cells[0]))
			if err != nil {
				t.Fatal(err)
			}
			l, err := parser.LoadText(nil, ".htaccess", text, o)
			if err != nil {
				t.Errorf("%s: %v", cells[0], err)
				continue
			}
			s, err := probe.New(l.Program, probe.Options{Budget: 40_000_000}) // of every rule of a file, what lint asks for a few
			if errors.Is(err, sim.ErrRefused) {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", cells[0], err)
				continue
			}
			began := time.Now()
			for _, r := range s.Rules() {
				if r.Action != ir.ActionRedirect || r.Disabled || r.File == nil {
					continue
				}
				total[o.Server]++
				list := s.Requests(r, 4)
				p, ok := probe.Probe{}, len(list) > 0 && list[0].Reached
				if ok {
					p = list[0]
				}
				if ok {
					reached[o.Server]++
					if o := s.Ask(p); !probe.HasFired(&o, r) {
						t.Errorf("%s:%d: %s is said to reach the rule and does not", cells[0], r.Line(), probe.URL(p.Request))
					}
					continue
				}
				fmt.Fprintf(&out, "%s:%d\t%s\n", cells[0], r.Line(), strings.TrimSpace(r.File.Slice(r.Span)))
				if len(list) > 0 {
					if a := s.Ask(list[0]); len(a.Fired) > 0 {
						taken[o.Server]++
					}
				}
				for _, p := range list {
					o := s.Ask(p)
					fmt.Fprintf(&out, "\t%s\t%s\t%v", p.Request.Method+" "+probe.URL(p.Request), probe.Answer(&o), o.Unknown)
					for _, f := range probe.Fired(&o) {
						fmt.Fprintf(&out, "\t%d", f.Line())
					}
					out.WriteString("\n")
				}
			}
			if d := time.Since(began); d > worst {
				worst, worstFile = d, cells[0]
			}
		}
	}
	if path := os.Getenv("REWRIGHT_CORPUS_OUT"); path != "" {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for s, n := range total {
		share := 100 * float64(reached[s]) / float64(n)
		t.Logf("%v: %d of %d redirecting rules are reached, %.1f %%; of the others %d are answered by another rule, %d by none", s, reached[s], n, share, taken[s], n-reached[s]-taken[s])
		if share < 80 {
			t.Errorf("%v: only %.1f %% are reached", s, share)
		}
	}
	t.Logf("%v; longest %v for %s", time.Since(start), worst, worstFile)
}
