package lint

import (
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// in is a .htaccess of a folder.
func in(dir, text string) Input {
	return Input{File: source.NewFile(dir+"/.htaccess", []byte(text)), Server: ir.Apache, Context: ir.ContextHtaccess, Dir: dir}
}

func load(inputs ...Input) []*Unit {
	var units []*Unit
	for _, i := range inputs {
		units = append(units, Load(i))
	}
	LinkSites(units)
	return units
}

func dirs(list []*Unit) string {
	var out []string
	for _, u := range list {
		out = append(out, u.Dir())
	}
	return strings.Join(out, " ")
}

func TestLinkSites(t *testing.T) {
	said := in("/w/public/x", "")
	said.Docroot = "/w/public"
	outside := in("/w/other", "")
	outside.Docroot = "/w/public"
	for _, c := range []struct {
		name                       string
		inputs                     []Input
		docroot, parents, children string // of each unit, parted by |
	}{
		{"one", []Input{in("/a", "")}, "/a", "", ""},
		{"in any order", []Input{in("/a/b/c", ""), in("/a", ""), in("/a/b", "")}, "/a|/a|/a", "/a /a/b||/a", "|/a/b /a/b/c|/a/b/c"},
		{"folder between without a file", []Input{in("/a", ""), in("/a/b/c", "")}, "/a|/a", "|/a", "/a/b/c|"},
		{"two sites", []Input{in("/a", ""), in("/ab", ""), in("/ab/c", "")}, "/a|/ab|/ab", "||/ab", "|/ab/c|"},
		{"docroot said", []Input{said, in("/w", "")}, "/w/public|/w", "|", "|"},
		{"outside of the docroot", []Input{said, outside}, "/w/public|/w/public", "|", "|"},
		{"folder not known", []Input{in("", ""), in("", ""), in("/a", "")}, "/var/www/html|/var/www/html|/a", "||", "||"},
		{"root of the machine", []Input{in("/", ""), in("/a", "")}, "|", "|", "/a|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var roots, parents, children []string
			for _, u := range load(c.inputs...) {
				roots, parents, children = append(roots, u.Docroot()), append(parents, dirs(u.Parents())), append(children, dirs(u.Children()))
			}
			for _, x := range []struct{ what, got, want string }{
				{"docroot", strings.Join(roots, "|"), c.docroot}, {"children", strings.Join(children, "|"), c.children},
				{"parents", strings.Join(parents, "|"), c.parents},
			} {
				if x.got != x.want {
					t.Errorf("%s: got %q, want %q", x.what, x.got, x.want)
				}
			}
		})
	}
}

func TestSiteProgram(t *testing.T) {
	units := load(in("/w/sub/deep", "RewriteRule ^c$ /d\n"), in("/w", "RewriteEngine On\n"), in("/w/sub", "RewriteRule ^a$ /b\n"))
	sub := units[2]
	var got []string
	for _, s := range sub.SiteProgram().Htaccess {
		got = append(got, s.Dir)
		if want := s.Dir == "/w/sub"; sub.Owns(s.Origin) != want {
			t.Errorf("Owns(%s) is %v", s.Dir, !want)
		}
	}
	if g := strings.Join(got, " "); g != "/w /w/sub /w/sub/deep" {
		t.Errorf("site of /w/sub: %s", g)
	}
	if n := len(sub.Program().Htaccess); n != 1 {
		t.Errorf("the own program holds %d files", n)
	}
	if sub.SiteProgram().Htaccess[1] != sub.Program().Htaccess[0] {
		t.Error("the own scope is lowered twice")
	}
	alone := Load(in("", "RewriteEngine On\n"))
	if alone.SiteProgram() != alone.Program() {
		t.Error("a file without neighbours has two programs")
	}
}

