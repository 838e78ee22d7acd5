package apache_test

import (
	"encoding/json"
	"os"
	"sort"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/emit/check"
	"rewright/emit/nginx"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

// TestRoundTrip converts the recorded idioms of Apache to nginx and back, and asks the first and the last form the same
// requests, by simulation. What differs was not called exact on both ways.
func TestRoundTrip(t *testing.T) {
	text, err := os.ReadFile("../../testdata/sim/apache/idioms.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []recorded
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	total, same, wrong, configs := 0, 0, 0, 0
	for i := range list {
		c := &list[i]
		if c.Refused != "" || len(c.Requests) == 0 || len(c.Config) != 1 || c.Config[".htaccess"] == "" {
			continue
		}
		configs++
		world := c.world()
		read := func(name string, text []byte, o load.Options) *ir.Program {
			o.DocumentRoot = caseRoot
			l, err := parser.LoadText(nil, name, text, o)
			if err != nil {
				t.Fatal(err)
			}
			return l.Program
		}
		first := read(".htaccess", []byte(c.Config[".htaccess"]), load.Options{Server: ir.Apache, Context: ir.ContextHtaccess})
		there, err := nginx.Target{}.Convert(first, emit.Options{World: &sim.World{DocumentRoot: caseRoot}})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		parts := map[string]string{}
		for _, f := range there.Files {
			parts[f.Name] = string(f.Text)
		}
		middle := parts["http.conf"] + "server {\nlisten 80;\nlisten 443 ssl;\nserver_name example.test;\nroot " + caseRoot + ";\n" + parts["server.conf"] + "}\n"
		back, err := apache.Target{}.Convert(read("site.conf", []byte(middle), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP}), emit.Options{World: &sim.World{DocumentRoot: caseRoot}})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		last := read(".htaccess", back.Files[0].Text, load.Options{Server: ir.Apache, Context: ir.ContextHtaccess})
		a, errA := parser.NewSimulator(first, world)
		b, errB := parser.NewSimulator(last, world)
		if errA != nil || errB != nil {
			t.Errorf("%s: %v %v", c.ID, errA, errB)
			continue
		}
		exact := true
		var why []string
		for _, r := range []*emit.Result{there, back} {
			for _, n := range r.Notes {
				if n.Fidelity != emit.Exact {
					exact = false
					why = append(why, n.Directive+": "+n.Reason)
				}
			}
		}
		sort.Strings(why)
		for j := range c.Requests {
			r := request(t, &c.Requests[j])
			if c.Requests[j].Host == nil {
				r.Host, r.NoHost = "example.test", false // what the recordings of Apache mean by none
			}
			x, y := a.Answer(r, false), b.Answer(r, false)
			if !x.Known || !y.Known {
				continue
			}
			total++
			what := check.Differ(&x, &y)
			if what == "" {
				same++
				continue
			}
			if exact && !parsing(&r) {
				wrong++
				t.Errorf("%s: %s %s://%s%s: the %s differs though all was called exact: %s, %s", c.ID, r.Method, r.Scheme, r.Host, r.Target, what, check.Describe(&x), check.Describe(&y))
			}
			t.Logf("%s: %s://%s%s: %s, then %s (%s)", c.ID, r.Scheme, r.Host, r.Target, check.Describe(&x), check.Describe(&y), strings.Join(why, "; "))
			if os.Getenv("REWRIGHT_SHOW") != "" && strings.Contains(c.ID, os.Getenv("REWRIGHT_SHOW")) {
				t.Logf("%s\n==>\n%s\n==>\n%s", c.Config[".htaccess"], middle, back.Files[0].Text)
			}
		}
	}
	t.Logf("%d configurations, %d of %d requests alike (%.1f %%), %d wrongly called exact", configs, same, total, 100*float64(same)/float64(max(total, 1)), wrong)
	if float64(same) < 0.95*float64(total) || total < 100 {
		t.Errorf("%d of %d alike", same, total)
	}
}
