package nginx_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rewright/parser/ir"
	syntax "rewright/parser/nginx"
	"rewright/parser/sim"
	"rewright/parser/sim/nginx"
	"rewright/parser/source"
)

// recorded is one configuration and what nginx 1.22.1 answered to its requests; the format and the world the
// answers were recorded in are described where the recordings were made.
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
	HostGiven                             bool
	Port                                  int
	Headers                               json.RawMessage
	Want                                  []string
}

func (r *recordedRequest) UnmarshalJSON(b []byte) error {
	type plain recordedRequest
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	_, r.HostGiven = m["host"]
	return json.Unmarshal(b, (*plain)(r))
}

const (
	root     = "/srv/case/html"
	dir      = "/srv/case"
	upstream = "127.0.0.1:28001"
	fcgi     = "127.0.0.1:28002"
)

var words = strings.NewReplacer("__ROOT__", root, "__DIR__", dir, "__PORT2__", "127.0.0.1:8080", "__PORT__", "127.0.0.1:80",
	"__SSLPORT__", "127.0.0.1:443", "__UPSTREAM__", upstream, "__FASTCGI__", fcgi)

var dropLogs = regexp.MustCompile(`(?m)\b(access|error)_log\s[^;\n]*;`)

// memory is a file system of declared names.
type memory map[string]sim.FileInfo

func (m memory) Stat(p string) (sim.FileInfo, bool) { return m[path.Clean(p)], true }
func (m memory) ReadFile(string) ([]byte, error)    { return nil, fs.ErrNotExist }

func (m memory) add(p string, kind sim.FileKind) {
	m[p] = sim.FileInfo{Kind: kind, Size: 1}
	for p != "/" {
		p = path.Dir(p)
		m[p] = sim.FileInfo{Kind: sim.Directory, Executable: true}
	}
}

func world(c *recorded) (*sim.World, memory) {
	m := memory{}
	m.add(root, sim.Directory)
	for _, d := range []string{"/etc", "/usr", "/tmp", "/root"} {
		m.add(d, sim.Directory)
	}
	for _, f := range c.Files {
		if strings.HasSuffix(f, "/") {
			m.add(path.Join(root, f), sim.Directory)
		} else {
			m.add(path.Join(root, f), sim.Regular)
		}
	}
	for name := range c.Config {
		if name != "server" && name != "location" && name != "http" {
			m.add(path.Join(dir, name), sim.Regular)
		}
	}
	m.add(dir+"/case.conf", sim.Regular)
	return &sim.World{Files: m, DocumentRoot: root, ServerName: "example.test", Prefix: "/usr/share/nginx"}, m
}

// wrap puts a case's text where the recorder put it.
func wrap(c *recorded) string {
	fill := func(s string) string { return words.Replace(dropLogs.ReplaceAllString(s, "")) }
	http := "port_in_redirect off;\n"
	h, hasHTTP := c.Config["http"]
	server, hasServer := c.Config["server"]
	location, hasLocation := c.Config["location"]
	if hasHTTP {
		http += fill(h) + "\n"
	}
	if hasServer || hasLocation {
		body := server
		own := func(word string) bool { return regexp.MustCompile(`(?m)^` + word + `\s`).MatchString(body) }
		s := "server {\n"
		if !own("listen") {
			s += "listen 127.0.0.1:80;\n"
			for _, r := range c.Requests {
				if r.Scheme == "https" {
					s += "listen 127.0.0.1:443 ssl;\n"
					break
				}
			}
			for _, r := range c.Requests {
				if r.Port == 8080 {
					s += "listen 127.0.0.1:8080;\n"
					break
				}
			}
		}
		if !own("server_name") {
			s += "server_name example.test;\n"
		}
		if !own("root") {
			s += "root " + root + ";\n"
		}
		if hasServer {
			s += fill(server)
		} else {
			s += "location / {\n" + fill(location) + "}\n"
		}
		http += s + "}\n"
	}
	return "events {}\nhttp {\n" + http + "}\n"
}

