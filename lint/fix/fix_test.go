package fix

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

func htaccess(name, text string) lint.Input {
	return lint.Input{File: source.NewFile(name, []byte(text)), Server: ir.Apache, Context: ir.ContextHtaccess}
}

// apply fixes with the rules there are, or with those of the options.
func apply(t *testing.T, o Options, inputs ...lint.Input) []File {
	t.Helper()
	if o.Lint.Rules == nil {
		o.Lint.Rules = rules.All()
	}
	files, err := Apply(context.Background(), o, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// replace is a rule that wants each old text written as another one.
func replace(code, old, text string, safety diag.Safety) *lint.Rule {
	return replacing(code, old, text, diag.Fix{Safety: safety})
}

// replacing is replace with more to say of the fix.
func replacing(code, old, text string, fix diag.Fix) *lint.Rule {
	return &lint.Rule{Code: code, ID: strings.ToLower(code), Severity: diag.Warning, For: lint.Both, File: func(p *lint.Pass) {
		for at, rest := 0, string(p.File.Text); ; {
			i := strings.Index(rest, old)
			if i < 0 {
				return
			}
			s := source.NewSpan(at+i, at+i+len(old))
			p.Report(s, old, diag.Fix{Title: "write " + text, Safety: fix.Safety, States: fix.States, Edits: source.Replace(s, text)})
			at, rest = at+i+len(old), rest[i+len(old):]
		}
	}}
}

func TestRounds(t *testing.T) {
	for _, c := range []struct {
		name   string
		rules  []*lint.Rule
		before string
		after  string
		rounds int
		codes  string // of what was applied
		left   string // codes of what was not, ! before those that were to be
	}{
		{"identical edits are made once", []*lint.Rule{replace("T1", "# a", "# b", diag.Safe), replace("T2", "# a", "# b", diag.Safe)},
			"# a\n", "# b\n", 1, "T1 T2", ""},
		{"overlapping ones wait", []*lint.Rule{replace("T1", "# ab", "# xb", diag.Safe), replace("T2", "bc", "yz", diag.Safe)},
			"# abc\n", "# xyz\n", 2, "T1 T2", ""},
		{"overlapping ones wait in vain", []*lint.Rule{replace("T1", "# ab", "# x", diag.Safe), replace("T2", "bc", "yz", diag.Safe)},
			"# abc\n", "# xc\n", 1, "T1", ""},
		{"neighbours do not", []*lint.Rule{replace("T1", "ab", "x", diag.Safe), replace("T2", "cd", "y", diag.Safe)},
			"# abcd\n", "# xy\n", 1, "T1 T2", ""},
		{"a fix of a fix", []*lint.Rule{replace("T1", "one", "two", diag.Safe), replace("T2", "two", "three", diag.Safe)},
			"# one\n", "# three\n", 2, "T1 T2", ""},
		{"risky and shown stay", []*lint.Rule{replace("T1", "# a", "# b", diag.Risky), replace("T2", "# c", "# d", diag.Shown)},
			"# a\n# c\n", "# a\n# c\n", 0, "", "T1 T2"},
		{"the guilty one is left out", []*lint.Rule{replace("T1", "# a", "# b", diag.Safe), replace("T2", "/new", "/other", diag.Safe), replace("T3", "# c", "# d", diag.Safe)},
			"# a\nRewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\n# c\n", "# b\nRewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\n# d\n", 1, "T1 T3", "!T2"},
		{"so is one that brings a refusal", []*lint.Rule{replace("T1", "# a", "NoSuchDirective", diag.Safe)}, "# a\n", "# a\n", 0, "", "!T1"},
		{"a rule that could not match may wake", []*lint.Rule{replace("T1", "^/old$", "^old$", diag.Safe)},
			"RewriteEngine On\nRewriteRule ^/old$ /new [R=301,L]\n", "RewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\n", 1, "T1", ""},
		{"but not one that did", []*lint.Rule{replace("T1", "^(/?)old$", "^(/?)old", diag.Safe)},
			"RewriteEngine On\nRewriteRule ^(/?)old$ /new [R=301,L]\n", "RewriteEngine On\nRewriteRule ^(/?)old$ /new [R=301,L]\n", 0, "", "!T1"},
		{"a change that is stated is made", []*lint.Rule{replacing("T1", "/new", "/other", diag.Fix{Safety: diag.Safe, States: true})},
			"RewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\n", "RewriteEngine On\nRewriteRule ^old$ /other [R=301,L]\n", 1, "T1", ""},
		{"but not of other rules", []*lint.Rule{replacing("T1", "DirectorySlash On", "DirectorySlash Off", diag.Fix{Safety: diag.Safe, States: true})},
			"DirectorySlash On\n", "DirectorySlash On\n", 0, "", "!T1"},
		{"a refused file is healed", []*lint.Rule{replace("T1", "NoSuchDirective", "# was:", diag.Safe)},
			"NoSuchDirective a\nRedirect /a /b\n", "# was: a\nRedirect /a /b\n", 1, "T1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := apply(t, Options{Lint: lint.Options{Rules: c.rules}}, htaccess(".htaccess", c.before))[0]
			if string(f.After) != c.after || f.Err != nil {
				t.Errorf("got %q, %v, want %q", f.After, f.Err, c.after)
			}
			if f.Rounds != c.rounds {
				t.Errorf("%d rounds, want %d", f.Rounds, c.rounds)
			}
			var codes, left []string
			for _, a := range f.Applied {
				codes = append(codes, a.Code)
			}
			for _, l := range f.Left {
				code := l.Finding.Code
				if l.Refused {
					code = "!" + code
				}
				left = append(left, code)
			}
			if strings.Join(codes, " ") != c.codes || strings.Join(left, " ") != c.left {
				t.Errorf("applied %v, left %+v", codes, f.Left)
			}
		})
	}
}

// Fixes that call for each other end in an error that names them, and nothing is changed.
func TestNoRest(t *testing.T) {
	there, back := replace("T1", "# a", "# b", diag.Safe), replace("T2", "# b", "# a", diag.Safe)
	f := apply(t, Options{Lint: lint.Options{Rules: []*lint.Rule{there, back}}}, htaccess("x/.htaccess", "# a\n"))[0]
	if !errors.Is(f.Err, ErrNoRest) || !strings.Contains(f.Err.Error(), "x/.htaccess: fixes do not come to rest after 10 rounds: T1 t1") {
		t.Errorf("got %v", f.Err)
	}
	if f.Changed() || len(f.Applied) > 0 {
		t.Errorf("%q, %v", f.After, f.Applied)
	}
}

// What a fix changes is told with a request that shows it, as the files were and are.
func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name, before string
		o            Options
		want         []string // line and changes of each fix
	}{
		{"a refused file", "RewriteEngine On\nRewriteRule ^a$ /b [R=301, L]\n", Options{}, []string{"2 GET /a: 500, the file is refused → 301 /b"}},
		{"the method", "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} =POST\nRewriteRule ^api$ /v2 [R=301,L]\n",
			Options{Unsafe: true, Lint: lint.Options{Rules: []*lint.Rule{replace("T1", "R=301", "R=308", diag.Risky)}}},
			[]string{"3 POST /api: 301 → 308, the method is kept"}},
		{"a condition", "RewriteEngine On\n\nRewriteCond %{HTTP_HOST} =a.example\nRewriteRule ^ https://b.example/ [R=302,L]\n",
			Options{Unsafe: true, Lint: lint.Options{Rules: []*lint.Rule{replace("T1", "=a.example", "=c.example", diag.Risky)}}},
			[]string{"3 GET http://c.example/: 403 → 302 https://b.example/ GET http://a.example/: 302 https://b.example/ → 403"}},
		{"nothing", "RewriteEngine On\nRedirect 301 /a /b # old\n", Options{Lint: lint.Options{Rules: []*lint.Rule{replace("T1", "Redirect 301", "Redirect permanent", diag.Safe)}}}, []string{"2"}},
		{"not a safe one", "RewriteEngine On\nRewriteRule ^a$ /b [R=302,L]\n",
			Options{Unsafe: true, Lint: lint.Options{Rules: []*lint.Rule{replace("T1", "/b", "/c", diag.Safe)}}}, []string{"2 GET /a: 302 /b → 302 /c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := apply(t, c.o, htaccess(".htaccess", c.before))[0]
			var got []string
			for _, a := range f.Applied {
				text := string(rune('0' + a.Line))
				for _, ch := range a.Changes {
					text += " " + ch.String()
				}
				got = append(got, text)
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got %q, want %q; left %v", got, c.want, f.Left)
			}
		})
	}
}

