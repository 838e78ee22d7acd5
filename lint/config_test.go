package lint_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

const wholeConfig = `# all keys
hosts: [example.com, "*.example.com"]
docroot: public
document-tree: complete
apache: 2.4.40
nginx: 1.20
profile: identifiers
modules: [headers-more, mod_pagespeed]
no-modules:
  - mod_expires
max-hops: 2
thresholds:
  space-in-flags: 7
select: [RD0]
ignore: RD015
severity:
  RD003: info
  RD0: warning
exclude: ["old/", "*.bak.conf"]
paths:
  - files: "shop/**"
    hosts: [shop.example]
    ignore: [RD004]
    severity: {RD003: style}
  - files: ["*.conf"]
    docroot: /srv/www
    max-hops: 5
`

func TestConfig(t *testing.T) {
	fsys := fstest.MapFS{"repo/site/.rewright.yaml": {Data: []byte(wholeConfig)}}
	name := lint.FindConfig(fsys, "repo/site/a/b")
	c, err := lint.ReadConfig(fsys, name, name, rules.All())
	if err != nil {
		t.Fatal(err)
	}
	base := lint.Settings{Hosts: []string{"example.com", "*.example.com"}, Docroot: "/repo/site/public", Apache: "2.4.40", Nginx: "1.20",
		Profile: "identifiers", Modules: []string{"headers-more", "mod_pagespeed"}, NoModules: []string{"mod_expires"}, FilesComplete: true,
		MaxHops: 2, Thresholds: map[string]int{"space-in-flags": 7}, Choice: lint.Choice{Select: []string{"RD0"}, Ignore: []string{"RD015"},
			Severity: map[string]diag.Severity{"RD003": diag.Info, "RD0": diag.Warning}}}
	if diff := cmp.Diff(&base, c.For("repo/site/a/.htaccess")); diff != "" {
		t.Error(diff)
	}
	shop := base
	shop.Hosts = []string{"shop.example"}
	shop.Choice.Ignore = []string{"RD015", "RD004"}
	shop.Choice.Severity = map[string]diag.Severity{"RD003": diag.Style, "RD0": diag.Warning}
	if diff := cmp.Diff(&shop, c.For("repo/site/shop/x/.htaccess")); diff != "" {
		t.Error(diff)
	}
	both := c.For("repo/site/shop/x/a.conf")
	if both.Docroot != "/srv/www" || both.MaxHops != 5 || both.Hosts[0] != "shop.example" {
		t.Errorf("both entries fit: %+v", both)
	}
	if c.For("repo/site/shop/a.conf") != both || c.For("repo/site/b") == both {
		t.Error("what holds for the same entries is one value, and no other")
	}
	for name, want := range map[string]bool{"repo/site/old/x/.htaccess": true, "repo/site/a/x.bak.conf": true, "repo/site/older/.htaccess": false, "repo/old/x": false} {
		if c.Excludes(name) != want {
			t.Errorf("%s excluded: %v", name, !want)
		}
	}
}

