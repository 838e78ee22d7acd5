package probe_test

import (
	"testing"

	"rewright/parser"
	"rewright/parser/load"
	"rewright/parser/probe"
)

// site makes a Site for a text.
func site(t *testing.T, name, text string, o probe.Options) *probe.Site {
	t.Helper()
	l, err := parser.LoadText(nil, name, []byte(text), load.Options{Mount: "/srv/site"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := probe.New(l.Program, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each rule of these texts is reached by a request of its own.
func TestRequestsReachRules(t *testing.T) {
	for _, c := range []struct{ name, file, text string }{
		{"plain", ".htaccess", "RewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\nRedirect 301 /a /b\nRedirectMatch ^/x/(\\d+)$ /y/$1\n"},
		{"alternation", ".htaccess", "RewriteEngine On\nRewriteRule ^(de|fr)/(.*)\\.html?$ /$1/$2 [R=301,L]\n"},
		{"host", ".htaccess", "RewriteEngine On\nRewriteCond %{HTTP_HOST} !^www\\.example\\.com$ [NC]\nRewriteRule (.*) https://www.example.com/$1 [R=301,L]\nRewriteRule ^a$ /b [R,L]\n"},
		{"https", ".htaccess", "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\nRewriteRule ^a$ /b [R,L]\n"},
		{"query", ".htaccess", "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^id=([0-9]+)&x=\nRewriteRule ^index\\.php$ /item/%1? [R=301,L]\n"},
		{"request line", ".htaccess", "RewriteEngine On\nRewriteCond %{THE_REQUEST} ^[A-Z]{3,9}\\ /([^?]*)index\\.html[?\\ ]\nRewriteRule ^(.*)index\\.html$ /$1 [R=301,L]\n"},
		{"front controller", ".htaccess", "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . /index.php [L]\n"},
		{"file exists", ".htaccess", "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME}.html -f\nRewriteRule ^(.+)$ $1.html [L]\n"},
		{"or", ".htaccess", "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} bot [NC,OR]\nRewriteCond %{HTTP:X-Test} ^1$\nRewriteRule ^a$ /b [R,L]\n"},
		{"method", ".htaccess", "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} ^(TRACE|POST)$\nRewriteRule .* - [F]\n"},
		{"client", ".htaccess", "RewriteEngine On\nRewriteCond %{REMOTE_ADDR} !^127\\.0\\.0\\.1$\nRewriteRule ^admin - [F]\n"},
		{"expr", ".htaccess", "RewriteEngine On\nRewriteCond expr \"%{HTTP_HOST} == 'a.example' && %{QUERY_STRING} =~ /x=1/\"\nRewriteRule ^a$ /b [R,L]\n"},
		{"behind a wider rule", ".htaccess", "RewriteEngine On\nRewriteRule ^[a-m] /first [R,L]\nRewriteRule ^(.*)$ /second [R,L]\n"},
		{"chain", ".htaccess", "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^a\\.example$\nRewriteRule ^a - [C]\nRewriteRule b$ /c [R,L]\n"},
		{"nginx locations", "nginx.conf", "events {}\nhttp { server { listen 80; server_name a.example;\nlocation = /a { return 301 /b; }\nlocation /c { return 302 /d; }\nlocation ~* \\.php$ { return 410; }\nlocation ^~ /e/ { rewrite ^/e/(.*)$ /f/$1 permanent; }\n} server { listen 8080; server_name b.example; return 301 https://b.example$request_uri; } }\n"},
		{"nginx ifs", "nginx.conf", "events {}\nhttp { server { listen 80;\nif ($host = www.example.com) { return 301 http://example.com$request_uri; }\nif ($scheme = http) { set $go 1; }\nif ($request_method !~ ^(GET|HEAD)$) { return 405; }\nif ($arg_id) { return 301 /item/$arg_id; }\nif ($http_user_agent ~ Bot) { return 403; }\nif ($cookie_lang = de) { return 302 /de/; }\nif (-f $document_root/maintenance.html) { return 503; }\nif ($request_uri ~ \"^/x\\?(.*)\") { return 301 /y; }\nif ($go) { return 301 https://$host$request_uri; }\n} }\n"},
		{"nginx map", "nginx.conf", "events {}\nhttp { map $uri $new { default \"\"; /old /fresh; ~^/v1/(.*) /v2/$1; }\nserver { listen 80; if ($new) { return 301 $new; } location / { return 200; } } }\n"},
		{"virtual hosts", "httpd.conf", "<VirtualHost *:80>\nServerName a.example\nRedirect permanent / https://a.example/\n</VirtualHost>\n<VirtualHost *:443>\nServerName a.example\nServerAlias *.a.example\nSSLEngine on\nRewriteEngine on\nRewriteRule ^/x/(.*)$ /y/$1 [R=301,L]\n<Directory /srv/a>\nRewriteEngine On\nRewriteRule ^z$ /w [R]\n</Directory>\nDocumentRoot /srv/a\n</VirtualHost>\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := site(t, c.file, c.text, probe.Options{})
			if len(s.Rules()) == 0 {
				t.Fatal("no rules")
			}
			for _, r := range s.Rules() {
				list := s.Requests(r, 0)
				if len(list) == 0 || !list[0].Reached {
					t.Errorf("line %d is not reached: %s", r.Line(), asked(list))
					continue
				}
				o := s.Ask(list[0])
				if !probe.HasFired(&o, r) {
					t.Errorf("line %d: %s is said to reach it and does not", r.Line(), probe.URL(list[0].Request))
				}
				for _, p := range s.NearMisses(r, 4) {
					if o := s.Ask(p); probe.HasFired(&o, r) {
						t.Errorf("line %d: %s is no near miss", r.Line(), probe.URL(p.Request))
					}
				}
			}
		})
	}
}

func asked(list []probe.Probe) (out []string) {
	for _, p := range list {
		out = append(out, p.Request.Method+" "+probe.URL(p.Request))
	}
	return out
}

// A rule that an earlier one hides is not said to be reached.
func TestUnreachable(t *testing.T) {
	s := site(t, ".htaccess", "RewriteEngine On\nRewriteRule ^(.*)$ /all [R,L]\nRewriteRule ^a$ /b [R,L]\n", probe.Options{})
	for _, p := range s.Requests(s.Rules()[1], 0) {
		if p.Reached {
			t.Errorf("%s cannot reach the rule", probe.URL(p.Request))
		}
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct {
		name, file, text, url string
		hosts                 []string
		end                   probe.End
		redirects             int
		next                  string
	}{
		{"chain", ".htaccess", "Redirect 301 /a /b\nRedirect 301 /b /c\n", "http://h.test/a", nil, probe.EndAnswer, 2, ""},
		{"cycle", ".htaccess", "Redirect 301 /a /b\nRedirect 301 /b /a\n", "http://h.test/a?q=1", nil, probe.EndCycle, 2, "http://h.test/a?q=1"},
		{"growing", ".htaccess", "Redirect 301 /a /a/b\n", "http://h.test/a", nil, probe.EndLimit, 6, "http://h.test/a/b/b/b/b/b/b"},
		{"foreign", ".htaccess", "Redirect 301 /a https://other.example/\n", "http://h.test/a", nil, probe.EndLeft, 1, "https://other.example/"},
		{"own by option", ".htaccess", "Redirect 301 /a https://other.example/a\n", "http://h.test/a", []string{"other.example"}, probe.EndCycle, 2, "https://other.example/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := site(t, c.file, c.text, probe.Options{Hosts: c.hosts})
			r, err := probe.ParseURL(c.url)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Follow(probe.Probe{Request: r}, 5)
			if got.End != c.end || got.Redirects() != c.redirects || c.next != "" && got.Next != c.next {
				t.Errorf("end %s after %d redirects, next %s; want %s, %d, %s\n%v", got.End, got.Redirects(), got.Next, c.end, c.redirects, c.next, s.Witness(&got))
			}
		})
	}
}

// The method of the next request follows the status.
func TestRedirectedMethod(t *testing.T) {
	base, _ := probe.ParseURL("http://h.test/a/b?x=1")
	for _, c := range []struct {
		method   string
		status   int
		location string
		want     string
	}{
		{"POST", 301, "/c", "GET http://h.test/c"}, {"POST", 302, "c", "GET http://h.test/a/c"},
		{"POST", 307, "//o.test/c", "POST http://o.test/c"}, {"PUT", 301, "?y", "PUT http://h.test/a/b?y"},
		{"PUT", 303, "https://h.test", "GET https://h.test/"}, {"HEAD", 303, "http://h.test:8080/c#d", "HEAD http://h.test:8080/c"},
	} {
		r := base
		r.Method = c.method
		next, ok := probe.Redirected(r, c.status, c.location)
		if got := next.Method + " " + probe.URL(next); !ok || got != c.want {
			t.Errorf("%s %d %s: %s, want %s", c.method, c.status, c.location, got, c.want)
		}
	}
}

func TestReplay(t *testing.T) {
	s := site(t, ".htaccess", "RewriteEngine On\nRewriteCond %{HTTP_COOKIE} \"a b\"\nRewriteCond %{DOCUMENT_ROOT}/x -f\nRewriteRule ^a$ /b [R]\n", probe.Options{})
	p, ok := s.Reach(s.Rules()[0])
	if !ok {
		t.Fatal("the rule is not reached")
	}
	want := "rewright trace --follow -H 'Cookie: a b' --exists x .htaccess http://example.test/a"
	if got := s.Replay(p, ".htaccess", true); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