// A person decides about every class; an answer is remembered over the rounds.
func TestDecide(t *testing.T) {
	list := []*lint.Rule{replace("T1", "# a", "# b", diag.Shown), replace("T2", "# c", "# d", diag.Risky), replace("T3", "# e", "# f", diag.Safe)}
	for _, c := range []struct {
		name    string
		answers []Decision
		after   string
	}{
		{"each", []Decision{Accept, Skip, Accept, Skip}, "# b\n# c\n# f\n# a\n"},
		{"all of a rule", []Decision{AcceptAll, Skip, Skip}, "# b\n# c\n# e\n# b\n"},
		{"quit", []Decision{Accept, Quit}, "# b\n# c\n# e\n# a\n"},
		{"none", []Decision{Skip, Skip, Skip, Skip}, "# a\n# c\n# e\n# a\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			f := apply(t, Options{Lint: lint.Options{Rules: list}, Decide: func(w Candidate) Decision {
				if string(w.Before) == string(w.After) {
					t.Error("no preview")
				}
				asked++
				if asked > len(c.answers) {
					t.Fatalf("asked again about %s", w.Finding.Code)
				}
				return c.answers[asked-1]
			}}, htaccess(".htaccess", "# a\n# c\n# e\n# a\n"))[0]
			if string(f.After) != c.after || asked != len(c.answers) {
				t.Errorf("%q after %d questions, want %q after %d", f.After, asked, c.after, len(c.answers))
			}
		})
	}
}

