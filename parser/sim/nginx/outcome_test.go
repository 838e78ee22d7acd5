package nginx_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rewright/parser/ir"
	syntax "rewright/parser/nginx"
	"rewright/parser/sim"
	"rewright/parser/sim/nginx"
	"rewright/parser/source"
)

// TestUnknown says what is not known, and that nothing else is doubted because of it.
func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		name, config, target string
		why                  string // "": known
	}{
		{"auth_request is not met by return", "location / { auth_request /auth; return 301 /x; }", "/", ""},
		{"auth_request decides about a file", "location / { auth_request /auth; }", "/x", "auth_request"},
		{"auth_request off", "auth_request /auth; location / { auth_request off; return 200 x; }", "/", ""},
		{"a value that differs every time in Location", "return 301 /$request_id;", "/", "$request_id"},
		{"a value that differs every time in a condition", "if ($request_id = x) { return 403; } return 301 /x;", "/", "$request_id"},
		{"a value that differs every time in a header", "add_header X-Id $request_id; return 301 /x;", "/", ""},
		{"a value that is set and not used", "set $id $request_id; return 301 /x;", "/", ""},
		{"the clock", "return 301 /$time_iso8601;", "/", "time is not known"},
		{"a password", "location / { auth_basic r; auth_basic_user_file /pw; }", "/x", ""},
		{"a relative file", "if (-f x) { return 403; } return 301 /x;", "/", "working directory"},
		{"dav methods", "location / { dav_methods PUT; }", "/x", "dav_methods"},
		{"text behind ssi", `ssi on; return 200 "<!--#echo -->";`, "/", "ssi"},
		{"redirect behind ssi", `ssi on; return 301 /x;`, "/", ""},
		{"client address out of a header that is not sent", "set_real_ip_from 10.0.0.0/8; deny 10.0.0.1;", "/x", ""},
		{"backtracking", `if ($arg_x ~ "^(?=(a+)+$)(a+)+$") { return 403; } return 301 /x;`, "/?x=" + strings.Repeat("a", 60) + "!", "pattern"},
		{"a value that doubles", strings.Repeat("set $a \"x$a$a\";\n", 40) + "return 301 /x;", "/", "grows beyond"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := simulate(t, c.config, nil).Answer(sim.Request{Host: "example.test", Target: c.target}, false)
			if c.why == "" && !out.Known {
				t.Errorf("unknown: %q", out.Unknown)
			}
			if c.why != "" && (out.Known || !strings.Contains(strings.Join(out.Unknown, "; "), c.why)) {
				t.Errorf("known %v, %q; want %q", out.Known, out.Unknown, c.why)
			}
		})
	}
}

// TestUnreadInclude says what an include that cannot be read leaves known.
func TestUnreadInclude(t *testing.T) {
	for _, c := range []struct {
		name, config string
		known        bool
	}{
		{"media types", "include /etc/nginx/mime.types; server { listen 80; return 301 /x; }", true},
		{"servers", "include conf.d/*.conf; server { listen 80; return 301 /x; }", false},
		{"rules of another location", "server { listen 80; location /a { include a.conf; } location / { return 301 /x; } }", true},
		{"rules of this location", "server { listen 80; location / { include a.conf; return 301 /x; } }", false},
		{"parameters of a backend", "server { listen 80; location / { include fastcgi_params; fastcgi_pass 127.0.0.1:9; } }", true},
		{"a map whose entry is known", "map $uri $t { /p /q; include m.map; } server { listen 80; return 301 $t; }", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cannot := errors.New("not here")
			cfg := syntax.Read(source.NewFile("nginx.conf", []byte(c.config)), syntax.Env{Context: ir.ContextHTTP,
				Open: func(string) (*source.File, error) { return nil, cannot },
				Glob: func(string) ([]string, error) { return nil, cannot }})
			s, err := nginx.New(syntax.Lower(cfg), &sim.World{})
			if err != nil {
				t.Fatal(err)
			}
			if out := s.Answer(sim.Request{Host: "example.test", Target: "/p"}, false); out.Known != c.known {
				t.Errorf("known %v: %q", out.Known, out.Unknown)
			}
		})
	}
}

// TestRefused says that a configuration nginx does not start with has no simulator.
func TestRefused(t *testing.T) {
	cfg := syntax.Read(source.NewFile("a.conf", []byte("rewrite ^( /x;")), syntax.Env{Context: ir.ContextServer})
	if _, err := nginx.New(syntax.Lower(cfg), &sim.World{}); !errors.Is(err, sim.ErrRefused) {
		t.Errorf("error %v", err)
	}
}

// TestUnknownHeader says that a header whose value is not known is named and not left out in silence.
func TestUnknownHeader(t *testing.T) {
	out := simulate(t, "add_header X-Id $request_id; add_header X-A a; return 301 /x;", nil).Answer(sim.Request{Host: "example.test"}, false)
	if !out.Known || len(out.UnknownHeader) != 1 || out.UnknownHeader[0] != "X-Id" {
		t.Errorf("known %v, unknown headers %q", out.Known, out.UnknownHeader)
	}
	if got := headerOf(out, "X-A"); got != "a" {
		t.Errorf("X-A is %q", got)
	}
}

