package live

import (
	"fmt"
	"regexp"
	"strings"
)

// nginxGen draws one nginx site.
type nginxGen struct {
	gen
	scenario
	id    string   // suffix of variable names: they are global in an nginx process
	vars  []string // user variables that exist
	names []string // named locations
	show  map[string]bool
	alone bool
}

var nginxFiles = []string{"index.html", "a.html", "b", "c.txt", "a b.txt", "page.php", "index.php", "404.html", "dir/index.html", "dir/x.html",
	"dir/sub/y.txt", "sub/", "sub/a.html", "sub/index.php", "d/", "img/a.png", "old.html", "é.html", "new/index.html", "new/a", "a/b/c", "50x.html", "f.css", "link -> c.txt"}

var namedGroup = regexp.MustCompile(`\(\?P?[<'][A-Za-z]`)

func nginxSite(seed uint64, requests int) *site {
	g := &nginxGen{gen: newGen(seed), show: map[string]bool{}, id: fmt.Sprint(seed)}
	s := &site{Seed: seed, Config: map[string]string{}}
	s.Files = g.some(45, nginxFiles...)
	for _, f := range s.Files {
		name, _, _ := strings.Cut(f, " -> ")
		g.paths = append(g.paths, "/"+strings.TrimSuffix(name, "/"))
	}
	if g.chance(20) {
		s.Config["http"] = g.maps()
		s.Alone = true
	}
	if g.chance(12) {
		s.Config["http"] += g.servers()
		s.Alone = true
	}
	for range g.IntN(3) {
		g.names = append(g.names, g.pick("@a", "@b", "@fallback", "@php"))
	}
	s.Config["server"] = g.server()
	if namedGroup.MatchString(s.Config["server"]) {
		s.Alone = true
	}
	for name := range g.show {
		s.Show = append(s.Show, name)
	}
	for range requests {
		s.Requests = append(s.Requests, g.request(g.scenario))
	}
	return s
}

func (g *nginxGen) maps() string {
	var b strings.Builder
	for i := range 1 + g.IntN(2) {
		name := fmt.Sprintf("$m%d_%s", i, g.id)
		fmt.Fprintf(&b, "map %s %s {\n", g.pick("$uri", "$request_uri", "$http_host", "$arg_x", "$http_user_agent", "$host", "$request_method", "$args", "\"$host$uri\"", "$http_x_a", "$scheme", "$uri"), name)
		if g.chance(30) {
			b.WriteString("  hostnames;\n")
		}
		if g.chance(15) {
			b.WriteString("  volatile;\n")
		}
		seen := map[string]bool{}
		for range 1 + g.IntN(5) {
			key := g.pick("/a", "/b", "/old/1", "example.test", "*.example.test", "\"\"", "1", "~^/a(.*)$", "~*^/OLD/(\\d+)$", "~bot", "GET", "~^/(?<rest"+g.id+">[a-z]+)$", "x", "https", ".example.test", "~x=(\\d+)", "www.*", "\\default", "abc", "/c.txt")
			if seen[strings.ToLower(key)] {
				continue
			}
			seen[strings.ToLower(key)] = true
			fmt.Fprintf(&b, "  %s %s;\n", key, g.pick("/b", "/new", "1", "0", "\"\"", "$1", "/n/$1", "https://other.test/", "$uri", "/c?x=1", "a$arg_x", "x"))
		}
		if g.chance(50) {
			fmt.Fprintf(&b, "  default %s;\n", g.pick("0", "/d", "\"\"", "$uri", "none"))
		}
		b.WriteString("}\n")
		g.vars = append(g.vars, name)
	}
	if g.chance(20) {
		name := "$geo_" + g.id
		fmt.Fprintf(&b, "geo %s {\n  default 0;\n  127.0.0.0/8 %s;\n  127.0.0.1 2;\n}\n", name, g.pick("1", "a"))
		g.vars = append(g.vars, name)
	}
	return b.String()
}

