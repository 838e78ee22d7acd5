package apache

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// inForce writes what is in force: directives as name(args)@line, sections with their bodies in brackets.
func inForce(nodes []ConfigNode) string {
	var out []string
	for _, n := range nodes {
		switch n := n.(type) {
		case *ConfigDirective:
			out = append(out, fmt.Sprintf("%s@%d", call(n.Directive), n.File.Line(n.Line.Start)))
		case *ConfigSection:
			out = append(out, fmt.Sprintf("<%s@%d[%s]", call(&n.Head), n.File.Line(n.Head.Line.Start), inForce(n.Body)))
		}
	}
	return strings.Join(out, " ")
}

func TestRead(t *testing.T) {
	env := Env{Context: ir.ContextServer, Defines: map[string]string{"HOST": "a b", "FLAG": ""}, Environ: map[string]string{"E": "env"}}
	for _, c := range []struct{ name, in, want string }{
		{"true section", "<IfModule mod_alias.c>\nSetEnv a\n</IfModule>\n", "SetEnv(a)@2"},
		{"false section", "<IfModule mod_foo.c>\nFoo\n</IfModule>\nSetEnv a\n", "SetEnv(a)@4"},
		{"negated", "<IfModule !mod_foo.c>\nSetEnv a\n</IfModule>\n", "SetEnv(a)@2"},
		{"identifier", "<IfModule rewrite_module>\nSetEnv a\n</IfModule>\n", "SetEnv(a)@2"},
		{"name alone is no module", "<IfModule mod_rewrite>\nFoo\n</IfModule>\n", ""},
		{"nested in a false one", "<IfDefine X>\n<IfDefine HOST>\nFoo\n</IfDefine>\nBar\n</IfDefine>\n", ""},
		{"version", "<IfVersion >= 2.4>\nSetEnv a\n</IfVersion>\n<IfVersion < 2.4>\nFoo\n</IfVersion>", "SetEnv(a)@2"},
		{"defined without a value", "<IfDefine FLAG>\nSetEnv a ${FLAG}\n</IfDefine>\n", "SetEnv(a,${FLAG})@2"},
		{"variable is put in before splitting", "SetEnv ${HOST}\n", "SetEnv(a,b)@1"},
		{"variable in quotes", "SetEnv x \"${HOST}\"\n", "SetEnv(x,a b)@1"},
		{"process environment", "SetEnv x ${E}\n", "SetEnv(x,env)@1"},
		{"map syntax stays", "RewriteRule a ${m:$1} \n", "RewriteRule(a,${m:$1})@1"},
		{"define, then use", "Define N v\nSetEnv a ${N}\nUnDefine N\nSetEnv a ${N}\n", "Define(N,v)@1 SetEnv(a,v)@2 UnDefine(N)@3 SetEnv(a,${N})@4"},
		{"variable is the name", "Define N SetEnv\n${N} a\n", "Define(N,SetEnv)@1 SetEnv(a)@2"},
		{"macro", "<Macro m $x>\nSetEnv $x \"$x\"\n</Macro>\nUse m 1\nUse m '2 3'\n", "SetEnv(1,1)@4 SetEnv(2,3,2 3)@5"},
		{"longest parameter wins", "<Macro m $x $xy>\nSetEnv $xy $x\n</Macro>\nUse m 1 2\n", "SetEnv(2,1)@4"},
		{"macro opens what the file closes", "<Macro m>\n<Files a>\n</Macro>\nUse m\nSetEnv a\n</Files>\n", "<Files(a)@4[SetEnv(a)@5]"},
		{"sections stay", "<Directory /x>\n<IfModule mod_alias.c>\nSetEnv a\n</IfModule>\n</Directory>\n", "<Directory(/x)@1[SetEnv(a)@3]"},
		{"canonical names", "setenv a\n<DIRECTORY /x>\n</directory>\n", "SetEnv(a)@1 <Directory(/x)@2[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Read(Parse(source.NewFile("f", []byte(c.in))), env)
			if diff := cmp.Diff(c.want, inForce(cfg.Nodes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVariableSpans: words that a variable took part in lie where the text was expanded.
func TestVariableSpans(t *testing.T) {
	text := "SetEnv a${A}b  ${A}\\\n c ${B}"
	f := source.NewFile("f", []byte(text))
	cfg := Read(Parse(f), Env{Context: ir.ContextHtaccess, Defines: map[string]string{"A": "x y", "B": "z"}})
	d := cfg.Nodes[0].(*ConfigDirective)
	var got []string
	for _, a := range d.Args {
		got = append(got, a.Text+" = "+f.Slice(a.Span))
	}
	want := []string{"ax = a${A}", "yb = ${A}b", "x = ${A}", "y = ${A}", "c = c", "z = ${B}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInclude(t *testing.T) {
	files := map[string]string{"a.conf": "SetEnv a\n", "d/1.conf": "SetEnv one\n", "d/2.conf": "SetEnv two\n", "open.conf": "<Files x>\n",
		"loop.conf": "SetEnv l\nInclude loop.conf\n", "define.conf": "Define X y\n"}
	env := Env{Context: ir.ContextServer}
	env.Open = func(name string) (*source.File, error) {
		if text, ok := files[name]; ok {
			return source.NewFile(name, []byte(text)), nil
		}
		if strings.HasPrefix(name, "/outside/") {
			return nil, fmt.Errorf("%s lies outside", name)
		}
		return nil, fs.ErrNotExist
	}
	env.Glob = func(pattern string) ([]string, error) {
		var out []string
		for name := range files {
			if ok, _ := path.Match(pattern, name); ok || strings.HasPrefix(name, pattern+"/") {
				out = append(out, name)
			}
		}
		slices.Sort(out)
		return out, nil
	}
	for _, c := range []struct{ name, in, want, refusal string }{
		{"file", "Include a.conf\nSetEnv z\n", "SetEnv(a)@1 SetEnv(z)@2", ""},
		{"wildcard", "Include d/*.conf\n", "SetEnv(one)@1 SetEnv(two)@1", ""},
		{"folder", "Include d\n", "SetEnv(one)@1 SetEnv(two)@1", ""},
		{"within a section", "<Files x>\nInclude a.conf\n</Files>\n", "<Files(x)@1[SetEnv(a)@1]", ""},
		{"defines stay", "Include define.conf\nSetEnv ${X}\n", "Define(X,y)@1 SetEnv(y)@2", ""},
		{"missing", "Include no.conf\n", "", "Could not open configuration file no.conf: No such file or directory"},
		{"missing, optional", "IncludeOptional no.conf\nIncludeOptional no/*.conf\n", "", ""},
		{"no match", "Include no/*.conf\n", "", "Include/IncludeOptional: No matches for the wildcard '*.conf' in 'no', failing"},
		{"not to be read from here", "Include /outside/x\n", "Include(/outside/x)@1", ""},
		{"itself", "Include loop.conf\n", "SetEnv(l)@1", "Exceeded maximum include depth of 50, There appears to be a recursion."},
		{"section that a file leaves open", "Include open.conf\n</Files>\n", "<Files(x)@1[]", "open.conf:1: <Files> was not closed."},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Read(Parse(source.NewFile("f", []byte(c.in))), env)
			if diff := cmp.Diff(c.want, inForce(cfg.Nodes)); diff != "" {
				t.Error(diff)
			}
			got := ""
			if d := firstRefusal(cfg); d != nil {
				got = d.ServerMessage
			}
			if got != c.refusal {
				t.Errorf("refused with %q, want %q", got, c.refusal)
			}
		})
	}
}

// TestRefusals holds the name and the tight place of refusals; their words are TestServerLines' business.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, in, want, at string }{
		{"unknown directive", "RewriteEngin On", "RD001 unknown-directive", "RewriteEngin"},
		{"byte order mark", "\ufeffRewriteEngine On", "RD015 invisible-character", "\ufeffRewriteEngine"},
		{"flag", "RewriteRule a b [L,QAS]", "RD002 unknown-flag", "QAS"},
		{"blank in flags", "RewriteRule a b [R=301, L]", "RD003 space-in-flags", "[R=301, L]"},
		{"brackets", "RewriteRule a b R=301", "RD005 bad-flag-brackets", "R=301"},
		{"comment behind a rule", "RewriteRule a b # c", "RD006 text-after-flags", "#"},
		{"comment behind a redirect", "Redirect /a /b #", "RD006 text-after-flags", "#"},
		{"status word", "Redirect moved /a /b", "RD009 unknown-status-word", "moved"},
		{"arguments", "RewriteRule ^a$", "RD026 wrong-argument-count", "RewriteRule ^a$"},
		{"section", "<Files a>\n", "RD023 unclosed-section", "<Files a>"},
		{"place", "DocumentRoot /x", "RD106 directive-not-allowed-here", "DocumentRoot"},
		{"redirect with no such status", "Redirect 404 /a /b", "RD304 not-a-redirect-status", "/b"},
		{"status", "RewriteRule a b [R=399]", "RD305 no-such-status", "R=399"},
		{"document for no status", "ErrorDocument 599 /x", "RD305 no-such-status", "599"},
		{"no target", "Redirect permanent", "RD306 redirect-without-target", "Redirect permanent"},
		{"regex", "RewriteRule ^(a b", "RD514 invalid-regex", "^(a"},
		{"anything else", "RewriteBase x", "RD029 refused-argument", "x"},
		{"value of a flag directive", "RewriteEngine Yes", "RD029 refused-argument", "Yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := source.NewFile(".htaccess", []byte(c.in))
			d := firstRefusal(Read(Parse(f), Env{Context: ir.ContextHtaccess}))
			if d == nil {
				t.Fatal("not refused")
			}
			if got := d.Code + " " + d.Name; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := f.Slice(d.Span); got != c.at {
				t.Errorf("at %q, want %q", got, c.at)
			}
		})
	}
}

func TestLineLimit(t *testing.T) {
	for _, c := range []struct {
		name, in string
		long     bool
	}{
		{"8191 bytes", "#" + strings.Repeat("a", 8190) + "\n", false},
		{"8192 bytes", "#" + strings.Repeat("a", 8191) + "\n", true},
		{"8192 bytes at the end", "#" + strings.Repeat("a", 8191), false},
		{"8193 bytes at the end", "#" + strings.Repeat("a", 8192), true},
		{"continued", "#" + strings.Repeat(strings.Repeat("a", 1000)+"\\\n", 9) + "\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := firstRefusal(Read(Parse(source.NewFile("f", []byte(c.in))), Env{Context: ir.ContextHtaccess}))
			if (d != nil) != c.long {
				t.Errorf("refused: %v, want %v", d != nil, c.long)
			}
			if d := firstRefusal(Read(Parse(source.NewFile("f", []byte(c.in))), Env{Context: ir.ContextServer})); d != nil {
				t.Errorf("server configuration: %s", d.ServerMessage)
			}
		})
	}
}
