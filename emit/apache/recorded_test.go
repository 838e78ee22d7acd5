package apache_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

// families are the recorded cases that are converted.
var families = []string{"idioms", "return", "rewrite", "if", "location-select", "map", "try-files", "query"}

type recorded struct {
	ID       string            `json:"id"`
	Config   map[string]string `json:"config"`
	Files    []string          `json:"files"`
	Requests []recordedRequest `json:"requests"`
	Expect   []map[string]any  `json:"expect"`
	Refused  string            `json:"expect_error"`
}

type recordedRequest struct {
	Method, Scheme, Target, Body, Version string
	Host                                  *string
	Port                                  int
	Headers                               json.RawMessage
}

const caseRoot, caseDir = "/srv/case/html", "/srv/case"

var caseWords = strings.NewReplacer("__ROOT__", caseRoot, "__DIR__", caseDir, "__PORT2__", "127.0.0.1:8080", "__PORT__", "127.0.0.1:80",
	"__SSLPORT__", "127.0.0.1:443", "__UPSTREAM__", "127.0.0.1:28001", "__FASTCGI__", "127.0.0.1:28002", "__PREFIX__", "/usr/share/nginx")

func (c *recorded) text() string {
	fill := func(s string) string { return caseWords.Replace(s) }
	server, isServer := c.Config["server"]
	location, isLocation := c.Config["location"]
	http := fill(c.Config["http"])
	if isServer || isLocation {
		if isLocation {
			server = "location / {\n" + location + "}\n"
		}
		says := func(word string) bool { return regexp.MustCompile(`(?m)^` + word + `\s`).MatchString(server) }
		http += "server {\n"
		if !says("listen") {
			http += "listen 127.0.0.1:80;\n"
			for _, r := range c.Requests {
				if r.Scheme == "https" {
					http += "listen 127.0.0.1:443 ssl;\n"
					break
				}
			}
		}
		if !says("server_name") {
			http += "server_name example.test;\n"
		}
		if !says("root") {
			http += "root " + caseRoot + ";\n"
		}
		http += fill(server) + "}\n"
	}
	return http
}

func (r *recordedRequest) request(t *testing.T) sim.Request {
	out := sim.Request{Method: r.Method, Scheme: r.Scheme, Target: r.Target, Body: r.Body, Version: r.Version, Port: r.Port}
	if r.Host != nil {
		out.Host = *r.Host
	} else {
		out.NoHost = true
	}
	var pairs [][2]string
	if len(r.Headers) > 0 && json.Unmarshal(r.Headers, &pairs) != nil {
		var m map[string]string
		if err := json.Unmarshal(r.Headers, &m); err != nil {
			t.Fatal(err)
		}
		for k, v := range m {
			pairs = append(pairs, [2]string{k, v})
		}
	}
	out.Header = pairs
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
	text, err := os.ReadFile(filepath.Join("../../testdata/sim/nginx", family+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// parsing are requests that httpd takes apart in another way before any rule is asked: no translation of rules changes
// that. httpd answers 404 to %2F in a path (AllowEncodedSlashes is not for .htaccess) and 400 to # in a target, and
// sends files to every method it knows.
func parsing(r *sim.Request) bool {
	target := strings.ToLower(r.Target)
	return strings.Contains(target, "%2f") || strings.Contains(target, "%00") || strings.Contains(r.Target, "#") || r.Method == "POST" || r.Method == "OPTIONS"
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
	l, err := parser.LoadText(nil, "case.conf", []byte(c.text()), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
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
		r := c.Requests[i].request(t)
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
				r.Method, r.Scheme, r.Host, r.Target, check.Describe(&a), check.Describe(&b), c.text(), text)
			for _, n := range result.Notes {
				if n.Fidelity != emit.Exact {
					fmt.Printf("  %s %s: %s\n", n.Fidelity, n.Directive, n.Reason)
				}
			}
		}
	}
	return alike, asked, wrong
}