func headerOf(out sim.Outcome, name string) string {
	for _, h := range out.Header {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// TestExpires says what expires sends. The values are nginx's, with the clock at 2026-11-24 00:00:00 UTC.
func TestExpires(t *testing.T) {
	w := &sim.World{Files: sim.NoFiles{Root: "/srv"}, Time: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct{ value, expires, control string }{
		{"1h", "Tue, 24 Nov 2026 01:00:00 GMT", "max-age=3600"},
		{`"1d 2h"`, "Wed, 25 Nov 2026 02:00:00 GMT", "max-age=93600"},
		{"-1", "Mon, 23 Nov 2026 23:59:59 GMT", "no-cache"},
		{"0", "Tue, 24 Nov 2026 00:00:00 GMT", "max-age=0"},
		{"epoch", "Thu, 01 Jan 1970 00:00:01 GMT", "no-cache"},
		{"max", "Thu, 31 Dec 2037 23:55:55 GMT", "max-age=315360000"},
		{"modified 1h", "Tue, 24 Nov 2026 01:00:00 GMT", "max-age=3600"},
		{"off", "", ""},
		{"$arg_none", "", ""},
	} {
		t.Run(c.value, func(t *testing.T) {
			out := simulate(t, "expires "+c.value+"; return 200 x;", w).Answer(sim.Request{Host: "example.test"}, false)
			if got := headerOf(out, "Expires"); got != c.expires {
				t.Errorf("Expires %q, want %q", got, c.expires)
			}
			if got := headerOf(out, "Cache-Control"); got != c.control {
				t.Errorf("Cache-Control %q, want %q", got, c.control)
			}
		})
	}
}

// TestTrace says that each thing that decides is a step with its place.
func TestTrace(t *testing.T) {
	text := "set $a 1;\nlocation ~ ^/old/(.*)$ {\n  if ($a = 1) {\n    rewrite ^/old/(.*)$ /new/$1?x=1 last;\n  }\n}\nlocation /new/ {\n  try_files $uri =404;\n}\n"
	out := simulate(t, text, nil).Answer(sim.Request{Host: "example.test", Target: "/old/p?q"}, true)
	if out.Status != 404 || len(out.Steps) == 0 {
		t.Fatalf("status %d, %d steps", out.Status, len(out.Steps))
	}
	var got []string
	for _, st := range out.Steps {
		line := ""
		if st.Origin.File != nil {
			line = st.Origin.Place()
		}
		matched := ""
		if st.Matched != nil {
			matched = map[bool]string{true: "yes", false: "no"}[*st.Matched]
		}
		got = append(got, strings.TrimRight(strings.Join([]string{string(st.Kind), line, st.Name, st.Input, st.Pattern, matched, st.Result}, "|"), "|"))
	}
	want := []string{
		"request||GET|/old/p?q|||/old/p?q",
		"phase||server script|/old/p",
		"set|test.conf:1:1|set|$a|||1",
		"rule|test.conf:2:1|location|/old/p|^/old/(.*)$|yes",
		"phase|test.conf:2:1|location|/old/p|||location ~ ^/old/(.*)$",
		"condition|test.conf:3:3|if|1|1|yes",
		"rule|test.conf:4:5|rewrite|/old/p|^/old/(.*)$|yes|/new/p?x=1&q",
		"flow||||||/new/p?x=1&q",
		"rule|test.conf:2:1|location|/new/p|^/old/(.*)$|no",
		"phase|test.conf:7:1|location|/new/p|||location /new/",
		"file|test.conf:8:3|try_files|/srv/new/p||no",
		"file|test.conf:8:3|try_files||||=404",
		"answer||||||404",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	var rewrite *sim.Step
	for i := range out.Steps {
		if out.Steps[i].Name == "rewrite" {
			rewrite = &out.Steps[i]
		}
	}
	if rewrite == nil || rewrite.Span == nil || *rewrite.Span != [2]int{0, 6} || len(rewrite.Captures) != 1 || rewrite.Captures[0] != "p" {
		t.Errorf("the rewrite's match: %+v", rewrite)
	}
}

// TestWrappedServer says what a text without listen and server_name answers to.
func TestWrappedServer(t *testing.T) {
	s := simulate(t, "return 301 $scheme://$server_name$request_uri;", nil)
	for _, c := range []struct {
		r    sim.Request
		want string
	}{
		{sim.Request{Host: "any.test", Target: "/a?b"}, "http://example.test/a?b"},
		{sim.Request{Host: "any.test", Scheme: "https", Target: "/a"}, "https://example.test/a"},
		{sim.Request{Host: "any.test", Port: 8080}, "http://example.test/"},
	} {
		if out := s.Answer(c.r, false); !out.Known || out.Location == nil || *out.Location != c.want {
			t.Errorf("%+v: %+v", c.r, out)
		}
	}
}
