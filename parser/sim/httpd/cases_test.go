package httpd_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	"rewright/parser/source"
)

// recorded is one configuration and what Apache 2.4.71 answered to its requests; the world of the recording stands
// in world below.
type recorded struct {
	ID       string            `json:"id"`
	Context  string            `json:"context"`
	Config   map[string]string `json:"config"`
	Files    []string          `json:"files"`
	Modules  []string          `json:"modules"`
	Show     []string          `json:"show"`
	Requests []recordedRequest `json:"requests"`
	Expect   []map[string]any  `json:"expect"`
	Refused  string            `json:"expect_error"`
}

type recordedRequest struct {
	Method, Scheme, Target, Version string
	Host                            *string
	hostGiven                       bool
	Headers                         map[string]string
	Show                            []string
}

func (r *recordedRequest) UnmarshalJSON(b []byte) error {
	type plain recordedRequest
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	_, given := m["host"]
	err := json.Unmarshal(b, (*plain)(r))
	r.hostGiven = given
	return err
}

const (
	docroot = "/tmp/oracle/case/docroot"
	caseDir = "/tmp/oracle/case"
)

var words = strings.NewReplacer("@DOCROOT@", docroot, "@CASE@", caseDir)

// modules are those of the recording server; a case may name more.
var modules = strings.Fields("mpm_event authz_core authz_host access_compat alias autoindex dir env headers mime negotiation rewrite setenvif socache_shmcb ssl core http so version log_config logio unixd watchdog")

// memory is a file system of declared names; links point to other names.
type memory struct {
	files map[string]sim.FileInfo
	links map[string]string
	text  map[string]string
}

func (m *memory) Stat(p string) (sim.FileInfo, bool) {
	p = path.Clean(p)
	for {
		for l, to := range m.links {
			if p == l || strings.HasPrefix(p, l+"/") {
				if !strings.HasPrefix(to, "/") {
					to = path.Join(path.Dir(l), to)
				}
				info := m.files[path.Clean(to+p[len(l):])]
				if p == l {
					info.Link = true
				}
				return info, true
			}
		}
		break
	}
	return m.files[p], true
}

func (m *memory) ReadFile(p string) ([]byte, error) {
	if t, ok := m.text[path.Clean(p)]; ok {
		return []byte(t), nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) add(p string, info sim.FileInfo) {
	p = path.Clean(p)
	m.files[p] = info
	for p != "/" {
		p = path.Dir(p)
		m.files[p] = sim.FileInfo{Kind: sim.Directory, Executable: true}
	}
}

func world(c *recorded) *sim.World {
	m := &memory{files: map[string]sim.FileInfo{}, links: map[string]string{}, text: map[string]string{}}
	for _, d := range []string{"/etc", "/usr/bin", "/tmp", "/root", "/var", "/home", "/bin", "/lib", "/dev", "/proc", "/opt", "/srv", docroot} {
		m.add(d, sim.FileInfo{Kind: sim.Directory, Executable: true})
	}
	m.add("/etc/passwd", sim.FileInfo{Kind: sim.Regular, Size: 1000})
	for _, f := range c.Files {
		name, to, link := strings.Cut(f, " -> ")
		p := path.Join(docroot, strings.TrimRight(name, "*"))
		switch {
		case link:
			m.add(path.Dir(p), sim.FileInfo{Kind: sim.Directory, Executable: true})
			m.links[p] = words.Replace(to)
		case strings.HasSuffix(f, "/"):
			m.add(p, sim.FileInfo{Kind: sim.Directory, Executable: true})
		default:
			m.add(p, sim.FileInfo{Kind: sim.Regular, Size: 10, Executable: strings.HasSuffix(f, "*")})
			m.text[p] = "file: " + f + "\n"
		}
	}
	for name, text := range c.Config {
		if name == "vhost" || name == "vhost-ssl" || name == "main" {
			m.add(caseDir+"/"+name+".conf", sim.FileInfo{Kind: sim.Regular, Size: 1})
			m.text[caseDir+"/"+name+".conf"] = words.Replace(text)
			continue
		}
		p := path.Join(docroot, name)
		m.add(p, sim.FileInfo{Kind: sim.Regular, Size: int64(len(words.Replace(text)))})
		m.text[p] = words.Replace(text)
	}
	return &sim.World{Files: m, DocumentRoot: docroot, ServerName: "example.test", Env: map[string]string{"ORACLE_ENV": "from-environment",
		"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}, HasModule: hasModule(c)}
}

func hasModule(c *recorded) func(string) bool {
	return func(name string) bool {
		name = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(name, "_module"), "mod_"), ".c")
		return slices.Contains(modules, name) || slices.Contains(c.Modules, name)
	}
}

// simulators makes the simulator of a case, one for http and one for https.
func simulators(t *testing.T, c *recorded) map[string]sim.Simulator {
	w := world(c)
	files := w.Files.(*memory)
	open := func(name string) (*source.File, error) {
		for _, p := range []string{name, path.Join("/tmp/oracle", name)} {
			if text, ok := files.text[path.Clean(p)]; ok {
				return source.NewFile(name, []byte(text)), nil
			}
		}
		return nil, fs.ErrNotExist
	}
	read := func(ctx ir.Context, name, text string, defines map[string]string) *apache.Config {
		return apache.Read(apache.Parse(source.NewFile(name, []byte(words.Replace(text)))),
			apache.Env{Context: ctx, HasModule: w.HasModule, Environ: w.Env, Defines: defines, Open: open,
				Exists: func(name string) bool { i, _ := files.Stat(name); return i.Kind != sim.NoFile }})
	}
	out := map[string]sim.Simulator{}
	defines := map[string]string{}
	for _, text := range []string{c.Config["main"], c.Config["vhost"]} {
		for _, line := range strings.Split(text, "\n") {
			if f := strings.Fields(line); len(f) > 1 && strings.EqualFold(f[0], "Define") {
				v := ""
				if len(f) > 2 {
					v = strings.Trim(words.Replace(f[2]), `"`)
				}
				defines[f[1]] = v
			}
		}
	}
	var scopes []*ir.Scope
	for name, text := range c.Config {
		if path.Base(name) == ".htaccess" {
			scopes = append(scopes, apache.LowerHtaccess(read(ir.ContextHtaccess, name, text, defines), path.Dir(path.Join(docroot, name))))
		}
	}
	for _, scheme := range []string{"http", "https"} {
		vhost := c.Config["vhost"]
		if s, ok := c.Config["vhost-ssl"]; ok && scheme == "https" {
			vhost = s
		}
		var p *ir.Program
		if vhost == "" && c.Config["main"] == "" {
			p = apache.NewHtaccessProgram(scopes...)
		} else {
			p = apache.Lower(read(ir.ContextVhost, "vhost", vhost, nil))
			if main := c.Config["main"]; main != "" {
				m := apache.Lower(read(ir.ContextServer, "main", main, nil))
				p.Root.Items = append(m.Root.Items, p.Root.Items...)
				for k, v := range m.Maps {
					p.Maps[k] = v
				}
			}
			p.Htaccess = scopes
		}
		s, err := httpd.New(p, w)
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			return nil
		}
		out[scheme] = s
	}
	return out
}