// servers are further servers on the same port, before the site's own: the first is the default.
func (g *nginxGen) servers() string {
	var b strings.Builder
	for range 1 + g.IntN(2) {
		b.WriteString("server {\n  listen 127.0.0.1:@PORT@;\n  server_name " + g.pick("www.example.test", "*.example.test", ".example.test", "~^old\\.", "other.test", "~^(?<sub"+g.id+">\\w+)\\.example\\.test$", "_", "\"\"", "www.*", "m.example.test other.test") + ";\n")
		b.WriteString("  root @DOCROOT@" + g.pick("", "/dir", "/sub") + ";\n")
		switch g.IntN(4) {
		case 0:
			b.WriteString("  return 301 " + g.pick("http://example.test$request_uri", "$scheme://$host/x", "/b", "http://$server_name$uri", "https://$1.test/") + ";\n")
		case 1:
			b.WriteString("  rewrite ^/(.*)$ " + g.pick("http://example.test/$1 permanent", "/new/$1", "/$host/$1 last", "$scheme://example.test$uri redirect") + ";\n")
		case 2:
			b.WriteString("  location / { return 200 \"$host $server_name $1\"; }\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func (g *nginxGen) server() string {
	var b strings.Builder
	if g.chance(15) {
		b.WriteString(g.pick("absolute_redirect off;\n", "server_name_in_redirect on;\n", "merge_slashes off;\n"))
	}
	if g.chance(15) {
		b.WriteString("index " + g.pick("index.php index.html", "a.html", "none.html index.html", "index.php /404.html", "$arg_x index.html") + ";\n")
	}
	if g.chance(25) {
		b.WriteString(g.errorPage())
	}
	if g.chance(20) {
		b.WriteString(g.addHeader())
	}
	if g.chance(5) {
		b.WriteString("root @DOCROOT@/dir;\n")
	}
	for range g.IntN(3) {
		b.WriteString(g.script("", true, 0))
	}
	if g.chance(8) {
		b.WriteString(g.tryFiles())
	}
	if g.chance(3) {
		b.WriteString(g.pick("deny all;\n", "allow 127.0.0.1;\ndeny all;\n", "autoindex on;\n", "recursive_error_pages on;\n", "default_type text/plain;\n"))
	}
	seen := map[string]bool{}
	for range 1 + g.IntN(5) {
		b.WriteString(g.location("", 0, seen, ""))
	}
	for _, name := range g.names {
		if !seen[name] && g.chance(85) {
			seen[name] = true
			b.WriteString("location " + name + " {\n" + g.content("  ", 1, name) + "}\n")
		}
	}
	if g.chance(3) { // likely refused
		b.WriteString(g.pick("foo on;\n", "rewrite ^/a;\n", "return;\n", "location /a {\n", "}\n", "if ($x_nope = 1) { return 403; }\n", "rewrite ^(a /b;\n", "rewrite ^/a /b [L];\n",
			"return 301 /a /b;\n", "try_files $uri;\n", "error_page 200 /x;\n", "location = {\n}\n", "set x 1;\n", "alias /x;\n", "internal;\n", "return abc;\n", "set $uri 1;\n", "if ($uri == /a) { return 403; }\n",
			"location ~ ^/(a { return 403; }\n", "root a b;\n", "add_header X;\n", "return 301 $nope_nope;\n", "rewrite ^ /b\nreturn 301 /c;\n", "index;\n", "expires foo;\n"))
	}
	return b.String()
}

func (g *nginxGen) regex() string {
	re := g.pick("^/a$", "^/a/?$", "^(.*)$", "^/(.*)$", "^/([^/]+)/(.*)$", "^/a/(.*)$", "^/(.*)\\.html$", "^/(a|b)/([a-z]+)$", "^/old/(\\d+)(?:/(\\w+))?/?$", "^/dir/(.*)", "^/([a-z]+)$",
		"^/sub/?(.*)$", "\\.php$", "\\.html?$", "^/x$", "^/new/(.*)$", "^/(?!index)(.*)$", "^/(a)(b)?(c)?$", "^/b$", "^/c(\\.txt)?$", "^(.*)/$", "/(\\w+)\\.php$", "^/img/(.+)\\.(png|jpe?g)$",
		".", "^", "(.+)", "a", "(\\d+)", "(?i)^/A", "^/[ab]", "^/d/?$", "\"^/\\d{1,3}$\"", "^/(?<part"+g.id+">[a-z]+)/x$", "^/a(/b)?(/.*)?$", "é|\\s")
	g.patterns = append(g.patterns, strings.Trim(re, "\""))
	return re
}

func (g *nginxGen) variable() string {
	list := []string{"$uri", "$request_uri", "$args", "$is_args", "$host", "$http_host", "$scheme", "$arg_x", "$arg_id", "$http_x_a", "$request_method", "$cookie_id", "$server_name", "$query_string",
		"$document_uri", "$http_user_agent", "$remote_addr", "$server_protocol", "$https", "$http_referer", "$document_root", "$request_filename"}
	list = append(list, g.vars...)
	list = append(list, g.vars...)
	return g.pick(list...)
}

func (g *nginxGen) value() string {
	switch g.IntN(12) {
	case 0:
		return "/b"
	case 1:
		return "$1"
	case 2:
		return g.variable()
	case 3:
		return "\"" + g.variable() + "-$1\""
	case 4:
		return "1"
	case 5:
		return "0"
	case 6:
		return "\"\""
	case 7:
		return "/n" + g.variable()
	case 8:
		return "${uri}x"
	case 9:
		return "\"a b\""
	case 10:
		return "$1$2"
	}
	return "x"
}

func (g *nginxGen) url() string {
	return g.pick("/b", "/new/$1", "/new$uri", "https://other.test/", "https://other.test$request_uri", "$scheme://$host/x", "http://example.test/$1", "https://$host$uri$is_args$args", "/b?x=1", "/b?x=$arg_x", "$uri/",
		"/c.txt", "/dir/", "http://www.example.test$request_uri", "/$1/$2", "b", "//x/y", "$1", "/a%20b", "/b#f", "/é", "\"/a b\"", "mailto:x", "/index.php$is_args$args", g.variable())
}

func (g *nginxGen) replacement() string {
	return g.pick("/b", "/new/$1", "/new/$1?", "/b?x=1", "/b?x=$1", "/b?x=$1?", "/$2/$1", "/index.php?q=$1", "/index.php?q=$1&a=$2", "/index.html", "https://other.test/$1", "https://other.test$request_uri?", "http://example.test/b", "$scheme://$host/y/$1",
		"/c.txt", "/dir/$1", "/dir/", "/a", "$uri/", "/a/b/c", "$1.html", "/$1.html", "$uri.html", "b", "?x", "/b#f", "/sub/$1", "/x/$1/y", "/d", "/"+g.variable(), "$1", "//b", "/%20x", "\"/a b\"", "/é/$1", "/$args", "${scheme}://x", "/50x.html")
}

// script is one directive of the rewrite module.
func (g *nginxGen) script(indent string, server bool, depth int) string {
	switch k := g.IntN(100); {
	case k < 40:
		return indent + "rewrite " + g.regex() + " " + g.replacement() + g.pick("", "", " last", " last", " break", " break", " redirect", " permanent") + ";\n"
	case k < 62 && depth == 0:
		return g.ifBlock(indent, server)
	case k < 78:
		name := g.pick("$a_", "$b_", "$c_") + g.id
		value := g.value()
		if !contains(g.vars, name) {
			g.vars = append(g.vars, name)
		}
		if g.chance(6) {
			name = "$args"
			value = g.pick("x=9", "\"\"", "$args&y=2", "id=$1")
		}
		return indent + "set " + name + " " + value + ";\n"
	case k < 86:
		return indent + "break;\n"
	case k < 93 && (depth > 0 || !server):
		return indent + g.ret()
	}
	return indent + "rewrite " + g.regex() + " " + g.replacement() + g.pick(" last", " break", "") + ";\n"
}

func (g *nginxGen) ret() string {
	switch g.IntN(8) {
	case 0, 1, 2:
		return "return " + g.pick("301", "302", "303", "307", "308") + " " + g.url() + ";\n"
	case 3:
		return "return " + g.pick("403", "404", "410", "500", "503", "204", "200", "405", "418", "301", "444", "400", "499", "429") + ";\n"
	case 4, 5:
		return "return " + g.pick("200", "403", "404", "202", "503", "300", "204") + " " + g.pick("ok", "\"uri=$uri args=$args\"", "\"1=$1 2=$2\"", "$uri", "\"\"", "$arg_x", "\"v="+g.variable()+"\"") + ";\n"
	case 6:
		return "return " + g.pick("https://other.test/", "http://example.test$request_uri", "$scheme://$host/z", "https://$host$uri") + ";\n"
	}
	return "return 200 \"" + g.variable() + " " + g.variable() + " $1\";\n"
}

func (g *nginxGen) ifBlock(indent string, server bool) string {
	re := func() string {
		re := g.pick("^www\\.(.*)$", "^/a", "(.*)", "bot", "x=(\\d+)", "^$", "^/(\\w+)", "POST|PUT", "id=(\\d+)", "\\.php$", "^/a/(?<cap"+g.id+">.*)$", "1", "^example", "(a)|(b)", "\"^.{3,}$\"")
		return re
	}
	cond := ""
	switch g.IntN(8) {
	case 0:
		cond = g.variable()
	case 1, 2:
		cond = g.variable() + " " + g.pick("=", "!=") + " " + g.pick("1", "0", "\"\"", "example.test", "/a", "POST", "GET", "https", "x=1", "$uri", "abc", "www.example.test", "/b", "\"$arg_x\"", "$1")
	case 3, 4, 5:
		cond = g.variable() + " " + g.pick("~", "~", "~*", "!~", "!~*") + " " + re()
	default:
		cond = g.pick("-f", "!-f", "-d", "!-d", "-e", "!-e", "-x", "!-x") + " " + g.pick("$request_filename", "$document_root$uri", "$document_root/b", "$document_root$uri.html", "$request_filename/index.html", "@DOCROOT@/c.txt", "$document_root/$1")
	}
	var b strings.Builder
	b.WriteString(indent + "if (" + cond + ") {\n")
	for range 1 + g.IntN(2) {
		if g.chance(45) {
			b.WriteString(indent + "  " + g.ret())
		} else {
			b.WriteString(g.script(indent+"  ", server, 1))
		}
	}
	if !server && g.chance(25) {
		b.WriteString(indent + "  " + g.pick(g.addHeader(), "root @DOCROOT@/sub;\n", g.errorPage(), "expires 1h;\n"))
	}
	b.WriteString(indent + "}\n")
	return b.String()
}

func (g *nginxGen) errorPage() string {
	return "error_page " + g.pick("404", "403 404", "500 502 503 504", "410", "405", "301", "404 403 500", "418", "302 404") + g.pick("", "", "", " =", " =200", " =301", " =404") + " " +
		g.pick("/404.html", "/50x.html", "/index.php?e=1", "@fallback", "https://other.test/e", "/none", "/b", "/a$uri", "@a", "/$arg_x", "err.html", "http://example.test$request_uri") + ";\n"
}

func (g *nginxGen) addHeader() string {
	name := g.pick("X-One", "X-Two", "X-Three")
	g.show[name] = true
	return "add_header " + name + " " + g.pick("a", "\"b c\"", "$uri", "$args", "\"$host-$1\"", "$sent_http_location", "$status", "\"\"", g.variable()) + g.pick("", "", " always") + ";\n"
}

func (g *nginxGen) tryFiles() string {
	files := []string{}
	for range 1 + g.IntN(3) {
		files = append(files, g.pick("$uri", "$uri", "$uri/", "$uri.html", "/c.txt", "$uri/index.html", "/dir/$1", "/a.html", "/b", "$arg_x", "/none", "/dir/", "$uri.php", "x"))
	}
	last := []string{"=404", "/index.php", "/index.php?$args", "/index.html", "=403", "/index.php?q=$uri&$args", "/none", "/404.html", "=200", "/b", "$uri.html", "/dir/", "=301", "index.php", "@none"}
	last = append(last, g.names...)
	last = append(last, g.names...)
	return "try_files " + strings.Join(files, " ") + " " + g.pick(last...) + ";\n"
}

func (g *nginxGen) location(indent string, depth int, seen map[string]bool, outer string) string {
	head := ""
	switch k := g.IntN(100); {
	case k < 40:
		head = g.pick("/", "/", "/a", "/a/", "/b", "/dir/", "/sub", "/old/", "/new/", "/a/b", "/img/", "/index.php", "/d", "/c.txt", "/x", "/404.html", "\"/a b\"", "/sub/", "/é")
		if outer != "" {
			head = outer + g.pick("", "b", "/x", "a", "1")
			if head == outer {
				head += "z"
			}
		}
		g.paths = append(g.paths, strings.Trim(head, "\""))
	case k < 52:
		head = "= " + g.pick("/", "/a", "/b", "/index.html", "/index.php", "/404.html", "/50x.html", "/old", "/dir", "/c.txt")
		if outer != "" {
			head = "= " + outer + g.pick("", "x", "/b")
		}
		g.paths = append(g.paths, head[2:])
	case k < 62:
		head = "^~ " + g.pick("/a", "/img/", "/dir", "/old/", "/new", "/sub/")
		if outer != "" {
			head = "^~ " + outer + g.pick("q", "/")
		}
		g.paths = append(g.paths, head[3:])
	default:
		head = g.pick("~ ", "~ ", "~* ") + g.regex()
	}
	key := strings.TrimPrefix(strings.TrimPrefix(head, "^~ "), "= ")
	if strings.HasPrefix(head, "= ") {
		key = "= " + key
	}
	if seen[key] && !strings.HasPrefix(head, "~") && g.chance(95) {
		return ""
	}
	seen[key] = true
	name := strings.Trim(strings.TrimLeft(head, "=^~* "), "\"")
	text := indent + "location " + head + " {\n" + g.content(indent+"  ", depth+1, head)
	if depth < 2 && g.chance(22) && !strings.HasPrefix(head, "=") {
		in := map[string]bool{}
		if strings.HasPrefix(head, "~") {
			name = "/none"
		}
		for range 1 + g.IntN(2) {
			if strings.HasPrefix(head, "~") || strings.Contains(name, " ") {
				// A prefix inside a regex location is refused: regex locations only.
				text += indent + "  location ~ " + g.regex() + " {\n" + g.content(indent+"    ", depth+2, "~ x") + indent + "  }\n"
			} else {
				text += g.location(indent+"  ", depth+1, in, name)
			}
		}
	}
	return text + indent + "}\n"
}

// proxy is a proxy_pass to the backend, with no URI part where none is allowed.
func (g *nginxGen) proxy(head string) string {
	uri := g.pick("", "$request_uri", "/v$uri$is_args$args", "$uri", "/$1", "/redir?to=/b$1")
	if !strings.HasPrefix(head, "~") && !strings.HasPrefix(head, "@") {
		uri = g.pick("", "", "/", "/u", "/u/", "/u?x=1", "$request_uri", "/v$uri", "/redir?to=/a/b", "/redir?to=http://@UPSTREAM@/u/x")
	}
	text := "proxy_pass http://@UPSTREAM@" + uri + ";\n"
	if g.chance(15) {
		text += g.pick("proxy_redirect off;\n", "proxy_set_header Host $host;\n", "proxy_set_header Host example.test;\n", "proxy_redirect /a/ /n/;\n", "proxy_method GET;\n")
	}
	return text
}

// content is what stands in a location besides nested ones.
func (g *nginxGen) content(indent string, depth int, head string) string {
	var b strings.Builder
	line := func(s string) { b.WriteString(indent + s) }
	if g.chance(12) && !strings.HasPrefix(head, "@") {
		line("internal;\n")
	}
	for range g.IntN(3) {
		if g.chance(70) {
			b.WriteString(g.script(indent, false, 0))
		}
	}
	switch g.IntN(11) {
	case 10:
		line(g.proxy(head))
	case 0, 1, 2:
		line(g.tryFiles())
	case 3, 4:
		line(g.ret())
	case 5:
		if strings.HasPrefix(head, "~") {
			line("alias @DOCROOT@/" + g.pick("$1", "dir/$1", "c.txt", "dir/") + ";\n")
		} else if !strings.HasPrefix(head, "@") {
			line("alias @DOCROOT@/" + g.pick("dir/", "sub/", "dir", "c.txt", "new/", "") + ";\n")
		}
	case 6:
		line("root @DOCROOT@/" + g.pick("dir", "sub", "new/", "none") + ";\n")
	case 7:
		line("index " + g.pick("index.php index.html", "x.html", "a.html /404.html", "index.html") + ";\n")
	}
	if g.chance(15) {
		line(g.addHeader())
	}
	if g.chance(10) {
		line(g.errorPage())
	}
	if g.chance(8) {
		line(g.pick("deny all;\n", "allow 127.0.0.1;\n"+indent+"deny all;\n", "deny 127.0.0.1;\n", "deny 10.0.0.0/8;\n", "limit_except GET { deny all; }\n", "limit_except GET POST { deny 127.0.0.1; }\n", "autoindex on;\n", "expires 1h;\n", "default_type text/plain;\n", "satisfy any;\n"))
	}
	return b.String()
}
