package apache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
	"rewright/parser/sim/live/recording"
)

// families are the recorded cases that are converted.
var families = []string{"idioms", "return", "rewrite", "if", "location-select", "map", "try-files", "query"}

type recorded struct{ recording.Case }

const caseRoot, caseDir = "/srv/case/html", "/srv/case"

var casePlace = recording.Place{Root: caseRoot, Dir: caseDir, Prefix: "/usr/share/nginx", Plain: "127.0.0.1:80", TLS: "127.0.0.1:443",
	Alt: "127.0.0.1:8080", Upstream: "127.0.0.1:28001", FastCGI: "127.0.0.1:28002"}

func request(t *testing.T, r *recording.Request) sim.Request {
	out, err := r.Sim()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *recorded) world() *sim.World {
	files := &parser.Declared{}
	files.AddFolder(caseRoot)
	for _, f := range c.Files {
		if strings.HasSuffix(f, "/") {
			files.AddFolder(caseRoot + "/" + f)
		} else {
			files.AddFile(caseRoot+"/"+f, []byte("x"))
		}
	}
	return &sim.World{Files: files, DocumentRoot: caseRoot, ServerName: "example.test", Prefix: "/usr/share/nginx"}
}

func readCases(t *testing.T, family string) (list []recorded) {
	cases, err := recording.Read(filepath.Join("../../testdata/sim/nginx", family+".json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		list = append(list, recorded{c})
	}
	return list
}

// parsing are requests that httpd takes apart in another way before any rule is asked: no translation of rules changes
// that. httpd answers 404 to %2F in a path (AllowEncodedSlashes is not for .htaccess) and 400 to # in a target, and
// sends files to every method it knows; a target that is only a query is of the front page.
func parsing(r *sim.Request) bool {
	target := strings.ToLower(r.Target)
	return strings.HasPrefix(target, "?") || strings.Contains(target, "%2f") || strings.Contains(target, "%00") || strings.Contains(r.Target, "#") || r.Method == "POST" || r.Method == "OPTIONS"
}

// TestRecorded converts the recorded configurations to .htaccess and asks both sides their requests: most are answered
// alike, and what differs was not called exact.
func TestRecorded(t *testing.T) {
	total, alike, wrong := 0, 0, 0
	for _, family := range families {
		of, good := 0, 0
		for _, c := range readCases(t, family) {
			if c.Refused != "" || len(c.Requests) == 0 {
				continue
			}
			a, n, w := convertCase(t, &c)
			of, good, wrong = of+n, good+a, wrong+w
		}
		t.Logf("%-16s %d of %d alike (%.1f %%)", family, good, of, 100*float64(good)/float64(of))
		total, alike = total+of, alike+good
	}
	t.Logf("all: %d of %d alike (%.1f %%), %d differ and were called exact", alike, total, 100*float64(alike)/float64(total), wrong)
	if float64(alike) < 0.88*float64(total) || wrong > 0 {
		t.Errorf("%d of %d alike, %d wrongly called exact", alike, total, wrong)
	}
}

func convertCase(t *testing.T, c *recorded) (alike, asked, wrong int) {
	l, err := parser.LoadText(nil, "case.conf", []byte(c.Nginx(casePlace)), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
	if err != nil {
		t.Fatal(err)
	}
	world := c.world()
	before, err := parser.NewSimulator(l.Program, world)
	if err != nil {
		return 0, 0, 0
	}
	convWorld := *world
	convWorld.Files = nil
	result, err := apache.Target{}.Convert(l.Program, emit.Options{World: &convWorld})
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return 0, len(c.Requests), 0
	}
	text := result.Files[0].Text
	root := apache.DocumentRoot(l.Program, caseRoot)
	world = &sim.World{Files: world.Files, DocumentRoot: root, ServerName: "example.test", Prefix: "/usr/share/nginx"}
	world.Files.(*parser.Declared).AddFolder(root)
	to, err := parser.LoadText(nil, ".htaccess", text, load.Options{Server: ir.Apache, Context: ir.ContextHtaccess, DocumentRoot: root})
	if err != nil {
		t.Fatal(err)
	}
	after, err := parser.NewSimulator(to.Program, world)
	if err != nil {
		t.Fatal(err)
	}
	exact, approximate, dropped := result.Count()
	for i := range c.Requests {
		r := request(t, &c.Requests[i])
		a, b := before.Answer(r, false), after.Answer(r, false)
		if !a.Known || !b.Known {
			if os.Getenv("REWRIGHT_SHOW") != "" {
				fmt.Printf("--- %s: unknown %v %v\n", c.ID, a.Unknown, b.Unknown)
			}
			continue
		}
		asked++
		what := check.Differ(&a, &b)
		if what == "" {
			alike++
			continue
		}
		mark := ""
		if approximate+dropped == 0 && !parsing(&r) {
			wrong++
			mark = " CALLED EXACT"
		}
		if show := os.Getenv("REWRIGHT_SHOW"); show != "" && strings.Contains(c.ID, show) {
			fmt.Printf("--- %s: %s%s (%d exact, %d approximate, %d dropped)\n%s %s://%s%s\n  nginx  %s\n  httpd  %s\n%s\n==>\n%s\n", c.ID, what, mark, exact, approximate, dropped,
				r.Method, r.Scheme, r.Host, r.Target, check.Describe(&a), check.Describe(&b), c.Nginx(casePlace), text)
			for _, n := range result.Notes {
				if n.Fidelity != emit.Exact {
					fmt.Printf("  %s %s: %s\n", n.Fidelity, n.Directive, n.Reason)
				}
			}
		}
	}
	return alike, asked, wrong
}