// A file that others include is fixed in their light when it is named, and left alone when it is not.
func TestIncluded(t *testing.T) {
	files := map[string]*source.File{
		"nginx.conf": source.NewFile("nginx.conf", []byte("events {}\nhttp {\n    server {\n        include part.conf;\n    }\n}\n")),
		"part.conf":  source.NewFile("part.conf", []byte("return 301 /a\n")),
	}
	in := func(name string) lint.Input {
		return lint.Input{File: files[name], Server: ir.Nginx, Context: map[string]ir.Context{"nginx.conf": ir.ContextMain, "part.conf": ir.ContextServer}[name],
			Open: func(name string) (*source.File, error) {
				if f := files[name]; f != nil {
					return f, nil
				}
				return nil, fs.ErrNotExist
			}}
	}
	list := apply(t, Options{}, in("part.conf"), in("nginx.conf"))
	if string(list[0].After) != "return 301 /a;\n" || list[1].Changed() {
		t.Errorf("%q and %q, left %v %v", list[0].After, list[1].After, list[0].Left, list[1].Left)
	}
	if a := list[0].Applied; len(a) != 1 || len(a[0].Changes) != 1 || a[0].Changes[0].String() != "GET /: nginx does not start → 301 /a" {
		t.Errorf("%+v", a)
	}
	list = apply(t, Options{}, in("nginx.conf"))
	if list[0].Changed() || len(list[0].Left) != 1 || !strings.Contains(list[0].Left[0].Reason, "only included") {
		t.Errorf("%q, %+v", list[0].After, list[0].Left)
	}
}

// The .htaccess files of a site are proved together; one that is only read is not changed.
func TestSite(t *testing.T) {
	at := func(dir, text string) lint.Input {
		in := htaccess(dir+"/.htaccess", text)
		in.Dir = dir
		return in
	}
	top := at("/srv", "RewriteEngine On\nRewriteRule ^a$ /b [R=301, L]\n")
	sub := at("/srv/sub", "RewriteEngine On\nRewriteRule ^c$ /d [R=301, L]\n")
	list := apply(t, Options{}, top, sub)
	if !list[0].Changed() || !list[1].Changed() {
		t.Errorf("%q and %q", list[0].After, list[1].After)
	}
	if got := list[1].Applied[0].Changes; len(got) != 1 || got[0].String() != "GET /sub/c: 500, the file is refused → 301 /d" {
		t.Errorf("%v", got)
	}
	top.Unchecked = true
	if list = apply(t, Options{}, top, sub); len(list) != 1 || !list[0].Changed() {
		t.Errorf("%+v", list)
	}
}

func TestForward(t *testing.T) {
	list := sortEdits([]source.Edit{{Span: source.NewSpan(10, 12), Text: "xxxx"}, {Span: source.NewSpan(4, 4), Text: "yy"}, {Span: source.NewSpan(4, 4), Text: "yy"}})
	before := []byte("0123456789abcdef")
	after, err := source.Apply(before, list)
	if err != nil || string(after) != "0123yy456789xxxxcdef" {
		t.Fatalf("%q, %v", after, err)
	}
	for _, c := range []struct{ s, want source.Span }{
		{source.NewSpan(0, 2), source.NewSpan(0, 2)}, {source.NewSpan(5, 6), source.NewSpan(7, 8)}, {source.NewSpan(13, 14), source.NewSpan(17, 18)},
		{source.NewSpan(10, 12), source.NewSpan(12, 16)}, {source.NewSpan(11, 13), source.NewSpan(12, 17)}, {source.NewSpan(4, 4), source.NewSpan(4, 6)},
		{source.NewSpan(2, 11), source.NewSpan(2, 16)},
	} {
		if got := list.shifts().forward(c.s); got != c.want {
			t.Errorf("%v becomes %v, want %v", c.s, got, c.want)
		}
	}
	back, err := source.Apply(after, list.inverse(before))
	if err != nil || string(back) != string(before) {
		t.Errorf("%q, %v", back, err)
	}
}
