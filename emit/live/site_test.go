package live

import (
	"encoding/json"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/emit/nginx"
	"rewright/parser"
	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// site is one configuration with its document root and the requests it is asked.
type site struct {
	name     string
	config   map[string]string // ".htaccess", "sub/.htaccess" below the document root; "vhost": the inside of a <VirtualHost>
	files    []string          // as the recorded cases write them
	requests []sim.Request
	expect   []answer // Apache's

	dir    string // set by place
	result *emit.Result
	port   int // of the nginx that serves it
}

// answer is what is compared.
type answer struct {
	Status   int
	Location string // empty: none
	Passed   string // address that it was passed on to; empty: none
	Path     string // file that was looked for, below the document root; empty: not known
}

func (s *site) docroot() string { return filepath.Join(s.dir, "docroot") }

// place writes the site's files.
func (s *site) place(dir string) error {
	s.dir = dir
	if err := os.MkdirAll(s.docroot(), 0o755); err != nil {
		return err
	}
	for _, f := range s.files {
		name, target, link := strings.Cut(f, " -> ")
		full := filepath.Join(s.docroot(), strings.TrimSuffix(name, "*"))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		var err error
		if link {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte("file:"+name+"\n"), 0o644)
		}
		if err != nil {
			return err
		}
	}
	for name, text := range s.config {
		if path.Base(name) != ".htaccess" {
			continue
		}
		full := filepath.Join(s.docroot(), name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(s.fill(text)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) fill(text string) string {
	return strings.NewReplacer("@DOCROOT@", s.docroot(), "@CASE@", s.dir, "@DIR@", s.dir).Replace(text)
}

// program reads the configuration as the command does; refused says why the server would not take it.
func (s *site) program() (p *ir.Program, refused string) {
	read := func(c ir.Context, name, text string) *apache.Config {
		env := apache.Env{Context: c, Exists: func(name string) bool { _, err := os.Stat(name); return err == nil }}
		return apache.Read(apache.Parse(source.NewFile(name, []byte(s.fill(text)))), env)
	}
	var names []string
	for name := range s.config {
		names = append(names, name)
	}
	sort.Strings(names)
	var scopes []*ir.Scope
	for _, name := range names {
		if path.Base(name) != ".htaccess" {
			continue
		}
		scope := apache.LowerHtaccess(read(ir.ContextHtaccess, name, s.config[name]), path.Dir(path.Join(s.docroot(), name)))
		if scope.Refusal != nil {
			refused = scope.Refusal.Message
		}
		scopes = append(scopes, scope)
	}
	vhost, ok := s.config["vhost"]
	if !ok {
		return apache.NewHtaccessProgram(scopes...), refused
	}
	p = apache.Lower(read(ir.ContextVhost, "vhost.conf", vhost))
	p.Htaccess = scopes
	for _, d := range p.Diagnostics {
		if d.Refuses {
			refused = d.Message
		}
	}
	return p, refused
}

// convert makes the nginx configuration.
func (s *site) convert() error {
	p, _ := s.program()
	r, err := nginx.Target{}.Convert(p, emit.Options{World: &sim.World{DocumentRoot: s.docroot(), Files: parser.OSFiles{Known: []string{s.dir}}}})
	s.result = r
	return err
}

func (s *site) text(name string) string {
	for _, f := range s.result.Files {
		if f.Name == name {
			return string(f.Text)
		}
	}
	return ""
}

// allExact tells whether nothing in the report warns of differences.
func (s *site) allExact() bool {
	exact, _, _ := s.result.Count()
	return exact == len(s.result.Notes)
}

// families are the recorded cases that concern a translation.
var families = []string{"idioms", "alias", "query", "escaping", "conds", "flags", "rewrite-perdir", "rewrite-server"}

// latin1 turns characters into the bytes that the recordings mean by them.
func latin1(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// recorded reads the cases that expect answers and that can be played by one host.
func recorded(t *testing.T) (out []*site) {
	for _, family := range families {
		data, err := os.ReadFile(filepath.Join("../../testdata/sim/apache", family+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			ID       string
			Config   map[string]string
			Files    []string
			Modules  []string
			Requests []struct {
				Method, Scheme, Target, Version, Body string
				Host                                  json.RawMessage
				Port                                  int
				Headers                               json.RawMessage
			}
			Expect []struct {
				Status   int
				Location *string
				File     *string
				PathInfo string `json:"path_info"`
			}
		}
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if len(c.Expect) != len(c.Requests) || len(c.Requests) == 0 {
				continue
			}
			s := &site{name: family + "/" + c.ID, config: map[string]string{}, files: c.Files}
			for name, text := range c.Config {
				s.config[name] = text // the files were written in UTF-8
			}
			for i, r := range c.Requests {
				q := sim.Request{Method: r.Method, Scheme: r.Scheme, Target: latin1(r.Target), Body: r.Body, Version: strings.TrimPrefix(r.Version, "HTTP/"), Host: "example.test", Port: r.Port}
				switch {
				case string(r.Host) == "null":
					q.Host, q.NoHost = "", true
				case r.Host != nil:
					if err := json.Unmarshal(r.Host, &q.Host); err != nil {
						t.Fatal(err)
					}
				}
				var pairs [][2]string
				if json.Unmarshal(r.Headers, &pairs) != nil {
					var object map[string]string
					json.Unmarshal(r.Headers, &object)
					for k, v := range object {
						pairs = append(pairs, [2]string{k, latin1(v)})
					}
					sort.Slice(pairs, func(i, j int) bool { return pairs[i][0] < pairs[j][0] })
				}
				q.Header = pairs
				e := c.Expect[i]
				a := answer{Status: e.Status}
				if e.Location != nil {
					a.Location = latin1(*e.Location)
				}
				if e.File != nil {
					a.Path = latin1(*e.File + e.PathInfo)
				}
				s.requests = append(s.requests, q)
				s.expect = append(s.expect, a)
			}
			out = append(out, s)
		}
	}
	return out
}

// alike tells whether nginx answers as Apache did: status, Location and, where something was looked for in the
// document root, the path of it.
func alike(want, got answer) bool {
	if to, ok := strings.CutPrefix(want.Path, "proxy:"); ok && want.Status == 503 && got.Status == 502 && got.Passed != "" {
		// nobody listens at the other server: httpd says so with 503, nginx with 502
		to, _ = url.PathUnescape(to)
		return to == got.Passed
	}
	// RFC 3986 §6.2.2.1: the case of the digits in an escape means nothing
	if want.Status != got.Status || lowerEscapes(want.Location) != lowerEscapes(got.Location) {
		return false
	}
	if want.Status == 404 && strings.HasPrefix(want.Path, "redirect:") {
		return true // RedirectMatch answered while mod_rewrite was sending it elsewhere: no file was looked for
	}
	if want.Location == "" && (want.Status == 200 || want.Status == 404) && want.Path != "" && got.Path != "" {
		return path.Clean(want.Path) == path.Clean(got.Path)
	}
	return true
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

func lowerEscapes(s string) string { return escape.ReplaceAllStringFunc(s, strings.ToLower) }
