package apache

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// simCase is a recorded case of testdata/sim/apache, as far as reading is concerned.
type simCase struct {
	ID        string            `json:"id"`
	Context   string            `json:"context"`
	Config    map[string]string `json:"config"`
	Files     []string          `json:"files"`
	Modules   []string          `json:"modules"`
	Error     string            `json:"expect_error"`
	ErrorLine int               `json:"expect_error_line"`
	Expect    []struct {
		Status int    `json:"status"`
		Error  string `json:"error"`
	} `json:"expect"`
}

func simCases(t testing.TB) []simCase {
	t.Helper()
	names, err := filepath.Glob("../../testdata/sim/apache/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	var all []simCase
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var list []simCase
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		all = append(all, list...)
	}
	return all
}

// simModules are the modules the cases were recorded with.
const simModules = `core mpm_event so watchdog log_config logio version unixd http authz_core authz_host access_compat alias autoindex
	dir env headers mime negotiation rewrite setenvif socache_shmcb ssl`

const simDocroot = "@DOCROOT@"

// env is the world of the case.
func (c *simCase) env(context ir.Context) Env {
	loaded := map[string]bool{}
	for _, m := range append(strings.Fields(simModules), c.Modules...) {
		loaded[moduleFile(m+"_module")] = true
	}
	e := Env{Context: context, HasModule: func(name string) bool { return loaded[moduleFile(name)] },
		Environ: map[string]string{"ORACLE_ENV": "from-environment"}, Version: "2.4.71"}
	e.Open = func(name string) (*source.File, error) {
		if rest, ok := strings.CutPrefix(name, simDocroot+"/"); ok {
			if text, ok := c.Config[rest]; ok {
				return source.NewFile(name, []byte(text)), nil
			}
			for _, f := range c.Files {
				if strings.TrimSuffix(f, "/") == rest {
					return source.NewFile(name, nil), nil
				}
			}
		}
		return nil, os.ErrNotExist
	}
	e.Exists = func(name string) bool {
		if _, err := e.Open(name); err == nil {
			return true
		}
		return name == simDocroot || name == simDocroot+"/" || name == "/etc" || name == "/etc/passwd" || name == "/tmp"
	}
	e.Glob = func(pattern string) ([]string, error) {
		var out []string
		for name := range c.Config {
			full := simDocroot + "/" + name
			if ok, _ := path.Match(pattern, full); ok {
				out = append(out, full)
			}
		}
		return out, nil
	}
	return e
}

// firstRefusal is what httpd would report.
func firstRefusal(cfg *Config) *diag.Diagnostic {
	for i := range cfg.Diagnostics {
		if cfg.Diagnostics[i].Refuses {
			return &cfg.Diagnostics[i]
		}
	}
	return nil
}

// serverParts reads the server configuration of a case: main, then the virtual hosts. defines are what it leaves
// for .htaccess files; overrides is what its <Directory> sections say, by directory.
func (c *simCase) serverParts() (first *diag.Diagnostic, defines map[string]string, overrides map[string]*AllowOverride) {
	defines, overrides = map[string]string{}, map[string]*AllowOverride{}
	for _, name := range []string{"main", "vhost", "vhost-ssl"} {
		text, ok := c.Config[name]
		if !ok {
			continue
		}
		env := c.env(ir.ContextVhost)
		if name == "main" {
			env.Context = ir.ContextServer
		}
		env.Defines = defines
		cfg := Read(Parse(source.NewFile("@CASE@/"+name+".conf", []byte(text))), env)
		if d := firstRefusal(cfg); d != nil && first == nil {
			first = d
		}
		for _, n := range cfg.Nodes {
			switch n := n.(type) {
			case *ConfigDirective:
				if n.Known != nil && n.Known.Name == "Define" {
					defines[n.Args[0].Text] = ""
					if len(n.Args) > 1 {
						defines[n.Args[0].Text] = n.Args[1].Text
					}
				}
			case *ConfigSection:
				if len(n.Head.Args) > 0 {
					dir := strings.TrimSuffix(n.Head.Args[0].Text, "/")
					overrides[dir] = c.override(n, overrides[dir])
				}
			}
		}
	}
	return first, defines, overrides
}

func (c *simCase) override(s *ConfigSection, o *AllowOverride) *AllowOverride {
	for _, n := range s.Body {
		d, ok := n.(*ConfigDirective)
		switch {
		case !ok:
		case d.Name.Text == "AllowOverride":
			o = ParseAllowOverride(d.Args, o)
		case d.Name.Text == "AllowOverrideList":
			if o == nil {
				o = &AllowOverride{Classes: All}
			}
			for _, a := range d.Args {
				if !strings.EqualFold(a.Text, "none") {
					o.Names = append(o.Names, a.Text)
				}
			}
		}
	}
	return o
}

// TestRecordedRefusals holds what reading refuses against what httpd refused.
func TestRecordedRefusals(t *testing.T) {
	refused, wrong := 0, 0
	for _, c := range simCases(t) {
		t.Run(c.ID, func(t *testing.T) {
			fail := func(format string, args ...any) {
				wrong++
				t.Errorf(format, args...)
			}
			first, defines, overrides := c.serverParts()
			if c.Error != "" {
				refused++
			}
			if c.Context == "vhost" && c.Error != "" {
				switch {
				case first == nil:
					fail("httpd says %q, reading takes it", c.Error)
				case first.ServerMessage != c.Error:
					fail("httpd says %q, reading says %q", c.Error, first.ServerMessage)
				case c.ErrorLine != 0 && first.File.Line(first.Span.Start) != c.ErrorLine:
					fail("httpd names line %d, reading line %d", c.ErrorLine, first.File.Line(first.Span.Start))
				}
				return
			}
			if first != nil {
				fail("httpd takes the server configuration, reading says %q", first.ServerMessage)
			}
			want, got := map[string]bool{}, map[string]bool{}
			if c.Error != "" {
				want[c.Error] = true
			}
			for _, e := range c.Expect {
				if e.Error != "" {
					want[e.Error] = true
				}
			}
			for name, text := range c.Config {
				var override *AllowOverride
				for dir := path.Dir(simDocroot + "/" + name); override == nil && dir != "."; dir = path.Dir(dir) {
					override = overrides[dir]
				}
				if path.Base(name) != ".htaccess" || override != nil && override.Classes == 0 && len(override.Names) == 0 {
					continue // httpd does not even look for the file
				}
				env := c.env(ir.ContextHtaccess)
				env.Defines, env.Override = defines, override
				cfg := Read(Parse(source.NewFile(simDocroot+"/"+name, []byte(text))), env)
				if d := firstRefusal(cfg); d != nil {
					got[d.ServerMessage] = true
				}
			}
			for m := range want {
				if !got[m] {
					fail("httpd says %q, reading says %q", m, sorted(got))
				}
			}
			for m := range got {
				if !want[m] {
					fail("httpd says %q, reading says %q", sorted(want), m)
				}
			}
		})
	}
	t.Logf("%d refusals, %d differences", refused, wrong)
}

func sorted(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