func TestFindConfig(t *testing.T) {
	fsys := fstest.MapFS{"a/.rewright.yaml": {}, "a/b/c/.rewright.yaml": {}, "a/b/d/.rewright.yaml/x": {}, ".rewright.yaml": {}}
	for dir, want := range map[string]string{"a/b": "a/.rewright.yaml", "a/b/c": "a/b/c/.rewright.yaml", "a/b/d": "a/.rewright.yaml", "x": ".rewright.yaml", ".": ".rewright.yaml"} {
		if got := lint.FindConfig(fsys, dir); got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
	if got := lint.FindConfig(fstest.MapFS{}, "a/b"); got != "" {
		t.Errorf("found %q in nothing", got)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "hosts: [a.example]\nignroe: [RD302]\n", `f:2:1: there is no key "ignroe"; did you mean "ignore"?`},
		{"unknown key in paths", "paths:\n  - files: x\n    exclude: y\n", `f:3:5: there is no key "exclude"`},
		{"not YAML", "hosts: [a\n", "f:1:"},
		{"a tab", "hosts:\n\t- a.example\n", "f:2:"},
		{"a list", "- a\n", "f:1:"},
		{"no such rule", "select:\n  - RD0\n  - RD77\n", `f:3:5: no rule is called "RD77"`},
		{"no such severity", "severity:\n  RD003: fatal\n", `f:2:10: a severity is error, warning, info or style, not "fatal"`},
		{"off is no severity", "severity: {RD003: off}\n", `f:1:19: a severity is`},
		{"no such profile", "profile: shop\n", `f:1:10: there is no profile "shop"`},
		{"version", "apache: two\n", `f:1:9: a version is written as 2.4.62, not "two"`},
		{"host with scheme", "hosts: [\"https://a.example\"]\n", `f:1:9: "https://a.example" is no host name`},
		{"host", "hosts: [\"a b\"]\n", `f:1:9: "a b" is no host name`},
		{"server", "server: iis\n", `f:1:9: server wants apache or nginx, not "iis"`},
		{"context", "context: block\n", `f:1:10: context wants `},
		{"number", "max-hops: many\n", `f:1:11: this wants a number from 1, not "many"`},
		{"zero hops", "max-hops: 0\n", `f:1:11: this wants a number from 1`},
		{"pattern", "exclude: [\"a[\"]\n", `f:1:11: "a[" is no pattern`},
		{"outside", "paths:\n  - files: ../x/**\n", "f:2:12: \"../x/**\" leads out"},
		{"no files", "paths:\n  - hosts: [a.example]\n", "f:2:5: an entry of paths wants files"},
		{"list for one value", "docroot: [a, b]\n", "f:1:10: this wants one value"},
		{"map for a list", "hosts: {a: b}\n", "f:1:8: this wants one value"},
		{"twice", "profile: identifiers\nprofile: identifiers\n", "f:2:1:"},
		{"two documents", "hosts: [a.example]\n---\nhosts: [b.example]\n", "f:3:"},
		{"alias", "hosts: &a [a.example]\nselect: *a\n", "f:1:8: anchors and aliases are not read here"},
		{"deep", strings.Repeat("[", 100_000), "f:1:1: nested more than 50 deep"},
		{"deep by indent", strings.Repeat("- ", 50_000), "f:1:1: nested"},
		{"large", strings.Repeat("#", 300<<10), "f: more than 256 KB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := lint.ParseConfig("f", []byte(c.text), rules.All())
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			var own *lint.ConfigError
			if !errors.As(err, &own) {
				t.Errorf("%T is no ConfigError", err)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "hosts:\n", "\xef\xbb\xbfhosts: [a.example]\n", "hosts: [localhost, intranet, .example.com]\r\n"} {
		if _, err := lint.ParseConfig("f", []byte(text), rules.All()); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := lint.ReadConfig(fstest.MapFS{".rewright.yaml": {Mode: fs.ModeNamedPipe}}, ".rewright.yaml", "f", nil); err == nil {
		t.Error("a named pipe is read")
	}
}

func TestSettingsApply(t *testing.T) {
	s := lint.Settings{Docroot: "/w", Apache: "2.4.1", Nginx: "1.9", Modules: []string{"headers-more", "foo_*", "mod_pagespeed"}, NoModules: []string{"expires"}}
	in := lint.Input{Server: ir.Nginx}
	s.Apply(&in, rules.ThirdParty)
	for d, want := range map[string]bool{"more_set_headers": true, "foo_bar": true, "lua_code_cache": false, "foo": false} {
		if in.Modules(d) != want {
			t.Errorf("nginx %s: %v", d, !want)
		}
	}
	if in.Version != "1.9" || in.Docroot != "/w" || in.HasModule != nil {
		t.Errorf("%+v", in)
	}
	in = lint.Input{Server: ir.Apache, Context: ir.ContextHtaccess, Dir: "/x"}
	s.Apply(&in, rules.ThirdParty)
	if in.Version != "2.4.1" || in.Docroot != "" {
		t.Errorf("a folder outside of the document root: %+v", in)
	}
	if !in.Modules("ModPagespeed") || in.Modules("php_value") {
		t.Error("mod_pagespeed brings ModPagespeed and nothing else")
	}
	for m, want := range map[string]bool{"mod_rewrite.c": true, "mod_expires.c": false, "expires_module": false, "mod_pagespeed.c": true, "pagespeed_module": true, "mod_php.c": false} {
		if in.HasModule(m) != want {
			t.Errorf("module %s: %v", m, !want)
		}
	}
}

// TestModuleAccepted: what a module that is there brings is no unknown directive.
func TestModuleAccepted(t *testing.T) {
	for _, c := range []struct {
		module string
		in     lint.Input
	}{
		{"mod_pagespeed", htaccess("f", "ModPagespeed on\n")},
		{"headers-more", nginxServer("f", "more_set_headers 'a: b';\n")},
	} {
		for _, with := range []bool{false, true} {
			in := c.in
			if with {
				(&lint.Settings{Modules: []string{c.module}}).Apply(&in, rules.ThirdParty)
			}
			list, err := lint.Check(lint.Options{Rules: rules.All()}, lint.Load(in))
			if err != nil {
				t.Fatal(err)
			}
			said := false
			for _, d := range list {
				said = said || d.Code == "RD001"
			}
			if said == with {
				t.Errorf("%s there: %v, findings: %s", c.module, with, codes(list))
			}
		}
	}
}

// TestChoice: inputs of one run may have their own selection, and a name beats the beginning of a code.
func TestChoice(t *testing.T) {
	a, b := htaccess("a", twoFaults), htaccess("b", twoFaults)
	b.Choice = &lint.Choice{Ignore: []string{"RD3"}, Severity: map[string]diag.Severity{"RD0": diag.Info, "RD004": diag.Style, "all": diag.Error}}
	r, err := lint.Run(t.Context(), lint.Options{Rules: rules.All()}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(r.Findings); got != "a:2 RD004, a:3 RD306, b:2 RD004" || r.Findings[2].Severity != diag.Style {
		t.Errorf("%s, %v", got, r.Findings[2].Severity)
	}
	b.Choice = &lint.Choice{Select: []string{"RD77"}}
	if _, err := lint.Run(t.Context(), lint.Options{Rules: rules.All()}, a, b); err == nil {
		t.Error("no error for a choice that names no rule")
	}
}

// FuzzParseConfig: any text is settings or one error of ours, soon.
func FuzzParseConfig(f *testing.F) {
	f.Add(wholeConfig)
	f.Add("hosts: {a: [}")
	f.Add("? - a\n: - b\n")
	f.Add("a: |\n  b\n c: !!binary x\n<<: *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := lint.ParseConfig("f", []byte(text), rules.All())
		var own *lint.ConfigError
		if err != nil && (!errors.As(err, &own) || strings.ContainsAny(err.Error(), "\n")) {
			t.Errorf("%T %q", err, err)
		}
		if (c == nil) == (err == nil) {
			t.Error("neither settings nor an error")
		}
		if c != nil {
			c.For("a/b/.htaccess")
			c.Excludes("a/b/.htaccess")
		}
	})
}
