package load

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"rewright/parser/ir"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		server           ir.Server
		context          ir.Context
		sure             bool
	}{
		{"htaccess by name", "a/.htaccess", "", ir.Apache, ir.ContextHtaccess, true},
		{"copy of a htaccess", "htaccess.txt", "RewriteEngine On\nRewriteRule ^a$ /b\n", ir.Apache, ir.ContextHtaccess, true},
		{"prose called htaccess.txt", "htaccess.txt", "How to write one.\n", ir.Apache, ir.ContextHtaccess, false},
		{"whole httpd.conf", "httpd.conf", "Listen 80\nServerRoot /etc/httpd\n", ir.Apache, ir.ContextServer, true},
		{"sites-available", "000-default.conf", "<VirtualHost *:80>\nServerName a\n</VirtualHost>\n", ir.Apache, ir.ContextServer, true},
		{"inside of a vhost", "redirects.conf", "RewriteRule ^/old$ /new [R]\nRewriteRule ^/a$ /b [R]\n", ir.Apache, ir.ContextVhost, true},
		{"per-directory patterns", "rules.txt", "RewriteRule ^old$ /new [R]\n", ir.Apache, ir.ContextHtaccess, true},
		{"whole nginx.conf", "nginx.conf", "events {}\nhttp {\n server {\n }\n}\n", ir.Nginx, ir.ContextMain, true},
		{"braces on lines of their own", "nginx.conf", "user  www;\nevents\n    {\n    }\nhttp\n    {\n    }\n", ir.Nginx, ir.ContextMain, true},
		{"names in quotes", "site.conf", "user nobody;\n\"events\" { \"worker_connections\" 2048; }\n\"http\" {\n server {\n }\n}\n", ir.Nginx, ir.ContextMain, true},
		{"server with its brace below", "site.conf", "server\n    {\n    listen 80;\n    root /a;\n    }\n", ir.Nginx, ir.ContextHTTP, true},
		{"ServerTokens is of the whole server", "site.conf", "ServerTokens Prod\nErrorDocument 404 /404.html\n<Directory />\n</Directory>\n", ir.Apache, ir.ContextServer, true},
		{"inside of http", "site.conf", "map $uri $new {\n /a /b;\n}\nserver {\n listen 80;\n}\n", ir.Nginx, ir.ContextHTTP, true},
		{"inside of server", "x.conf", "location / {\n return 404;\n}\n", ir.Nginx, ir.ContextServer, true},
		{"inside of location", "x.conf", "proxy_pass http://127.0.0.1;\nproxy_set_header Host $host;\n", ir.Nginx, ir.ContextLocation, true},
		{"if with a header", "cors.conf", "set $c 1;\nif ($c = 1) {\n add_header A b;\n return 204;\n}\n", ir.Nginx, ir.ContextLocation, true},
		{"if with a header beside server_name", "cors.conf", "server_name a;\nif ($c = 1) {\n add_header A b;\n}\n", ir.Nginx, ir.ContextServer, true},
		{"if of a server", "www.conf", "if ($host = a) {\n return 301 https://b/;\n}\n", ir.Nginx, ir.ContextServer, true},
		{"htaccess behind a word", "old_htaccess", "RewriteEngine On\nRewriteBase /a/\n", ir.Apache, ir.ContextHtaccess, true},
		{"server's file named after htaccess", "_htaccess-tests.conf", "ErrorLog /tmp/e\n<VirtualHost *:80>\nServerName a\n</VirtualHost>\n", ir.Apache, ir.ContextServer, true},
		{"htaccess with what is refused there", "htaccess.txt", "ErrorLog /tmp/e\nRewriteEngine On\n", ir.Apache, ir.ContextHtaccess, true},
		{"macros", "m.conf", "<Macro port $p>\nListen $p\n</Macro>\nUse port 8080\n", ir.Apache, ir.ContextServer, true},
		{"CRLF", "x.conf", "server {\r\n  listen 80;\r\n}\r\n", ir.Nginx, ir.ContextHTTP, true},
		{"ini file", "app.conf", "[server]\nport = 80\nlocation = /var\n", 0, "", false},
		{"shell script", "start.conf", "set -e\ninclude foo\nexport A=1\n", 0, "", false},
		{"C source", "a.conf", "if (x) {\n  return 1;\n}\n", ir.Nginx, ir.ContextServer, false},
		{"template", "site.conf", "server {\n listen {{ port }};\n}\n", 0, "", false},
		{"empty", "x.conf", "", 0, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := Detected{c.server, c.context, c.sure}
			if got := Detect(c.file, []byte(c.text)); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	tree := fstest.MapFS{
		"big.conf": {Data: make([]byte, 2000)}, "elf.conf": {Data: []byte("\x7fELF\x02\x01")}, "nul.conf": {Data: []byte("a\x00b\x00c\x00d\x00")},
		"utf16.conf": {Data: []byte("\xff\xfeR\x00e\x00")}, "notes": {Data: []byte("Buy milk.\n")}, "empty/x": {}, "pipe.conf": {Mode: fs.ModeNamedPipe},
		"few-nul.htaccess": {Data: []byte("Redirect /a /b\n# " + strings.Repeat("x", 200) + "\x00\n")},
	}
	for _, c := range []struct {
		name, file string
		want       error
		says       string
	}{
		{"too large", "big.conf", ErrTooLarge, "big.conf: "},
		{"program", "elf.conf", ErrBinary, "ELF"},
		{"NUL-rich", "nul.conf", ErrBinary, ""},
		{"UTF-16", "utf16.conf", ErrBinary, "UTF-16"},
		{"prose", "notes", ErrUnknownFormat, "--format"},
		{"folder without configuration", "empty", ErrNoConfiguration, "empty: "},
		{"missing", "none.conf", fs.ErrNotExist, "none.conf: "},
		{"pipe", "pipe.conf", ErrNotRegular, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(tree, c.file, Options{MaxSize: 1000})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v that says %q", err, c.want, c.says)
			}
		})
	}
	lines := fstest.MapFS{"lines.conf": {Data: bytes.Repeat([]byte("\n"), maxLines+1)}}
	if _, err := Load(lines, "lines.conf", Options{}); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "lines and more") {
		t.Errorf("%d lines: %v", maxLines+1, err)
	}
	if _, err := Load(tree, "few-nul.htaccess", Options{}); err != nil {
		t.Errorf("a NUL in a comment: %v", err)
	}
	if _, err := Text(nil, "x", []byte("a"), Options{Server: ir.Nginx, Context: ir.ContextVhost}); err == nil {
		t.Error("nginx has no context vhost, but there was no error")
	}
}

