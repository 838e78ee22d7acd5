package live

import (
	"fmt"
	"strconv"
	"strings"
)

// apacheGen draws one Apache site.
type apacheGen struct {
	gen
	scenario
	perDir bool // now writing per-directory text
	maps   bool
	exprOn bool // the rule being written has an expr condition: no %N (2.4.71 reads uninitialised memory)
	show   map[string]bool
}

var apacheFiles = []string{"index.html", "a.html", "b", "c.txt", "a b.txt", "page.php", "index.php", "404.html", "dir/index.html",
	"dir/x.html", "dir/sub/y.txt", "sub/", "sub/a.html", "sub/index.php", "d/", "img/a.png", "img/b.jpg", "old.html", "run.cgi*", "link -> c.txt",
	"é.html", "new/index.html", "new/a", "a/b/c"}

func apacheSite(seed uint64, requests int) *site {
	g := &apacheGen{gen: newGen(seed), show: map[string]bool{}}
	s := &site{Seed: seed, Config: map[string]string{}}
	s.Files = g.some(45, apacheFiles...)
	for _, f := range s.Files {
		name, _, _ := strings.Cut(f, " -> ")
		g.paths = append(g.paths, "/"+strings.TrimSuffix(strings.TrimSuffix(name, "*"), "/"))
	}
	if vhost := g.chance(40); vhost {
		s.Config["vhost"] = g.vhost(s)
		if g.chance(35) {
			s.Config[".htaccess"] = g.htaccess(1 + g.IntN(5))
		}
	} else {
		s.Config[".htaccess"] = g.htaccess(1 + g.IntN(8))
	}
	if g.chance(20) {
		dir := g.pick("sub", "dir", "dir/sub", "a", "new")
		if !contains(s.Files, dir) && dir != "a" || !contains(s.Files, "a/b/c") {
			s.Config[dir+"/.htaccess"] = g.htaccess(1 + g.IntN(4))
		}
	}
	if g.chance(3) { // a line that is likely refused
		for _, name := range []string{".htaccess", "vhost"} {
			if text, ok := s.Config[name]; ok {
				s.Config[name] = text + g.pick("RewriteRule ^a$ /b [X]", "RewriteRule ^a", "RewriteCond %{HTTP_HOST}", "Redirect /a", "Redirect 301 a /b",
					"RewriteRule ^(a /b", "RewriteRule a b [L] x", "RewriteRule a b c", "RewriteBase a", "Foo bar", "RewriteEngine maybe", "Redirect 404 /x /y",
					"<Files x>", "</Files>", "Redirect foo /a /b", "Alias /x /y", "RewriteOptions foo", "RewriteRule a b [R=418]", "ErrorDocument 999 /x",
					"Options Foo", "RewriteMap x txt:/nope", "DirectorySlash x", "RewriteCond a b [X]", "Header set", "RewriteRule ^/a[ /b", "RewriteCond %{X} (", "Redirect 301 /a b") + "\n"
				break
			}
		}
	}
	for name := range g.show {
		s.Show = append(s.Show, name)
	}
	for range requests {
		s.Requests = append(s.Requests, g.request(g.scenario))
	}
	return s
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (g *apacheGen) vhost(s *site) string {
	g.perDir, g.scenario.perDir = false, false
	var b strings.Builder
	if g.chance(15) {
		b.WriteString("ServerAlias " + g.pick("www.example.test", "*.example.test", "old.example.test m.example.test") + "\n")
	}
	if g.chance(25) {
		g.maps = true
		s.Config["map.txt"] = "a /b\nb /c?x=1\nold/1 /new\n# note\n7 seven\nexample.test ex\nempty\nA upper\n"
		b.WriteString("RewriteMap m txt:@DOCROOT@/map.txt\nRewriteMap lc int:tolower\nRewriteMap uc int:toupper\nRewriteMap esc int:escape\nRewriteMap un int:unescape\n")
	}
	if g.chance(15) {
		b.WriteString(g.pick("Alias /al @DOCROOT@/dir\n", "Alias /al/ @DOCROOT@/dir/\n", "AliasMatch ^/al/(.*)$ @DOCROOT@/dir/$1\n", "Alias /b @DOCROOT@/c.txt\n"))
		g.paths = append(g.paths, "/al/x.html", "/al", "/al/", "/b")
	}
	if g.chance(5) {
		b.WriteString(g.pick("MergeSlashes Off\n", "AllowEncodedSlashes On\n", "AllowEncodedSlashes NoDecode\n", "UseCanonicalName On\n"))
	}
	b.WriteString(g.body(1+g.IntN(6), true))
	if g.chance(30) {
		head := g.pick("<Directory @DOCROOT@/sub>", "<Directory @DOCROOT@>", "<Directory @DOCROOT@/dir>", "<Location /a>", "<Location /dir>", "<Location />", "<LocationMatch ^/(a|b)/>", "<DirectoryMatch /sub>")
		end := "</" + strings.Fields(head[1:])[0] + ">\n"
		was := g.perDir
		g.perDir = true
		b.WriteString(head + "\n" + g.body(1+g.IntN(3), true) + end)
		g.perDir = was
	}
	return b.String()
}

func (g *apacheGen) htaccess(n int) string {
	g.perDir, g.scenario.perDir = true, true
	text := g.body(n, true)
	if g.chance(3) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// body writes n things; sections only at the top.
func (g *apacheGen) body(n int, top bool) string {
	var b strings.Builder
	if g.chance(85) {
		b.WriteString("RewriteEngine On\n")
	}
	for range n {
		switch k := g.IntN(100); {
		case k < 55:
			b.WriteString(g.rule())
		case k < 68:
			b.WriteString(g.redirect())
		case k < 90 || !top:
			b.WriteString(g.other())
		default:
			b.WriteString(g.section())
		}
	}
	return b.String()
}

func (g *apacheGen) section() string {
	head := g.pick("<Files a.html>", "<Files \"*.php\">", "<FilesMatch \"\\.(html|php)$\">", "<Files ~ \"^b\">", "<If \"%{HTTP_HOST} == 'www.example.test'\">",
		"<If \"%{REQUEST_URI} =~ m#^/a#\">", "<If \"-n %{QUERY_STRING}\">", "<If \"%{REQUEST_METHOD} in {'POST','PUT'}\">", "<If \"%{HTTP:X-A} -eq 1\">",
		"<IfModule mod_rewrite.c>", "<IfModule !mod_rewrite.c>", "<IfModule mod_alias.c>", "<IfModule mod_none.c>", "<IfVersion >= 2.4>", "<IfDefine X>",
		"<Limit POST PUT>", "<LimitExcept GET HEAD>", "<RequireAny>")
	name, _, _ := strings.Cut(head[1:], " ")
	name = strings.TrimSuffix(name, ">")
	if name == "RequireAny" {
		return head + "\n" + strings.ReplaceAll(g.require()+g.require(), "not ", "") + "</RequireAny>\n"
	}
	if strings.HasPrefix(name, "Limit") {
		if !g.perDir {
			return "" // not allowed there
		}
		return head + "\n" + g.require() + "</" + name + ">\n"
	}
	was := g.perDir
	if !strings.HasPrefix(name, "IfM") && !strings.HasPrefix(name, "IfV") && !strings.HasPrefix(name, "IfD") {
		g.perDir = true
	}
	defer func() { g.perDir = was }()
	body := g.body(1+g.IntN(2), false)
	text := head + "\n" + body + "</" + name + ">\n"
	if name == "If" && g.chance(40) {
		text += g.pick("<Else>\n", "<ElseIf \"true\">\n") + g.other()
		if strings.Contains(text, "<Else>") {
			text += "</Else>\n"
		} else {
			text += "</ElseIf>\n"
		}
	}
	return text
}

func (g *apacheGen) require() string {
	return g.pick("Require all granted\n", "Require all denied\n", "Require ip 127.0.0.1\n", "Require ip 10.0.0.0/8\n", "Require method GET POST\n", "Require env X\n",
		"Require expr %{HTTP_HOST} == 'example.test'\n", "Require not ip 127.0.0.1\n", "Require local\n", "Require host example.test\n")
}

func (g *apacheGen) other() string {
	switch g.IntN(15) {
	case 0:
		return "DirectoryIndex " + g.pick("index.html", "index.php index.html", "page.php", "/index.php", "disabled", "none.html a.html", "index.php /404.html") + "\n"
	case 1:
		return "DirectorySlash " + g.pick("On", "Off", "Off") + "\n"
	case 2:
		return "FallbackResource " + g.pick("/index.php", "/404.html", "disabled", "/none", "index.php") + "\n"
	case 3:
		return "ErrorDocument " + g.pick("404", "403", "410", "500", "405") + " " + g.pick("/404.html", "\"not here\"", "http://other.test/e", "/none", "default", "/index.php?e=1", "http://example.test/404.html", "\"x\"", "'text") + "\n"
	case 4:
		return "Options " + g.pick("-Indexes", "+FollowSymLinks", "+Indexes", "-FollowSymLinks", "+SymLinksIfOwnerMatch", "FollowSymLinks", "+MultiViews", "All", "None", "-Indexes +FollowSymLinks") + "\n"
	case 5, 6:
		return g.setEnv()
	case 7, 8:
		return g.header()
	case 9:
		if !g.perDir {
			return "RewriteOptions " + g.pick("Inherit", "AllowAnyURI", "MergeBase", "LegacyPrefixDocRoot", "UnsafePrefixStat") + "\n"
		}
		return "RewriteBase " + g.pick("/", "/", "/sub/", "/sub", "/x/", "/a") + "\n"
	case 10:
		return "RewriteOptions " + g.pick("Inherit", "InheritBefore", "InheritDown", "InheritDownBefore", "IgnoreInherit", "AllowNoSlash", "MergeBase", "IgnoreContextInfo") + "\n"
	case 11:
		if !g.perDir {
			return "RewriteEngine On\n"
		}
		return g.require()
	case 12:
		return "AcceptPathInfo " + g.pick("On", "Off", "Default") + "\n"
	case 13:
		if !g.perDir {
			return ""
		}
		return g.pick("Order allow,deny\nAllow from all\n", "Order deny,allow\nDeny from all\n", "Order deny,allow\nDeny from env=X\n", "Deny from 127.0.0.1\n", "Order allow,deny\nAllow from 10.0.0.1\n", "Satisfy Any\n")
	}
	return g.pick("AddType text/plain .foo\n", "AddDefaultCharset utf-8\n", "SetEnv Y 1\n", "UnsetEnv Y\n", "RewriteEngine On\n", "RewriteEngine Off\n", "AddHandler foo .foo\n", "FileETag None\n", "ServerSignature Off\n", "RedirectRelative On\n", "# a comment\n", "ForceType text/plain\n", "SetHandler none\n")
}

func (g *apacheGen) setEnv() string {
	return g.pick("SetEnvIf", "SetEnvIfNoCase") + " " + g.pick("Host ^www", "Request_URI ^/a", "Request_Method POST", "User-Agent bot", "Remote_Addr ^127", "X-A (.*)", "Referer evil", "Request_Protocol 1\\.0", "^X-.* 1", "Cookie id=(\\d+)", "Request_URI \\.(html|php)$") +
		" " + g.pick("X", "X=1", "X=$1", "!X", "X=a Y=b", "Y", "Z=$0") + "\n"
}

func (g *apacheGen) header() string {
	name := g.pick("X-One", "X-Two", "X-Three")
	g.show[name] = true
	value := g.pick("a", "\"b c\"", "%{X}e", "\"v=%{X}e\"", "expr=%{REQUEST_URI}", "\"expr=%{HTTP_HOST}-%{QUERY_STRING}\"", "1")
	text := "Header " + g.pick("", "", "always ", "onsuccess ") + g.pick("set", "set", "append", "add", "merge", "setifempty") + " " + name + " " + value
	if g.chance(10) {
		text = "Header " + g.pick("", "always ") + "unset " + name
	}
	if g.chance(20) {
		text += " " + g.pick("env=X", "env=!X", "env=REDIRECT_STATUS", "\"expr=%{REQUEST_STATUS} == 200\"", "\"expr=%{REQUEST_URI} =~ /a/\"")
	}
	return text + "\n"
}

func (g *apacheGen) redirect() string {
	path := g.pick("/a", "/old", "/old/", "/b", "/dir", "/a/b", "/sub", "/x", "/", "/index.html", "/new/", "/c.txt", "//a")
	target := g.pick("/b", "/new/", "/new", "http://other.test/", "http://other.test", "https://example.test/x", "http://example.test/y?z=1", "/b?x=1", "/b#f", "/a%20b", "mailto:x", "/a b", "/c.txt", "http://other.test/p?x=")
	g.paths = append(g.paths, path, strings.TrimSuffix(path, "/")+"/x", path+"z")
	if g.chance(40) {
		re := g.pick("^/a$", "^/old/(.*)$", "/(\\d+)", "^/(a|b)/(.*)", "\\.html$", "(?i)^/A", "^/x/?$", "^/([^/]+)/([^/]+)/?$", "/old", "^/(.*)\\.php$")
		g.patterns = append(g.patterns, re)
		target = g.pick("/n/$1", "http://other.test/$1", "/b", "/$2/$1?q=$1", "http://other.test/$0", "/x\\$1", "/$1#f", "/a b$1", "https://example.test$0", "$1", "/p%20q/$1", "/$10")
		return "RedirectMatch " + g.pick("", "301 ", "permanent ", "303 ", "308 ") + g.quote(re) + " " + g.quote(target) + "\n"
	}
	switch g.IntN(12) {
	case 0:
		return "Redirect gone " + path + "\n"
	case 1:
		return "Redirect " + g.pick("404", "403", "410", "500", "405", "200", "418", "204") + " " + path + "\n"
	case 2:
		return "RedirectMatch " + g.pick("403", "404", "410") + " " + g.pick("^/a", "\\.php$", "/\\.", "^/old") + "\n"
	case 3:
		return g.pick("RedirectPermanent ", "RedirectTemp ") + path + " " + target + "\n"
	case 4:
		if g.perDir {
			return "Redirect " + g.pick("301 ", "", "303 ") + g.pick("/to", "http://other.test%{REQUEST_URI}", "http://other.test/") + "\n"
		}
	}
	return "Redirect " + g.pick("", "301 ", "permanent ", "302 ", "temp ", "seeother ", "307 ", "308 ", "303 ", "300 ", "304 ") + path + " " + g.quote(target) + "\n"
}

// quote puts a word into quotes when it has blanks, and sometimes for fun.
func (g *apacheGen) quote(word string) string {
	if word == "" || strings.ContainsAny(word, " \t") || g.chance(8) && !strings.ContainsAny(word, `"\`) {
		return `"` + word + `"`
	}
	return word
}

// subject draws a pattern; server patterns see a leading slash.
func (g *apacheGen) pattern() (text string, groups int) {
	type p struct {
		re     string
		groups int
	}
	list := []p{{"^a$", 0}, {"^a/?$", 0}, {"^(.*)$", 1}, {"^(.+)$", 1}, {"^([^/]+)/(.*)$", 2}, {"^a/(.*)$", 1}, {"^(.*)\\.html$", 1}, {"^(a|b)/([a-z]+)$", 2},
		{"^(a|b|c)$", 1}, {"^old/(\\d+)(?:/(\\w+))?/?$", 2}, {"^dir/(.*)", 1}, {"^([a-z]+)$", 1}, {"^([a-z]+)/([0-9]+)$", 2}, {"^sub/?(.*)$", 1}, {"^page\\.php$", 0},
		{"^index\\.(html|php)$", 1}, {"^x$", 0}, {"^new/(.*)$", 1}, {"^(?!index)(.*)$", 1}, {"^(a)(b)?(c)?$", 3}, {"^b$", 0}, {"^c(\\.txt)?$", 1}, {"^(.*)/$", 1},
		{"^(\\w+)\\.php$", 1}, {"^img/(.+)\\.(png|jpe?g)$", 2}, {"^d/?$", 0}, {"^a(/b)?(/.*)?$", 2}, {"^(.*?)//?(.*)$", 2}}
	free := []p{{".", 0}, {"", 0}, {"\\.php$", 0}, {"\\.html?$", 0}, {"(.*)", 1}, {"a", 0}, {"([0-9]+)", 1}, {"(\\w+)/?$", 1}, {"/$", 0}, {"^", 0}, {"$", 0}, {"(?i)A", 0}, {"(é|\\s)", 1}, {"[^a-z/.]", 0}}
	if g.chance(20) {
		x := free[g.IntN(len(free))]
		g.patterns = append(g.patterns, x.re)
		if x.re == "" {
			return "\"\"", 0
		}
		return x.re, x.groups
	}
	x := list[g.IntN(len(list))]
	if !g.perDir {
		switch {
		case g.chance(70):
			x.re = "^/" + x.re[1:]
		case g.chance(60):
			x.re = "^/?" + x.re[1:]
		}
	} else if g.chance(5) {
		x.re = "^/" + x.re[1:]
	}
	g.patterns = append(g.patterns, x.re)
	return x.re, x.groups
}

func (g *apacheGen) ref() string {
	list := []string{"$1", "$1", "$2", "$0", "%{REQUEST_URI}", "%{HTTP_HOST}", "%{QUERY_STRING}", "%{ENV:X}", "%{SERVER_NAME}", "%{REQUEST_SCHEME}"}
	if !g.exprOn {
		list = append(list, "%1", "%1", "%2", "%0")
	}
	if g.maps {
		list = append(list, "${m:$1|def}", "${m:$1}", "${lc:$1}", "${uc:$1}", "${esc:$1}", "${un:$1}", "${m:%{HTTP_HOST}}")
	}
	return g.pick(list...)
}

func (g *apacheGen) target() string {
	r := g.ref
	switch g.IntN(34) {
	case 0, 1:
		return "-"
	case 2:
		return "/b"
	case 3:
		return "b"
	case 4, 5:
		return "/new/" + r()
	case 6, 7:
		return "new/" + r()
	case 8:
		return "$1.html"
	case 9:
		return "/index.php?q=" + r()
	case 10:
		return "index.php?x=" + r() + "&y=" + r()
	case 11:
		return "/index.php"
	case 12:
		return "index.php"
	case 13, 14:
		return g.pick("http://", "https://") + g.pick("example.test", "www.example.test", "other.test", "%{HTTP_HOST}", "%{SERVER_NAME}") + g.pick("/", "/x/", "%{REQUEST_URI}", "/b?") + r()
	case 15:
		return "https://%{HTTP_HOST}%{REQUEST_URI}"
	case 16:
		return "%{REQUEST_URI}" + g.pick("/", "", "?x=1", ".html")
	case 17:
		return "/$1?"
	case 18:
		return "/b?x=1?y=" + r()
	case 19:
		return "%{DOCUMENT_ROOT}/" + g.pick("b", r(), "dir/x.html")
	case 20:
		return g.pick("/b\\?x", "/%20x", "//x/y", ".", "../x", "mailto:a@b", "/a/../b", "/b#f", "\\/b", "/b\\%1", "/$x", "%%1", "http:/x", "foo://x/y", "?x=1", "?", "/~x", "", "a\\ b", "/b?&", "/a//b", "$")
	case 21:
		return r() + r()
	case 22:
		return "/dir/"
	case 23:
		return "dir"
	case 24:
		return "/c.txt"
	case 25:
		return "sub/$1"
	case 26:
		return "/$2/$1"
	case 27:
		return "http://example.test/b?" + r()
	case 28:
		return "/page.php/" + r()
	case 29:
		return "%{REQUEST_FILENAME}.html"
	case 30:
		return "/b?%{QUERY_STRING}&z=" + r()
	case 31:
		return "/" + r() + "/"
	case 32:
		return "/a/b/c"
	}
	return "/x?p=" + r()
}

func (g *apacheGen) flags() string {
	var f []string
	add := func(p int, list ...string) {
		if g.chance(p) {
			f = append(f, g.pick(list...))
		}
	}
	add(60, "L", "L", "L", "last", "END", "END")
	add(30, "R", "R=301", "R=302", "R=303", "R=307", "R=308", "R=permanent", "R=temp", "redirect=301", "R=404", "R=403", "R=410", "R=400", "R=foo", "R=seeother", "R=200", "R=503")
	add(5, "F", "G")
	add(12, "NC")
	add(10, "NE")
	add(12, "QSA", "QSD", "QSL", "QSA,QSD")
	add(8, "B", "BNP", "BCTLS", "B,BNP", "BNE=/", "B=?#", "B=/")
	add(6, "C")
	add(4, "S=1", "S=2")
	// A plain N may go round 32000 times: only with a low limit.
	add(3, "N=2", "N=3", "N=5", "N=10")
	add(8, "E=X:$1", "E=X:1", "E=!X", "E=X", "E=Y:%{REQUEST_URI}", "E=X:$1$2", "E=X:a:b")
	if g.chance(3) {
		// An expansion to nothing crashes 2.4.71: literal values only.
		f = append(f, g.pick("CO=n:v:example.test", "CO=n:v:example.test:10:/", "CO=;n;v:1;example.test", "CO=a:b:c:0:/x:secure:httponly:strict"))
		g.show["Set-Cookie"] = true
	}
	add(5, "PT", "PT", "DPI")
	add(4, "NS")
	add(3, "T=text/plain", "H=default-handler", "T=text/html", "UnsafeAllow3F", "UnsafePrefixStat", "UNC")
	add(1, "P", "DX", "N")
	if len(f) > 0 && f[len(f)-1] == "N" {
		f = f[:len(f)-1]
	}
	g.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	if len(f) == 0 {
		return ""
	}
	return " [" + strings.Join(f, ",") + "]"
}

func (g *apacheGen) rule() string {
	var b strings.Builder
	g.exprOn = false
	conds := 0
	if g.chance(45) {
		conds = 1 + g.IntN(3)
		if g.chance(10) {
			conds++
		}
	}
	for range conds {
		b.WriteString(g.cond())
	}
	re, _ := g.pattern()
	if g.chance(8) {
		re = "!" + strings.Trim(re, "\"")
	}
	b.WriteString("RewriteRule " + re + " " + g.quote(g.target()) + g.flags() + "\n")
	g.exprOn = false
	return b.String()
}

func (g *apacheGen) cond() string {
	flags := ""
	if f := append(append(g.some(10, "NC"), g.some(15, "OR")...), g.some(3, "NV")...); len(f) > 0 {
		flags = " [" + strings.Join(f, ",") + "]"
	}
	if !g.exprOn && g.chance(6) {
		g.exprOn = true
		return "RewriteCond expr " + strconv.Quote(g.pick("%{REQUEST_URI} == '/a'", "%{HTTP_HOST} =~ /^www/", "-f %{REQUEST_FILENAME}", "%{QUERY_STRING} != ''", "!(%{REQUEST_METHOD} == 'GET')",
			"%{REQUEST_URI} in {'/a','/b'}", "true", "false", "-z %{QUERY_STRING} || %{HTTPS} == 'on'", "tolower(%{HTTP_HOST}) == 'example.test'", "%{REMOTE_ADDR} -ipmatch '127.0.0.0/8'", "%{HTTP:X-A} -eq 1", "-n %{HTTP_COOKIE} && %{HTTP_COOKIE} =~ /id/")) + flags + "\n"
	}
	type t struct {
		test string
		pats []string
	}
	list := []t{
		{"%{HTTP_HOST}", []string{"^www\\.(.+)$", "^(www\\.)?example\\.test$", "!^example\\.test$", "=example.test", "^old\\.", "!=example.test", "^([^.]+)\\.(.*)$", "^(.*):(\\d+)$"}},
		{"%{REQUEST_URI}", []string{"^/a", "!^/(a|b)", "\\.html$", "^/([^/]+)/?(.*)$", "=/a", "!=/index.php", "(.*)//(.*)", "!\\.(css|js|png)$", "^(.*)/$", ">/b", "<=/c"}},
		{"%{REQUEST_FILENAME}", []string{"-f", "!-f", "-d", "!-d", "-s", "!-l", "-l", "\\.html$", "!-x", "-x", "-F", "!-F"}},
		{"%{REQUEST_FILENAME}.html", []string{"-f", "!-f"}},
		{"%{DOCUMENT_ROOT}/$1", []string{"-f", "!-f", "-d", "!-d"}},
		{"%{DOCUMENT_ROOT}%{REQUEST_URI}", []string{"-f", "!-f", "-d", "!-d", "-s"}},
		{"%{DOCUMENT_ROOT}/$1.html", []string{"-f"}},
		{"%{QUERY_STRING}", []string{"^$", "!^$", "(^|&)id=(\\d+)", "x=1", "=", "!x", "^(.*)$", "=\"\"", "^a=(.*)&c=(.*)$", "!=x=1", "%20"}},
		{"%{HTTPS}", []string{"off", "on", "!=on", "!on", "=off"}},
		{"%{SERVER_PORT}", []string{"443", "^80$", "!^443$", "-eq443", "-lt100", "!-eq80", "=80", "-ge80"}},
		{"%{REQUEST_METHOD}", []string{"POST", "!^(GET|HEAD)$", "=GET", "^(PUT|DELETE)$"}},
		{"%{HTTP_USER_AGENT}", []string{"bot", "!bot", "^$", "^curl/(\\d)", "Mozilla"}},
		{"%{HTTP:X-A}", []string{"1", "!^$", "(.+)", "-eq1", "^abc$"}},
		{"%{HTTP_ACCEPT}", []string{"text/html", "image/webp", "!html", "^$"}},
		{"%{HTTP_COOKIE}", []string{"lang=(\\w+)", "!id", "id=(\\d+)"}},
		{"%{HTTP_REFERER}", []string{"!^http://example\\.test/", "evil", "^$"}},
		{"%{ENV:X}", []string{"^$", "1", "!^$", "=1", "(.*)"}},
		{"%{ENV:REDIRECT_STATUS}", []string{"^$", "!^$", "200", "=200", "=\"\""}},
		{"%{ENV:REDIRECT_X}", []string{"^$", "1"}},
		{"%{THE_REQUEST}", []string{"\\s/+a", "^GET\\s/(.*)\\sHTTP", "^[A-Z]+\\s/+(.*)\\.html[?\\s]", "\\?", "//", "HTTP/1\\.0"}},
		{"%{REMOTE_ADDR}", []string{"^127\\.", "!^10\\.", "=127.0.0.1"}},
		{"%{PATH_INFO}", []string{"^$", "^/(.+)", "!^$"}},
		{"%{IS_SUBREQ}", []string{"true", "=false"}},
		{"%{SERVER_NAME}", []string{"^example", "=other.test"}},
		{"%{REQUEST_SCHEME}://%{HTTP_HOST}", []string{"^http://ex", "^https"}},
		{"%{HTTP_HOST}%{REQUEST_URI}", []string{"^www\\.(.*)/a$", "example\\.test/(.*)"}},
		{"%{HTTP_HOST}/$1", []string{"^([^/]+)/(.*)$"}},
		{"$1", []string{"^a", "!^(index\\.php|img)", "=a", "^(.)(.*)$", ">b", "-f", "!^$"}},
		{"$2", []string{"^$", "!^$", "[0-9]"}},
		{"%{SCRIPT_FILENAME}", []string{"!-f", "-d", "html$"}},
		{"%{REQUEST_URI}", []string{"-U", "!-U"}},
		{"%{LA-U:REQUEST_FILENAME}", []string{"-f", "!-f", "html"}},
		{"/x%{REQUEST_URI}", []string{"^/x/a", "!-f"}},
		{"%{HTTP:Host}", []string{"^www", "^example"}},
		{"%{SERVER_PROTOCOL}", []string{"1\\.1$", "=HTTP/1.0"}},
		{"%{NOPE}", []string{"^$", "a"}},
		{"%{CONTEXT_DOCUMENT_ROOT}/$1", []string{"-f", "!-d"}},
		{"%{DOCUMENT_ROOT}/b", []string{"-f", "!-f"}},
	}
	if !g.exprOn {
		list = append(list, t{"%1", []string{"^a", "!^$", "=www", "(.)"}}, t{"%2", []string{"^$", "."}}, t{"%1<>%{REQUEST_URI}", []string{"^(.*)<>/\\1", "!^(.*)<>/\\1"}})
	}
	if g.maps {
		list = append(list, t{"${m:$1|no}", []string{"!=no", "^/", "no"}}, t{"${lc:%{HTTP_HOST}}", []string{"^example"}})
	}
	x := list[g.IntN(len(list))]
	pat := x.pats[g.IntN(len(x.pats))]
	switch x.test {
	case "%{REQUEST_URI}":
		if !strings.HasPrefix(pat, "!") && strings.ContainsAny(pat, "^\\") {
			g.patterns = append(g.patterns, pat)
		}
	}
	return fmt.Sprintf("RewriteCond %s %s%s\n", x.test, g.quote(pat), flags)
}
