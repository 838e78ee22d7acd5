package live

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

// simulated gives the answers of nginx's simulator to the converted site.
func simulated(s *site) ([]answer, error) {
	files := parser.OSFiles{Known: []string{s.dir}}
	text := "events {\n}\nhttp {\n" + s.text("http.conf") + "server {\nlisten 80;\nlisten 443 ssl;\nssl_certificate c.pem;\nssl_certificate_key k.pem;\nserver_name example.test;\nroot " + s.docroot() + ";\n" + s.text("server.conf") + "}\n}\n"
	l, err := parser.LoadText(nil, "nginx.conf", []byte(text), load.Options{Server: ir.Nginx, Context: ir.ContextMain})
	if err != nil {
		return nil, err
	}
	simulator, err := parser.NewSimulator(l.Program, &sim.World{Files: files, DocumentRoot: s.docroot(), Prefix: s.dir})
	if err != nil {
		return nil, err
	}
	var out []answer
	for _, r := range s.requests {
		r.Port = 0
		o := simulator.Answer(r, false)
		a := answer{Status: o.Status, Path: o.Filename}
		if o.Location != nil {
			a.Location = *o.Location
		}
		if !o.Known {
			a = answer{Status: -1, Location: strings.Join(o.Unknown, "; ")}
		}
		out = append(out, a)
	}
	return out, nil
}

// TestRecordedSimulated converts the recorded cases and holds the simulated answers of the result against what the
// real Apache said.
func TestRecordedSimulated(t *testing.T) {
	sites := recorded(t)
	root := t.TempDir()
	var log strings.Builder
	total, same, wrong := 0, 0, 0
	for i, s := range sites {
		if err := s.place(fmt.Sprintf("%s/c%04d", root, i)); err != nil {
			t.Fatal(err)
		}
		if _, refused := s.program(); refused != "" {
			continue
		}
		if err := s.convert(); err != nil {
			t.Errorf("%s: %v", s.name, err)
			fmt.Fprintf(&log, "FAIL %s %v\n%v\n", s.name, err, s.config)
			continue
		}
		got, err := simulated(s)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		bad, rules := "", false
		for j, want := range s.expect {
			total++
			want.Path, want.Location = s.fill(want.Path), s.fill(want.Location)
			if alike(want, got[j]) {
				same++
				continue
			}
			rules = rules || apart(&s.requests[j], want, got[j]) == ""
			bad += fmt.Sprintf("   %s %s %s %s%v  want %v  got %v\n", s.requests[j].Method, s.requests[j].Scheme, s.requests[j].Host, s.requests[j].Target, s.requests[j].Header, want, got[j])
		}
		if bad != "" {
			label := "warned"
			if rules && s.allExact() {
				label = "EXACT"
				wrong++
			}
			fmt.Fprintf(&log, "== %s %s\n%s%s%s%s%s\n", label, s.name, config(s), bad, s.text("http.conf"), s.text("server.conf"), notes(s.result))
		}
	}
	if name := os.Getenv("REWRIGHT_CONVERT_LOG"); name != "" {
		os.WriteFile(name, []byte(strings.ReplaceAll(log.String(), root, "@")), 0o644)
	}
	share := 100 * float64(same) / float64(total)
	t.Logf("%d of %d requests alike (%.2f %%), %d cases differ though all is called exact", same, total, share, wrong)
	if share < 96.5 || wrong > maxWrong {
		t.Errorf("%.2f %% alike, %d cases wrongly called exact", share, wrong)
	}
}

func config(s *site) string {
	var names []string
	for n := range s.config {
		names = append(names, n)
	}
	sort.Strings(names)
	text := ""
	for _, n := range names {
		text += "--- " + n + "\n" + s.config[n] + "---\n"
	}
	return text
}

func notes(r *emit.Result) string {
	text := ""
	for _, n := range r.Notes {
		text += fmt.Sprintf("  %d %s %s %s", n.Origin.Line(), n.Directive, n.Fidelity, n.Reason)
		if n.Witness != nil {
			text += fmt.Sprintf(" | %s %s %v %v | %s | %s", n.Witness.Method, n.Witness.URL, n.Witness.Header, n.Witness.Assume, n.Witness.Before, n.Witness.After)
		}
		text += "\n"
	}
	return text
}

func newSimulator(s *site, p *ir.Program) (sim.Simulator, error) {
	return parser.NewSimulator(p, &sim.World{Files: parser.OSFiles{Known: []string{s.dir}}, DocumentRoot: s.docroot(), ServerName: "example.test"})
}