func bytesOf(s string) string {
	b := make([]byte, 0, len(s))
	for _, c := range s {
		if c < 256 {
			b = append(b, byte(c))
		} else {
			b = append(b, string(c)...)
		}
	}
	return string(b)
}

func textOf(s string) string {
	r := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		r[i] = rune(s[i])
	}
	return strings.NewReplacer(docroot, "@DOCROOT@", caseDir, "@CASE@").Replace(string(r))
}

func (r *recordedRequest) request() sim.Request {
	q := sim.Request{Method: r.Method, Scheme: r.Scheme, Host: "example.test", Target: bytesOf(r.Target), Version: strings.TrimPrefix(r.Version, "HTTP/")}
	if r.hostGiven {
		if r.Host == nil {
			q.NoHost, q.Host = true, ""
		} else {
			q.Host = bytesOf(*r.Host)
		}
	}
	for k, v := range r.Headers {
		q.Header = append(q.Header, [2]string{k, bytesOf(v)})
	}
	slices.SortFunc(q.Header, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return q
}

// differences names the requests that are not answered as recorded, each with the reason.
var differences = map[string]string{
	"pd-multiviews#0": "MultiViews: which files begin with the name is not asked of the world",
	"pd-multiviews#1": "MultiViews: which files begin with the name is not asked of the world",
	"sv-userdir#0":    "home directories of /~user are not part of the world",
	"sv-userdir#1":    "home directories of /~user are not part of the world",
}

func TestRecordedAnswers(t *testing.T) {
	files, _ := filepath.Glob("../../../testdata/sim/apache/*.json")
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
			if len(c.Expect) == 0 {
				continue
			}
			sims := simulators(t, c)
			for j := range c.Requests {
				total++
				key := c.ID + "#" + strconv.Itoa(j)
				seen[key] = true
				diff := "refused"
				if sims != nil {
					q := c.Requests[j].request()
					scheme := "http"
					if q.Scheme == "https" {
						scheme = "https"
					}
					o := sims[scheme].Answer(q, false)
					diff = compare(c, j, &o)
					if !o.Known {
						unknown++
						diff = "unknown: " + strings.Join(o.Unknown, "; ")
					}
				}
				reason, listed := differences[key]
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

func compare(c *recorded, j int, o *sim.Outcome) string {
	want := c.Expect[j]
	got := map[string]any{"status": float64(o.Status)}
	if o.Location != nil {
		got["location"] = textOf(*o.Location)
	} else if want["uri"] != nil {
		got["uri"], got["query"], got["file"] = textOf(o.URI), textOf(o.Query), textOf(o.File)
		if o.PathInfo != "" {
			got["path_info"] = textOf(o.PathInfo)
		}
	}
	show := append(append([]string{}, c.Requests[j].Show...), c.Show...)
	if len(show) > 0 {
		h := map[string]any{}
		for _, name := range show {
			list := []any{}
			for _, f := range o.Header {
				if strings.EqualFold(f[0], name) {
					list = append(list, textOf(f[1]))
				}
			}
			if strings.EqualFold(name, "Location") && o.Location != nil {
				list = []any{textOf(*o.Location)}
			}
			h[name] = list
		}
		got["headers"] = h
	}
	if o.PassedTo != "" && want["status"] == float64(503) {
		got["status"] = want["status"] // nothing listens where the recorder passed requests on to
	}
	var diffs []string
	for _, k := range []string{"status", "location", "uri", "query", "file", "path_info", "headers"} {
		if !reflect.DeepEqual(want[k], got[k]) {
			w, _ := json.Marshal(want[k])
			g, _ := json.Marshal(got[k])
			diffs = append(diffs, fmt.Sprintf("%s: want %s got %s", k, w, g))
		}
	}
	return strings.Join(diffs, "\n\t")
}
