package fix

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// corpusFile is one real configuration and what its server says of it.
type corpusFile struct {
	name     string
	input    lint.Input
	accepted bool
}

// corpus reads the configurations of the folder that REWRIGHT_CORPUS names, at most REWRIGHT_CORPUS_FILES of them, evenly.
// It holds apache-accepts.tsv and nginx-accepts.tsv: file, "ok" or "error", and the context of the file.
func corpus(t *testing.T) []corpusFile {
	t.Helper()
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configurations")
	}
	var out []corpusFile
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
			if len(cells) < 5 || cells[0] == "file" {
				continue
			}
			server, context := ir.Apache, ir.ContextServer
			switch {
			case strings.HasPrefix(list, "nginx"):
				server = ir.Nginx
				context = map[string]ir.Context{"http": ir.ContextHTTP, "server": ir.ContextServer, "location": ir.ContextLocation,
					"main": ir.ContextMain, "main+events": ir.ContextMain}[cells[2]]
			case cells[3] == "htaccess":
				context = ir.ContextHtaccess
			}
			if context == "" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, cells[0]))
			if err != nil {
				t.Fatal(err)
			}
			if cells[2] == "main+events" {
				text = append(text, "\nevents {}\n"...)
			}
			out = append(out, corpusFile{cells[0], lint.Input{File: source.NewFile(cells[0], text), Server: server, Context: context}, cells[1] == "ok"})
		}
	}
	if n, _ := strconv.Atoi(os.Getenv("REWRIGHT_CORPUS_FILES")); n > 0 {
		out = probe.Spread(out, n)
	}
	return out
}

// TestCorpus fixes every configuration: fixes come to rest, bring no refusal, change nothing when done again, and change no
// answer but of refused files and of rules that never took effect. The requests are not the ones that the fixes were proved with.
func TestCorpus(t *testing.T) {
	files := corpus(t)
	inputs := make([]lint.Input, len(files))
	for i := range files {
		inputs[i] = files[i].input
	}
	for _, unsafe := range []bool{false, true} {
		t.Run(fmt.Sprintf("unsafe=%v", unsafe), func(t *testing.T) {
			result := apply(t, Options{Unsafe: unsafe}, inputs...)
			var again []lint.Input
			changed, applied, refused, requests, stated, few, noRequest := 0, 0, 0, 0, 0, 0, 0
			rounds := map[int]int{}
			counts := map[string]int{}
			for i := range result {
				f := &result[i]
				if f.Err != nil {
					t.Error(f.Err)
				}
				for _, l := range f.Left {
					if l.Refused {
						refused++
						t.Logf("refused: %s:%d: %s %s: %s", f.Name, l.Finding.File.Line(l.Finding.Span.Start), l.Finding.Code, l.Fix.Title, l.Reason)
					}
				}
				if !f.Changed() {
					continue
				}
				changed++
				rounds[f.Rounds]++
				applied += len(f.Applied)
				for _, a := range f.Applied {
					counts[a.Code+" "+string(a.Safety)]++
					if len(a.Changes) == 0 {
						noRequest++
					}
				}
				in := inputs[i]
				in.File = source.NewFile(f.Name, f.After)
				again = append(again, in)
				before, after := lint.Load(inputs[i]), lint.Load(in)
				if a, b := refusalCount(before), refusalCount(after); b > a {
					t.Errorf("%s: %d refusals became %d", f.Name, a, b)
				}
				if unsafe {
					continue
				}
				n, s, why := compareAnswers(before, after, f)
				requests, stated = requests+n, stated+s
				if why != "" {
					t.Errorf("%s: %s", f.Name, why)
				}
				if n < 20 && n > 0 {
					few++
				}
			}
			for _, f := range apply(t, Options{Unsafe: unsafe}, again...) {
				if f.Changed() {
					t.Errorf("%s: fixing again changes it: %v", f.Name, f.Applied)
				}
			}
			t.Logf("%d files, %d changed, %d fixes applied (%d without a request that shows it), %d refused; rounds %v; %d requests compared, %d answers changed as stated; %d files with fewer than 20 requests",
				len(files), changed, applied, noRequest, refused, rounds, requests, stated, few)
			var codes []string
			for code, n := range counts {
				codes = append(codes, fmt.Sprintf("%s %d", code, n))
			}
			sort.Strings(codes)
			t.Log(strings.Join(codes, ", "))
		})
	}
}

func refusalCount(u *lint.Unit) int {
	n := 0
	for i := range u.Diagnostics {
		if u.Diagnostics[i].Refuses {
			n++
		}
	}
	return n
}

// compareAnswers asks both states the same requests; why names an answer that changed though nothing says so.
func compareAnswers(u0, u1 *lint.Unit, f *File) (asked, stated int, why string) {
	if refusalCount(u0) > 0 || u0.Site() == nil || u1.Site() == nil {
		return 0, 0, ""
	}
	s0, s1 := u0.Site(), u1.Site()
	spans := map[string][]source.Span{}
	for _, a := range f.Applied {
		spans[f.Name] = append(spans[f.Name], a.After...)
	}
	sort.Slice(spans[f.Name], func(i, j int) bool { return spans[f.Name][i].Start < spans[f.Name][j].Start })
	edited := map[*ir.Rule]bool{}
	for _, r := range rulesAt(s1, spans) {
		edited[r] = true
	}
	var said []source.Span // what fixes that state a change edited in the old text
	for _, a := range f.Applied {
		if a.States {
			said = append(said, a.Before...)
		}
	}
	sort.Slice(said, func(i, j int) bool { return said[i].Start < said[j].Start })
	meant := map[*ir.Rule]bool{}
	for _, r := range rulesAt(s0, map[string][]source.Span{f.Name: said}) {
		meant[r] = true
	}
	r := rand.New(rand.NewSource(int64(len(f.Before))))
	var list []probe.Probe
	for _, s := range []*probe.Site{s0, s1} {
		all := s.Rules()
		for range min(len(all), 20) {
			rule := all[r.Intn(len(all))]
			list = append(list, s.Requests(rule, 4)...)
			list = append(list, s.NearMisses(rule, 3)...)
		}
	}
	for _, path := range []string{"/", "/a", "/a/", "/a/b.html", "/index.php", "/index.html", "/blog/2020/x?y=1", "/.git/config", "/%20", "//x", "/A", "/a.php?id=1", "/robots.txt", "/favicon.ico"} {
		for _, scheme := range []string{"http", "https"} {
			list = append(list, probe.Probe{Request: sim.Request{Method: "GET", Scheme: scheme, Host: someHost(s0), Target: path}})
		}
	}
	a := &asker{s0: s0, s1: s1, seen: map[string]bool{}}
	for _, p := range list {
		q, fresh := a.ask(p)
		if !fresh {
			continue
		}
		asked++
		if same(&q.before, &q.after) {
			continue
		}
		if anyFired(&q.after, edited) || anyFired(&q.before, meant) {
			stated++
			continue
		}
		return asked, stated, newChange(s0, q, "", "").String()
	}
	return asked, stated, ""
}