func TestHosts(t *testing.T) {
	apache := func(text string) Input {
		return Input{File: source.NewFile("f", []byte(text)), Server: ir.Apache, Context: ir.ContextServer}
	}
	nginx := func(text string) Input {
		return Input{File: source.NewFile("f", []byte(text)), Server: ir.Nginx, Context: ir.ContextHTTP}
	}
	cond := func(pattern string) Input {
		return in("", "RewriteEngine On\nRewriteCond %{HTTP_HOST} "+pattern+"\nRewriteRule ^ /x\n")
	}
	saidInput := cond("^b\\.example$")
	saidInput.Hosts = []string{"A.Example:8080", "b.example"}
	for _, c := range []struct {
		name string
		in   Input
		want string
	}{
		{"said and tested", saidInput, "said a.example, said b.example, tested b.example"},
		{"anchored", cond("^www\\.example\\.com$ [NC]"), "tested www.example.com"},
		{"optional www", cond("^(www\\.)?example\\.com$"), "tested example.com, tested www.example.com"},
		{"dots not escaped", cond("^www.example.com$"), "tested www.example.com"},
		{"alternatives", cond("^(a|b)\\.example\\.(com|net)$"), "tested a.example.com, tested b.example.com, tested a.example.net, tested b.example.net"},
		{"alternatives at the top", cond("^a\\.example$|^b\\.example$"), "tested a.example, tested b.example"},
		{"port", cond("^a\\.example(:\\d+)?$"), "tested a.example"},
		{"written port", cond("^a\\.example:8080$"), "tested a.example"},
		{"not anchored", cond("example\\.com"), "tested~ example.com"},
		{"no host", cond("^www\\."), ""},
		{"open", cond("^(.*)\\.example\\.com$"), ""},
		{"negated", cond("!^www\\.example\\.com$"), ""},
		{"string", cond("=www.example.com"), "tested www.example.com"},
		{"letters both ways", cond("^[Ww]ww\\.example$"), "tested www.example"},
		{"another variable", in("", "RewriteCond %{REQUEST_URI} ^a\\.example$\nRewriteRule ^ /x\n"), ""},
		{"expression", in("", "<If \"%{HTTP_HOST} == 'a.example' || %{HTTP_HOST} =~ /^b\\.example$/\">\nRedirect 404 /\n</If>\n"), "tested a.example, tested b.example"},
		{"expression negated", in("", "<If \"!(%{HTTP_HOST} == 'a.example')\">\nRedirect 404 /\n</If>\n"), ""},
		{"too many", cond("^" + strings.Repeat("(a|b)", 20) + "\\.example$"), ""},
		{"ServerName", apache("<VirtualHost *:80>\nServerName https://A.example:443\nServerAlias b.example *.c.example\n</VirtualHost>\n"),
			"named a.example, named b.example, named* *.c.example"},
		{"server_name", nginx("server { server_name a.example .b.example ~^c$ _ \"\"; if ($host = 'www.a.example') { return 301 http://a.example; } }"),
			"named a.example, named* .b.example, tested www.a.example"},
		{"map", nginx("map $host $x { hostnames; a.example 1; *.b.example 2; default 0; ~^c\\.example$ 3; }"),
			"tested a.example, tested* *.b.example, tested c.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, h := range Load(c.in).Hosts() {
				s := map[HostSource]string{HostSaid: "said", HostNamed: "named", HostTested: "tested"}[h.Source]
				if h.Wildcard {
					s += "*"
				} else if !h.Exact {
					s += "~"
				}
				got = append(got, s+" "+h.Name)
				if (h.Origin.File == nil) != (h.Source == HostSaid) {
					t.Errorf("%s: origin %v", h.Name, h.Origin)
				}
			}
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
		})
	}
	units := load(in("/a", "RewriteCond %{HTTP_HOST} ^a\\.example$\nRewriteRule ^ /x\n"), in("/a/b", ""))
	if units[1].ServesHost("A.example:80") != HostTested || units[1].ServesHost("b.example") != 0 {
		t.Error("the conditions of a parent count for its children")
	}
}

func TestWildcardMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.example.com", "a.example.com", true}, {"*.example.com", "example.com", false}, {".example.com", "example.com", true},
		{".example.com", "a.b.example.com", true}, {".example.com", "xexample.com", false}, {"www.example.*", "www.example.org", true},
		{"w?w.example", "wxw.example", true}, {"w?w.example", "ww.example", false}, {"*", "a", true}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbY", false},
	} {
		if got := wildcardMatches(c.pattern, c.name); got != c.want {
			t.Errorf("%s for %s: %v", c.pattern, c.name, got)
		}
	}
}