func TestUnreadable(t *testing.T) {
	_, err := Load(deny{fstest.MapFS{"site/.htaccess": {}}, "site/.htaccess"}, "site", Options{})
	if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), "site/.htaccess: ") {
		t.Errorf("%v: want the path and the reason", err)
	}
	l, err := Load(deny{fstest.MapFS{".htaccess": {}, "private/.htaccess": {}}, "private"}, ".", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if list := l.Diagnostics(); len(list) != 1 || !strings.Contains(list[0].Message, "private: permission denied; .htaccess files in it are not known") {
		t.Errorf("diagnostics %+v", list)
	}
}

func TestAddHtaccess(t *testing.T) {
	tree := deny{fstest.MapFS{"www/.htaccess": {Data: []byte("Redirect /a /${TO}\n")}, "www/private/.htaccess": {}}, "www/private/.htaccess"}
	l, err := Text(tree, "vhost.conf", []byte("Define TO b\nServerName x\n"), Options{Context: ir.ContextVhost})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AddHtaccess(tree, "www", "/srv/www", Options{}); err != nil {
		t.Fatal(err)
	}
	scopes := l.Program.Htaccess
	if len(scopes) != 2 || scopes[0].Dir != "/srv/www" || scopes[1].Dir != "/srv/www/private" {
		t.Fatalf("scopes %+v", scopes)
	}
	if rule, ok := scopes[0].Items[0].(*ir.Rule); !ok || rule.Target.Text != "/b" {
		t.Errorf("a name that the server defines is not known in .htaccess: %+v", scopes[0].Items[0])
	}
	if o, ok := scopes[1].Items[0].(*ir.Opaque); !ok || o.Harmless {
		t.Errorf("an unreadable file leaves nothing behind that makes answers unknown: %+v", scopes[1].Items[0])
	}
}

// deny is a file system in which one name cannot be opened.
type deny struct {
	fstest.MapFS
	name string
}

func (d deny) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.Open(name)
}

