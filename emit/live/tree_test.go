package live

import (
	"os"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"
)

// treePrefix begins the names of those files of the corpus that are one site, a folder for each project.
const treePrefix = "perma-id__w3id.org__"

// tree puts the files of the corpus that belong to one site into one document root.
func tree(t *testing.T) *site {
	s := &site{name: "w3id.org", config: map[string]string{}}
	for _, one := range corpus(t) {
		rest, ok := strings.CutPrefix(path.Base(one.name), treePrefix)
		if !ok {
			continue
		}
		name := strings.ReplaceAll(rest, "__", "/")
		for _, text := range one.config {
			s.config[name] = text
		}
	}
	return s
}

// TestCorpusTree converts a whole document root with nested .htaccess files as one site and asks the real Apache and
// the real nginx requests drawn from the patterns of all of them.
func TestCorpusTree(t *testing.T) {
	s := tree(t)
	if len(s.config) == 0 {
		t.Skip("none of the files belongs to the tree")
	}
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	hosts := hostsOf(t, root, nil, true) // the certificate
	if err := s.place(root + "/tree"); err != nil {
		t.Fatal(err)
	}
	if _, refused := s.program(); refused != "" {
		t.Fatal(refused)
	}
	start := time.Now()
	if err := s.draw(); err != nil {
		t.Fatal(err)
	}
	drawn := time.Since(start)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start = time.Now()
	if err := s.convert(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d .htaccess files: %d requests drawn in %v, converted in %v, %d MB allocated, %d MB held from the system; %d requests compared by simulation", len(s.config), len(s.requests),
		drawn.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, after.Sys>>20, s.result.Compared)
	original := &host{site: s}
	h := &host{site: s}
	hosts = append(hosts, h)
	runApache(t, root, []*host{original})
	runNginx(t, root, hosts)
	passed := s.passedOn()
	report(t, hosts, func(_ *host, j int) (answer, bool) {
		w := original.got[j]
		return w, w.Status > 0 && !passed[j]
	}, 99.5)
}