func cleanText(s string) string {
	s = strings.ReplaceAll(s, root, "__ROOT__")
	s = strings.ReplaceAll(s, dir+"/", "")
	s = strings.ReplaceAll(s, dir, "__DIR__")
	s = strings.ReplaceAll(s, upstream, "__UPSTREAM__")
	s = strings.ReplaceAll(s, fcgi, "__FASTCGI__")
	s = regexp.MustCompile(`/usr/share/nginx\b`).ReplaceAllString(s, "__PREFIX__")
	return toText(s)
}

// toText shows bytes as the recorder did: UTF-8 as it is, other bytes as \xNN.
func toText(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD") {
			fmt.Fprintf(&b, `\x%02x`, s[i])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (r *recordedRequest) request() sim.Request {
	q := sim.Request{Method: r.Method, Scheme: r.Scheme, Host: "example.test", Port: r.Port,
		Target: strings.ReplaceAll(r.Target, "__UPSTREAM__", upstream), Body: r.Body, Version: r.Version}
	if r.HostGiven {
		if r.Host == nil {
			q.NoHost, q.Host = true, ""
		} else {
			q.Host = *r.Host
		}
	}
	if len(r.Headers) > 0 && r.Headers[0] == '[' {
		json.Unmarshal(r.Headers, &q.Header)
	} else if len(r.Headers) > 0 {
		m := map[string]string{}
		json.Unmarshal(r.Headers, &m)
		for k, v := range m {
			q.Header = append(q.Header, [2]string{k, v})
		}
		slices.SortFunc(q.Header, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
	return q
}

// echo answers for the backends as the recorder's did.
func echo(p nginx.Passed) *nginx.Response {
	if p.Kind == "fastcgi_pass" {
		body := "fastcgi"
		for _, n := range []string{"SCRIPT_FILENAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "HTTPS"} {
			for i := len(p.Params) - 1; i >= 0; i-- {
				if p.Params[i][0] == n {
					body += " " + n + "=" + p.Params[i][1]
					break
				}
			}
		}
		return &nginx.Response{Status: 200, Body: body}
	}
	if p.Kind != "proxy_pass" {
		return nil
	}
	if strings.HasPrefix(p.Target, "/redir") && (len(p.Target) == 6 || p.Target[6] == '?') {
		_, q, _ := strings.Cut(p.Target, "?")
		to := strings.TrimPrefix(q, "to=")
		to, _, _ = strings.Cut(to, "&")
		return &nginx.Response{Status: 302, Location: &to}
	}
	if strings.ContainsAny(p.Target, " ") || !strings.HasPrefix(p.Target, "/") {
		return &nginx.Response{Status: 400}
	}
	return &nginx.Response{Status: 200, Body: "upstream " + p.Method + " " + p.Target + " host=" + p.Host}
}

// differences names the cases whose requests are not answered as recorded, each with the reason.
var differences = map[string]string{
	"if/file-relative#0": "a relative path is looked up in the working directory of the server, which the world does not say",
	"index/autoindex#0":  "the text of a directory listing is not part of an outcome",
	"return/text#7":      "headers of the built-in error pages are not part of an outcome",
}

func TestRecordedAnswers(t *testing.T) {
	files, _ := filepath.Glob("../../../testdata/sim/nginx/*.json")
	if len(files) == 0 {
		t.Fatal("no recorded cases")
	}
	total, alike, unknown := 0, 0, 0
	seen := map[string]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var cases []recorded
		if err := json.Unmarshal(b, &cases); err != nil {
			t.Fatal(err)
		}
		for i := range cases {
			c := &cases[i]
			if c.Refused != "" {
				continue
			}
			answers := answer(t, c)
			for j := range c.Requests {
				total++
				key := c.ID + "#" + strconv.Itoa(j)
				var diff string
				if answers == nil {
					diff = "refused"
				} else {
					if !answers[j].Known {
						unknown++
						diff = "unknown: " + strings.Join(answers[j].Unknown, "; ")
					} else {
						diff = compare(c, j, &answers[j])
					}
				}
				reason, listed := differences[key]
				seen[key] = true
				switch {
				case diff == "" && listed:
					t.Errorf("%s agrees now; take it off the list (%s)", key, reason)
				case diff != "" && !listed:
					t.Errorf("%s %s %s\n\t%s", key, c.Requests[j].Method, c.Requests[j].Target, diff)
				}
				if diff == "" {
					alike++
				}
			}
		}
	}
	for key := range differences {
		if !seen[key] {
			t.Errorf("%s is listed and not recorded", key)
		}
	}
	t.Logf("%d requests, %d as recorded, %d unknown", total, alike, unknown)
}

func answer(t *testing.T, c *recorded) []sim.Outcome {
	w, _ := world(c)
	read := func(name string) (*source.File, error) {
		n := strings.TrimPrefix(name, dir+"/")
		if text, ok := c.Config[n]; ok {
			return source.NewFile(name, []byte(words.Replace(text))), nil
		}
		return nil, fs.ErrNotExist
	}
	glob := func(pattern string) ([]string, error) {
		var out []string
		for n := range c.Config {
			if ok, _ := path.Match(strings.TrimPrefix(pattern, dir+"/"), n); ok {
				out = append(out, dir+"/"+n)
			}
		}
		slices.Sort(out)
		return out, nil
	}
	cfg := syntax.Read(source.NewFile("nginx.conf", []byte(wrap(c))), syntax.Env{Context: ir.ContextMain, Open: read, Glob: glob})
	p := syntax.Lower(cfg)
	s, err := nginx.New(p, w)
	if err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return nil
	}
	s.(nginx.Backends).SetBackend(echo)
	var out []sim.Outcome
	for i := range c.Requests {
		out = append(out, s.Answer(c.Requests[i].request(), false))
	}
	return out
}

func compare(c *recorded, j int, o *sim.Outcome) string {
	want := c.Expect[j]
	got := map[string]any{"status": float64(o.Status)}
	if o.Location != nil {
		// what stands behind a line end in Location is a header of its own to whoever reads the answer
		if loc, rest, cut := strings.Cut(*o.Location, "\r\n"); cut {
			o.Location = &loc
			if k, v, ok := strings.Cut(rest, ":"); ok {
				o.Header = append(o.Header, [2]string{k, v})
			}
		}
	}
	if o.Location != nil {
		got["location"] = cleanText(*o.Location)
	} else if o.URI != "" || want["uri"] != nil {
		got["uri"], got["query"], got["filename"] = cleanText(o.URI), cleanText(o.Query), cleanText(o.Filename)
	}
	if o.Closed {
		got["closed"] = true
	}
	if o.File != "" && o.Status == 200 && c.Requests[j].Method != "HEAD" {
		got["file"] = strings.TrimPrefix(path.Clean(strings.TrimPrefix(o.File, root)), "/")
	}
	if o.Body != nil && *o.Body != "" {
		got["body"] = cleanText(*o.Body)
	}
	if w := c.Requests[j].Want; len(w) > 0 {
		h := map[string]any{}
		for _, name := range w {
			list := []any{}
			for _, f := range o.Header {
				if strings.EqualFold(f[0], name) {
					list = append(list, cleanText(f[1]))
				}
			}
			if strings.EqualFold(name, "Location") && o.Location != nil {
				list = append([]any{cleanText(*o.Location)}, list...)
			}
			h[name] = list
		}
		got["headers"] = h
	}
	var diffs []string
	for _, k := range []string{"status", "location", "uri", "query", "filename", "file", "body", "closed", "headers"} {
		if k == "body" && (o.Status >= 300 && o.Body == nil) {
			continue
		}
		if !reflect.DeepEqual(want[k], got[k]) {
			w, _ := json.Marshal(want[k])
			g, _ := json.Marshal(got[k])
			diffs = append(diffs, fmt.Sprintf("%s: want %s got %s", k, w, g))
		}
	}
	if via, ok := want["via"]; ok {
		g := []any{}
		for _, v := range o.Via {
			g = append(g, v)
		}
		if !reflect.DeepEqual(via, g) {
			w, _ := json.Marshal(via)
			gj, _ := json.Marshal(g)
			diffs = append(diffs, fmt.Sprintf("via: want %s got %s", w, gj))
		}
	}
	return strings.Join(diffs, "\n\t")
}