func (d deny) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.ReadDir(name)
}

func TestTree(t *testing.T) {
	tree := fstest.MapFS{
		"www/.htaccess": {}, "www/b/.htaccess": {}, "www/a/deep/.htaccess": {}, "www/a/page": {}, "other/.htaccess": {},
		"www/link": {Mode: fs.ModeSymlink, Data: []byte("../linked")}, "linked/.htaccess": {},
		"linked/again": {Mode: fs.ModeSymlink, Data: []byte("../linked")},
	}
	for _, c := range []struct {
		name string
		o    Options
		root string
		want []string
	}{
		{"where it lies", Options{}, "/www", []string{"/www", "/www/a/deep", "/www/b", "/www/link"}},
		{"mounted", Options{Mount: "/home/me"}, "/home/me/www", []string{"/home/me/www", "/home/me/www/a/deep", "/home/me/www/b", "/home/me/www/link"}},
		{"for another root", Options{DocumentRoot: "/srv/x"}, "/srv/x", []string{"/srv/x", "/srv/x/a/deep", "/srv/x/b", "/srv/x/link"}},
		{"for a root above", Options{DocumentRoot: "/"}, "/", []string{"/www", "/www/a/deep", "/www/b", "/www/link"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Load(tree, "www", c.o)
			if err != nil {
				t.Fatal(err)
			}
			var dirs []string
			for _, s := range l.Program.Htaccess {
				dirs = append(dirs, s.Dir)
			}
			if l.Docroot != c.root || strings.Join(dirs, " ") != strings.Join(c.want, " ") {
				t.Errorf("%s %v, want %s %v", l.Docroot, dirs, c.root, c.want)
			}
		})
	}
}

func TestFolderOfAServer(t *testing.T) {
	tree := fstest.MapFS{
		"nginx/nginx.conf":      {Data: []byte("events {}\nhttp {}\n")},
		"httpd/conf/httpd.conf": {Data: []byte("ServerRoot /etc/httpd\nListen 80\n")},
	}
	for name, want := range map[string]ir.Server{"nginx": ir.Nginx, "httpd": ir.Apache} {
		if l, err := Load(tree, name, Options{}); err != nil || l.Program.Server != want {
			t.Errorf("%s: %v %v", name, l, err)
		}
	}
}