func TestIntents(t *testing.T) {
	for _, c := range []struct{ name, text, want, faults string }{
		{"permanent", "# lint:intent permanent\nRedirect 302 /a /b\n", "2 permanent", ""},
		{"until", "# lint:intent temporary until 2026-12-31 -- a sale\nRedirect 302 /a /b\n", "2 temporary 2026-12-31", ""},
		{"two", "# lint:intent permanent, keep-method\nRedirect 302 /a /b\n", "2 permanent, 2 keep-method", ""},
		{"above conditions", "# lint:intent get\nRewriteCond %{HTTPS} off\nRewriteRule ^ /x [R]\n", "3 get", ""},
		{"between conditions and rule", "RewriteCond %{HTTPS} off\n# lint:intent get\nRewriteRule ^ /x [R]\n", "3 get", ""},
		{"blank line", "# lint:intent get\n\nRedirect 302 /a /b\n", "", "1:15 no directive follows"},
		{"at the end", "Redirect 302 /a /b\n# lint:intent get\n", "", "2:15 no directive follows"},
		{"unknown", "# lint:intent permanant\nRedirect 302 /a /b\n", "", `1:15 no intent is called "permanant", so this states nothing; did you mean "permanent"?`},
		{"empty", "# lint:intent\nRedirect 302 /a /b\n", "", "1:1 this states no intent"},
		{"colon", "# lint:intent: get\nRedirect 302 /a /b\n", "", "1:1 this states no intent"},
		{"no such day", "# lint:intent temporary until 2026-02-30\nRedirect 302 /a /b\n", "", `1:31 "2026-02-30" is no day`},
		{"no day", "# lint:intent temporary until\nRedirect 302 /a /b\n", "", "1:25 `until` names no day"},
		{"permanent until", "# lint:intent permanent until 2026-12-31\nRedirect 302 /a /b\n", "", "1:25 only what is temporary"},
		{"reason without mark", "# lint:intent get because\nRedirect 302 /a /b\n", "", `1:19 "because" is not understood`},
		{"contradiction", "# lint:intent temporary, permanent\nRedirect 302 /a /b\n", "", "1:26 temporary and permanent cannot both be meant"},
		{"another word", "# lint:intention get\nRedirect 302 /a /b\n", "", ""},
		{"CRLF", "# lint:intent get\r\nRedirect 302 /a /b\r\n", "2 get", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := Load(in("", c.text))
			var got, faults []string
			for _, d := range u.Directives {
				for _, i := range u.IntentsOf(d.File, d.Line.Start) {
					if d.Is("RewriteCond") {
						continue
					}
					s := u.Files[0].Position(d.Line.Start).String()
					s = s[:strings.IndexByte(s, ':')] + " " + string(i.Kind)
					if !i.Until.IsZero() {
						s += " " + u.Files[0].Slice(i.UntilSpan)
					}
					got = append(got, s)
				}
			}
			sel, _ := (&Options{Rules: []*Rule{{Code: SuppressionProblem, ID: "suppression-problem", For: Both}}}).choose()
			for _, d := range sel.intentProblems(u) {
				faults = append(faults, d.File.Position(d.Span.Start).String()+" "+d.Message)
			}
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
			if g := strings.Join(faults, ", "); !strings.HasPrefix(g, c.faults) || c.faults == "" && g != "" {
				t.Errorf("faults %q, want %q", g, c.faults)
			}
		})
	}
	u := Load(Input{File: source.NewFile("f", []byte("return 302 /a; # lint:intent permanent\nreturn 301 /b;\n")), Server: ir.Nginx, Context: ir.ContextServer})
	if u.Intent(u.Files[0], 0, IntentPermanent) == nil || u.Intent(u.Files[0], 45, IntentPermanent) != nil {
		t.Error("at the end of an nginx line the intent speaks of that line")
	}
}
