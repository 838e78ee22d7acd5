package rules

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// shownByRequest are the rules that are decided by a request or by the language of a pattern, alone or with something else:
// each of their findings has a request that shows it.
var shownByRequest = func() map[string]bool {
	m := map[string]bool{}
	for _, code := range strings.Fields("RD102 RD103 RD105 RD107 RD109 RD111 RD112 RD113 RD115 RD116 RD120 " +
		"RD201 RD202 RD203 RD204 RD205 RD206 RD207 RD209 RD210 RD211 RD212 RD213 RD306 RD308 RD311 " +
		"RD401 RD402 RD403 RD408 RD410 RD411 RD501 RD503 RD504 RD506 RD507 RD508 RD510 RD511 RD513 RD515 RD516 " +
		"RD601 RD602 RD605 RD607 RD611 RD612 RD619 RD620 RD701 RD703 RD704 RD705 RD706 RD709 RD803 RD805") {
		m[code] = true
	}
	return m
}()

// withoutRequest is the reason why a finding can have no request; empty when it must have one.
func withoutRequest(site *probe.Site, d diag.Diagnostic) string {
	if site == nil {
		return "the server refuses the configuration"
	}
	if d.Code == "RD311" {
		return "no request is known to end in that error"
	}
	q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: probe.DefaultHost, Target: "/", Version: "1.1"}}
	if o := site.Ask(q); !o.Known {
		return "what is not modelled decides about every answer"
	}
	return ""
}

// TestWitnesses looks at the findings of the rules that a request decides, in all fixtures and all examples: each has a
// request, and the simulator gives the answers that the witness says when it is asked again, from nothing but what it holds.
func TestWitnesses(t *testing.T) {
	bare, seen := map[string]int{}, map[string]int{}
	look := func(t *testing.T, list []diag.Diagnostic, in lint.Input, above string) {
		var site *probe.Site
		if above == "" {
			in.Now = today
			site = lint.Load(in).Site()
		}
		for _, d := range list {
			switch {
			case !shownByRequest[d.Code]:
			case d.Witness == nil && above == "" && withoutRequest(site, d) != "":
				bare[d.Code]++
			case d.Witness == nil:
				t.Errorf("no request: %s", describe(d))
			default:
				seen[d.Code]++
				if above == "" && site != nil {
					for _, difference := range replay(site, d) {
						t.Error(difference)
					}
				}
			}
		}
	}
	for _, f := range fixtures(t) {
		t.Run(f.rule+"/"+f.name, func(t *testing.T) {
			in := lint.Input{File: source.NewFile(f.name, f.text), Server: f.server, Context: f.context, Version: f.version}
			look(t, f.check(t, string(f.text)), in, f.above)
		})
	}
	for _, r := range All() {
		for i, e := range r.Doc.Examples {
			t.Run(fmt.Sprintf("%s/example%d", r.ID, i), func(t *testing.T) {
				in := lint.Input{File: source.NewFile("site", []byte(e.Before)), Server: e.Server, Context: e.Where(), Version: e.Version}
				look(t, checkExample(t, r, e, e.Before), in, e.Above)
			})
		}
	}
	for code := range shownByRequest {
		if seen[code] == 0 {
			t.Errorf("%s: none of its findings in fixtures and examples has a request", code)
		}
		if bare[code] > seen[code] {
			t.Errorf("%s: %d findings without a request, %d with one", code, bare[code], seen[code])
		}
	}
}

// TestCorpusWitnesses does the same with a folder of real configurations, when REWRIGHT_CORPUS names one.
func TestCorpusWitnesses(t *testing.T) {
	if os.Getenv("REWRIGHT_CORPUS") == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configurations")
	}
	var inputs []lint.Input
	add := func(text corpusText, server ir.Server, where ir.Context) {
		if where != "" {
			inputs = append(inputs, lint.Input{File: source.NewFile(text.name, text.text), Server: server, Context: where, Now: today})
		}
	}
	for _, text := range corpusTexts(t, "apache-accepts.tsv", 3) {
		where := ir.Context(ir.ContextServer)
		if text.context == "htaccess" {
			where = ir.ContextHtaccess
		}
		add(text, ir.Apache, where)
	}
	for _, text := range corpusTexts(t, "nginx-accepts.tsv", 2) {
		where := map[string]ir.Context{"http": ir.ContextHTTP, "server": ir.ContextServer, "location": ir.ContextLocation, "main": ir.ContextMain}[text.context]
		add(text, ir.Nginx, where)
	}
	r, err := lint.Run(context.Background(), lint.Options{Rules: All()}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	byFile := map[string][]diag.Diagnostic{}
	for _, d := range r.Findings {
		if shownByRequest[d.Code] {
			byFile[d.File.Name] = append(byFile[d.File.Name], d)
		}
	}
	shown, differ, without := 0, 0, map[string]int{}
	for _, in := range inputs {
		list := byFile[in.File.Name]
		if len(list) == 0 {
			continue
		}
		site := lint.Load(in).Site()
		for _, d := range list {
			if d.Witness == nil {
				why := withoutRequest(site, d)
				if why == "" {
					t.Errorf("%s: no request: %s", in.File.Name, describe(d))
					why = "no reason"
				}
				without[why]++
				continue
			}
			shown++
			for _, difference := range replay(site, d) {
				differ++
				t.Errorf("%s: %s", in.File.Name, difference)
			}
		}
	}
	var reasons []string
	for why, n := range without {
		reasons = append(reasons, fmt.Sprintf("%d: %s", n, why))
	}
	sort.Strings(reasons)
	t.Logf("%d findings have a request, %d of them are answered otherwise; without one %s", shown, differ, strings.Join(reasons, "; "))
}

// replay asks the requests of a witness again, and says what is answered otherwise.
func replay(site *probe.Site, d diag.Diagnostic) (differences []string) {
	x := readWitness(d)
	if len(x.hops) == 0 {
		if x.cannot != "its witness has no request" {
			return nil // an address of the client, or an answer that comes from another server
		}
		return []string{fmt.Sprintf("a witness without an answer: %s: %q", describe(d), d.Witness.Steps)}
	}
	for i, h := range x.hops {
		q := probe.Probe{Request: sim.Request{Method: h.method, Scheme: h.scheme, Host: h.host, Target: h.target, Version: "1.1"}}
		if _, port, ok := strings.Cut(h.host, ":"); ok {
			q.Request.Port, _ = strconv.Atoi(port)
		}
		for k, v := range x.header {
			q.Request.Header = append(q.Request.Header, [2]string{k, v})
		}
		for _, path := range x.exists {
			q.Exists = append(q.Exists, inWorld(site, path))
		}
		for _, path := range x.missing {
			q.Missing = append(q.Missing, inWorld(site, path))
		}
		o := site.Ask(q)
		if h.closed && o.Closed {
			continue
		}
		if o.Status != h.status || (o.Location == nil) != (h.location == nil) || o.Location != nil && *o.Location != *h.location {
			differences = append(differences, fmt.Sprintf("%s: hop %d\n%s\nis answered %s", describe(d), i+1, h.line, probe.Answer(&o)))
		}
	}
	return differences
}

// inWorld is a path of a witness in the world of the server.
func inWorld(site *probe.Site, path string) string {
	if strings.HasPrefix(path, "//") {
		return path[1:]
	}
	return site.Root(nil) + path
}
