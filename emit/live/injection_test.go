package live

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rewright/emit"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/sim/live/wire"
)

// injected is the header line that requests try to get into an answer.
const injected = "X-Injected"

// lineEnds are ways to end a header line, as they stand in a URL.
var lineEnds = []string{"%0d%0a", "%0a", "%0d"}

// injections are requests like r that carry a header line of their own: behind every slash and in every segment of the
// path, in the query, in Host and in the other headers. At most most.
func injections(r sim.Request, most int) (out []sim.Request) {
	path, query, has := strings.Cut(r.Target, "?")
	for _, end := range lineEnds {
		line := end + injected + ":1"
		add := func(path, query string, has bool) {
			v := r
			v.Target = path
			if has {
				v.Target += "?" + query
			}
			out = append(out, v)
		}
		add(path+line, query, has)
		for i := 1; i < len(path) && i < 40; i++ {
			if path[i-1] == '/' || path[i] == '/' {
				add(path[:i]+line+path[i:], query, has)
			}
		}
		if i := len(path) - 1; i > 1 {
			add(path[:i]+line+path[i:], query, has)
		}
		add(path, "a="+line, true)
		if has {
			add(path, query+line, true)
		}
		v := r
		v.Host, v.NoHost = r.Host+line, false
		out = append(out, v)
		if len(r.Header) > 0 {
			v := r
			v.Header = append([][2]string(nil), r.Header...)
			for i := range v.Header {
				v.Header[i][1] += line
			}
			out = append(out, v)
		}
	}
	return probe.Spread(out, most)
}

// recipes are the idioms of testdata/convert, with requests drawn from their rules.
func recipes(t *testing.T) (out []*site) {
	folders, err := filepath.Glob("../../testdata/convert/*/in")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range folders {
		s := &site{name: filepath.Base(filepath.Dir(in)), config: map[string]string{}}
		err := fs.WalkDir(os.DirFS(in), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if d.Name() != ".htaccess" {
				s.files = append(s.files, name)
				return nil
			}
			text, err := fs.ReadFile(os.DirFS(in), name)
			s.config[name] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.config) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// refuseInjection serves converted sites with the real nginx and fails when an answer to one of perSite requests holds
// a header line that the request brought.
func refuseInjection(t *testing.T, root string, hosts []*host, perSite int) {
	var mu sync.Mutex
	caught := map[*host][]string{}
	asked, redirects := 0, 0
	for _, h := range hosts {
		base := probe.Spread(h.requests, max(perSite/8, 1))
		h.requests = nil
		for _, r := range base {
			h.requests = append(h.requests, injections(r, perSite/max(len(base), 1)+1)...)
		}
		h.seen = func(r sim.Request, res *wire.Response) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			for _, line := range res.Header {
				if line[0] == "Location" {
					redirects++
				}
				if strings.EqualFold(strings.TrimSpace(line[0]), injected) || strings.ContainsAny(line[0]+line[1], "\r\n") {
					caught[h] = append(caught[h], r.Method+" "+r.Host+" "+r.Target+": "+line[0]+": "+line[1])
				}
			}
		}
	}
	// what every public converter writes, to see that it would be found
	control := &site{name: "control", dir: filepath.Join(root, "control"), result: &emit.Result{}}
	if err := os.MkdirAll(control.docroot(), 0o755); err != nil {
		t.Fatal(err)
	}
	control.result.Files = []emit.File{{Name: "server.conf", Text: []byte("return 302 http://example.test$uri;\n")}}
	bad := &host{site: control}
	for _, end := range lineEnds {
		bad.requests = append(bad.requests, sim.Request{Host: "example.test", Target: "/a" + end + injected + ":1"})
	}
	found := 0
	bad.seen = func(_ sim.Request, res *wire.Response) {
		mu.Lock()
		defer mu.Unlock()
		for _, line := range res.Header {
			if strings.EqualFold(line[0], injected) || strings.ContainsAny(line[1], "\r\n") {
				found++
			}
		}
	}
	runNginx(t, root, append(hosts[:len(hosts):len(hosts)], bad))
	if found < len(lineEnds) {
		t.Errorf("%d of %d lines are seen where they are sent", found, len(lineEnds))
	}
	for h, list := range caught {
		t.Errorf("%s: %d answers hold a line of the request, one is %q\n%s", h.name, len(list), list[0], h.text("server.conf"))
	}
	t.Logf("%d requests to %d configurations, %d of them redirected", asked, len(hosts), redirects)
}

// TestInjection asks the recipes and the recorded cases for header lines.
func TestInjection(t *testing.T) {
	needServer(t, nginxBinary)
	root := openFolder(t)
	t.Run("recipes", func(t *testing.T) {
		refuseInjection(t, root, hostsOf(t, root, recipes(t), true), 200)
	})
	t.Run("recorded", func(t *testing.T) {
		root := openFolder(t)
		refuseInjection(t, root, hostsOf(t, root, recorded(t), false), 30)
	})
}

// TestCorpusInjection asks the corpus.
func TestCorpusInjection(t *testing.T) {
	sites := corpus(t)
	needServer(t, nginxBinary)
	root := openFolder(t)
	refuseInjection(t, root, hostsOf(t, root, sites, true), 60)
}
