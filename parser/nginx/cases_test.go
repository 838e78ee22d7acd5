package nginx

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// recordedCase is a recorded answer of nginx -t in testdata/sim/nginx.
type recordedCase struct {
	ID       string            `json:"id"`
	Config   map[string]string `json:"config"`
	Requests []struct {
		Scheme string `json:"scheme"`
		Port   int    `json:"port"`
	} `json:"requests"`
	Error string   `json:"expect_error"`
	Warn  []string `json:"expect_warn"`
}

// caseWords stand for addresses and folders that differ from run to run.
var caseWords = strings.NewReplacer("__ROOT__", "/srv/html", "__DIR__", "/srv", "__PORT__", "127.0.0.1:80",
	"__SSLPORT__", "127.0.0.1:443", "__PORT2__", "127.0.0.1:8080", "__UPSTREAM__", "127.0.0.1:7001",
	"__FASTCGI__", "127.0.0.1:7002", "__PREFIX__", "/prefix")

var caseLogs = regexp.MustCompile(`(?m)\b(access|error)_log\s[^;\n]*;`)

// files are the files nginx reads for a case: nginx.conf, case.conf and the like.
func (c *recordedCase) files() map[string]string {
	out := map[string]string{}
	for name, text := range c.Config {
		file := "/srv/" + name
		if name == "server" || name == "location" || name == "http" {
			file = "/srv/case.conf"
			if name == "http" && (c.Config["server"] != "" || c.Config["location"] != "") {
				file = "/srv/http.conf"
			}
		}
		out[file] = caseWords.Replace(caseLogs.ReplaceAllString(text, ""))
	}
	main := "include /srv/case.conf;\n"
	body, inServer := c.Config["server"]
	_, inLocation := c.Config["location"]
	if inServer || inLocation {
		pre := ""
		if _, ok := c.Config["http"]; ok {
			pre = "include /srv/http.conf;\n"
		}
		own := func(word string) bool {
			return regexp.MustCompile(`(?m)^` + word + `\s`).MatchString(body)
		}
		block := "server {\n"
		if !own("listen") {
			block += "listen 127.0.0.1:80;\n"
			for _, r := range c.Requests {
				if r.Scheme == "https" {
					block += "listen 127.0.0.1:443 ssl;\n"
					break
				}
			}
		}
		if !own("server_name") {
			block += "server_name example.test;\n"
		}
		if !own("root") {
			block += "root /srv/html;\n"
		}
		if inServer {
			block += main + "}\n"
		} else {
			block += "location / {\n" + main + "}\n}\n"
		}
		main = pre + block
	}
	out["/prefix/nginx.conf"] = "events { worker_connections 2000; }\nhttp {\nssl_certificate /c.pem; ssl_certificate_key /k.pem;\n" +
		"port_in_redirect off;\n" + main + "server { listen 127.0.0.1:7001; return 200 x; } }\n"
	return out
}

func readCase(c *recordedCase) *Config {
	files := c.files()
	env := Env{Context: ir.ContextMain,
		Open: func(name string) (*source.File, error) {
			if !filepath.IsAbs(name) {
				name = "/prefix/" + name
			}
			text, ok := files[name]
			if name == "/srv" {
				return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
			}
			if !ok {
				return nil, fs.ErrNotExist
			}
			return source.NewFile(name, []byte(text)), nil
		},
		Glob: func(pattern string) ([]string, error) {
			var out []string
			for name := range files {
				if ok, _ := filepath.Match(pattern, name); ok {
					out = append(out, name)
				}
			}
			return out, nil
		},
	}
	return Read(source.NewFile("/prefix/nginx.conf", []byte(files["/prefix/nginx.conf"])), env)
}

// complaint is what nginx writes about a configuration.
func complaint(c *Config) string {
	r := c.Refusal()
	if r == nil {
		return ""
	}
	return place("[emerg] "+r.Message, r.File, r.Line)
}

func place(message string, f *source.File, line int) string {
	if line > 0 {
		message += fmt.Sprintf(" in %s:%d", strings.TrimPrefix(f.Name, "/srv/"), line)
	}
	return message
}

func warnings(c *Config) []string {
	var out []string
	for i := range c.Diagnostics {
		if d := &c.Diagnostics[i]; !d.Refuses && d.ServerMessage != "" {
			out = append(out, place("[warn] "+d.ServerMessage, d.File, c.lines[i]))
		}
	}
	return out
}

func recordedCases(t *testing.T) []*recordedCase {
	files, err := filepath.Glob("../../testdata/sim/nginx/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded cases")
	}
	var all []*recordedCase
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var list []*recordedCase
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, list...)
	}
	return all
}

// TestRecordedComplaints holds Read against what nginx -t said.
func TestRecordedComplaints(t *testing.T) {
	refused, accepted := 0, 0
	for _, c := range recordedCases(t) {
		config := readCase(c)
		want := caseWords.Replace(strings.ReplaceAll(c.Error, "__DIR__/", ""))
		want = strings.Replace(want, "[crit]", "[emerg]", 1)
		if got := complaint(config); got != want {
			t.Errorf("%s\n got %s\nwant %s", c.ID, got, want)
		}
		if c.Error == "" {
			var want []string
			for _, w := range c.Warn {
				want = append(want, caseWords.Replace(w))
			}
			if got := warnings(config); !slices.Equal(got, want) {
				t.Errorf("%s\n warns %q\n  want %q", c.ID, got, want)
			}
			accepted++
		} else {
			refused++
		}
	}
	t.Logf("%d refused, %d accepted", refused, accepted)
}