func TestIncludes(t *testing.T) {
	tree := fstest.MapFS{
		"etc/nginx/nginx.conf": {Data: []byte("events {}\n")}, "etc/nginx/conf.d/b.conf": {}, "etc/nginx/conf.d/a.conf": {}, "etc/nginx/conf.d/.hidden.conf": {},
		"etc/nginx/sites/one.conf": {}, "etc/secret": {}, "etc/httpd/conf/httpd.conf": {}, "etc/httpd/conf.d/b.conf": {},
		"etc/httpd/conf.d/sub/a.conf": {}, "repo/nginx.conf": {}, "repo/conf.d/r.conf": {},
	}
	nginx, apache := Detected{ir.Nginx, ir.ContextMain, true}, Detected{ir.Apache, ir.ContextServer, true}
	inHTTP := Detected{ir.Nginx, ir.ContextHTTP, true}
	const found, missing, unknown = "found", "missing", "unknown"
	for _, c := range []struct {
		name, main, include string
		d                   Detected
		o                   Options
		want, at            string
	}{
		{"relative", "etc/nginx/nginx.conf", "conf.d/a.conf", nginx, Options{}, found, "etc/nginx/conf.d/a.conf"},
		{"absolute", "etc/nginx/nginx.conf", "/etc/nginx/conf.d/a.conf", nginx, Options{}, found, "etc/nginx/conf.d/a.conf"},
		{"missing where the server looks", "etc/nginx/nginx.conf", "conf.d/none.conf", nginx, Options{}, missing, ""},
		{"missing in a copy", "repo/nginx.conf", "conf.d/none.conf", nginx, Options{}, unknown, ""},
		{"missing below a root that was said", "repo/nginx.conf", "conf.d/none.conf", nginx, Options{Root: "repo"}, missing, ""},
		{"outside", "etc/nginx/nginx.conf", "/etc/secret", nginx, Options{}, unknown, ""},
		{"outside, relative", "etc/nginx/nginx.conf", "../secret", nginx, Options{}, unknown, ""},
		{"outside, allowed", "etc/nginx/nginx.conf", "../secret", nginx, Options{Tree: "."}, found, "etc/secret"},
		{"copy of /etc/nginx", "repo/nginx.conf", "/etc/nginx/conf.d/r.conf", nginx, Options{}, found, "repo/conf.d/r.conf"},
		{"from the folder of the main file", "etc/nginx/sites/one.conf", "conf.d/a.conf", inHTTP, Options{}, found, "etc/nginx/conf.d/a.conf"},
		{"shipped with nginx", "repo/nginx.conf", "mime.types", nginx, Options{}, found, "mime.types"},
		{"ServerRoot above conf", "etc/httpd/conf/httpd.conf", "conf.d/b.conf", apache, Options{}, found, "etc/httpd/conf.d/b.conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			open, _ := Includes(tree, c.main, nil, c.d, c.o)
			f, err := open(c.include)
			switch {
			case err == nil && (c.want != found || f.Name != c.at):
				t.Errorf("found %s, want %s %s", f.Name, c.want, c.at)
			case err != nil && c.want == found:
				t.Errorf("%v, want %s", err, c.at)
			case err != nil && errors.Is(err, fs.ErrNotExist) != (c.want == missing):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name, main, pattern string
		d                   Detected
		want                string // "!" for an error
	}{
		{"sorted, no hidden ones", "etc/nginx/nginx.conf", "conf.d/*.conf", nginx, "conf.d/a.conf conf.d/b.conf"},
		{"absolute", "etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", nginx, "/etc/nginx/conf.d/a.conf /etc/nginx/conf.d/b.conf"},
		{"none is no fault", "etc/nginx/nginx.conf", "none/*.conf", nginx, ""},
		{"outside", "etc/nginx/nginx.conf", "/etc/*", nginx, "!"},
		{"not here", "repo/nginx.conf", "/etc/nginx/sites-enabled/*", nginx, "!"},
		{"folder of httpd", "etc/httpd/conf/httpd.conf", "conf.d", apache, "conf.d/b.conf conf.d/sub/a.conf"},
		{"wildcard folder of httpd", "etc/httpd/conf/httpd.conf", "conf.*", apache, "conf.d/b.conf conf.d/sub/a.conf"},
	} {
		t.Run("glob "+c.name, func(t *testing.T) {
			open, glob := Includes(tree, c.main, nil, c.d, Options{})
			names, err := glob(c.pattern)
			if got := strings.Join(names, " "); c.want == "!" && err == nil || c.want != "!" && (err != nil || got != c.want) {
				t.Fatalf("%q %v, want %q", got, err, c.want)
			}
			for _, n := range names {
				if _, err := open(n); err != nil {
					t.Errorf("open %s: %v", n, err)
				}
			}
		})
	}
}

func TestDiscover(t *testing.T) {
	nginx := []byte("server {\n    listen 80;\n    location / { return 404; }\n}\n")
	tree := fstest.MapFS{
		"site/.htaccess": {}, "site/old.htaccess": {Data: []byte("Redirect /a /b\n")}, "nginx/site.conf": {Data: nginx},
		"sites-available/example.org": {Data: nginx}, "node_modules/x/.htaccess": {}, ".git/.htaccess": {}, "a/vendor/.htaccess": {},
		"app.conf": {Data: []byte("[server]\nport=80\n")}, "main.c": {Data: nginx}, "logo.conf": {Data: []byte("\x89PNG\r\n\x1a\n")},
		"docs/example.org": {Data: nginx}, "tpl/site.conf": {Data: []byte("server {\n listen {{port}};\n}\n")},
	}
	found, err := Discover(tree, ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Name)
	}
	want := "nginx/site.conf site/.htaccess site/old.htaccess sites-available/example.org"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("found %s\nwant  %s", got, want)
	}
	if _, err := Discover(tree, "none", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func FuzzDetect(f *testing.F) {
	f.Add(".htaccess", []byte("RewriteRule ^a$ /b"))
	f.Add("x.conf", []byte("server {\n listen 80;\n}"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		d := Detect(name, text)
		if (d.Server == 0) != (d.Context == "") {
			t.Errorf("%+v: a server has a context, and none has none", d)
		}
		if d.Server != 0 && validContext(d) != nil {
			t.Errorf("%+v: the context is not the server's", d)
		}
	})
}
