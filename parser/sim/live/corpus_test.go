package live

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rewright/parser/sim"
)

// corpusModules are what httpd ships and .htaccess files ask for. mod_proxy is left out, for it would really connect.
var corpusModules = []string{"mpm_event", "authn_core", "authn_file", "authn_anon", "authz_core", "authz_host", "authz_user",
	"authz_groupfile", "authz_owner", "access_compat", "auth_basic", "auth_digest", "alias", "actions", "allowmethods", "asis", "autoindex",
	"brotli", "buffer", "cern_meta", "charset_lite", "dav", "deflate", "dir", "env", "expires", "ext_filter", "filter", "headers",
	"imagemap", "include", "mime", "negotiation", "ratelimit", "remoteip", "reqtimeout", "request", "rewrite", "sed", "session",
	"session_cookie", "setenvif", "socache_shmcb", "speling", "ssl", "status", "substitute", "unique_id", "userdir", "usertrack", "xml2enc"}

// wantAlike is the least share of answers, in percent, that must agree.
const wantAlike = 99.5

func TestCorpus(t *testing.T) {
	folder := os.Getenv("REWRIGHT_CORPUS")
	if folder == "" {
		t.Skip("skipped, REWRIGHT_CORPUS names no folder")
	}
	srv := newApache(t)
	srv.load = corpusModules
	simulate := simulateApacheWith(corpusModules)
	names := corpusFiles(t, folder)
	t.Logf("seed %d, %d files", seed(), len(names))
	count := newTally()
	byFile := map[string][]mismatch{}
	for at := 0; at < len(names); at += apacheBatch / 2 {
		var sites []*site
		var of []string
		for i, name := range names[at:min(at+apacheBatch/2, len(names))] {
			text, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range corpusSites(seed()+uint64(at+i), string(text)) {
				sites, of = append(sites, s), append(of, name)
			}
		}
		replies, err := srv.run(sites)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sites {
			ours := simulate(s)
			before := len(count.mismatches)
			count.add(s, replies[i], ours)
			byFile[of[i]] = append(byFile[of[i]], count.mismatches[before:]...)
		}
	}
	t.Log(count)
	alike := 100 * float64(count.known-len(count.mismatches)) / float64(max(1, count.known))
	t.Logf("%d of %d known answers alike: %.2f %%; known: %.2f %% of %d", count.known-len(count.mismatches), count.known, alike,
		100*float64(count.known)/float64(max(1, count.pairs)), count.pairs)
	worst := map[string]int{}
	for name, list := range byFile {
		if len(list) > 0 {
			worst[name] = len(list)
		}
	}
	for i, name := range sortedKeys(worst) {
		if i == 25 {
			t.Logf("… and %d further files", len(worst)-25)
			break
		}
		t.Logf("%d differences in %s\n%s", worst[name], name, shrink(srv, simulate, byFile[name][0]).report())
	}
	if alike < wantAlike {
		t.Errorf("%.2f %% alike, want at least %.1f %%", alike, wantAlike)
	}
}

// corpusFiles lists the files that MANIFEST.tsv calls .htaccess files, or a sample.
func corpusFiles(t *testing.T, folder string) []string {
	manifest, err := os.ReadFile(filepath.Join(folder, "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	var names []string
	for line := range strings.Lines(string(manifest)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(column) == 0 {
			for i, f := range fields {
				column[f] = i
			}
			continue
		}
		name := fields[column["file"]]
		if strings.HasPrefix(name, "apache/") && fields[column["context"]] == "htaccess" && strings.Contains(name, os.Getenv("REWRIGHT_CORPUS_ONLY")) {
			names = append(names, name)
		}
	}
	if n, err := strconv.Atoi(os.Getenv("REWRIGHT_CORPUS_FILES")); err == nil && n > 0 && n < len(names) {
		g := newGen(seed())
		g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:n]
	}
	if len(names) == 0 {
		t.Fatal("no files")
	}
	return names
}

// corpusRule is what the generator takes from a line of a file: a pattern and the conditions before it.
type corpusRule struct {
	pattern string // regular expression; "" when path says it
	path    string
	perDir  bool
	conds   [][2]string
}

var corpusWord = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|(?:\\.|\S)+`)

// corpusRules reads a file roughly: it only has to find likely requests.
func corpusRules(text string) []corpusRule {
	var rules []corpusRule
	var conds [][2]string
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", "")
	for line := range strings.Lines(text) {
		words := corpusWord.FindAllString(strings.TrimSpace(line), -1)
		for i := range words {
			words[i] = strings.Trim(words[i], `"`)
		}
		if len(words) < 2 {
			continue
		}
		switch strings.ToLower(words[0]) {
		case "rewritecond":
			if len(words) > 2 {
				conds = append(conds, [2]string{strings.ToUpper(words[1]), words[2]})
			}
		case "rewriterule":
			rules = append(rules, corpusRule{pattern: strings.TrimPrefix(words[1], "!"), perDir: true, conds: conds})
			conds = nil
		case "redirectmatch":
			for _, w := range words[1:min(3, len(words))] {
				if strings.ContainsAny(w, "/^(") {
					rules = append(rules, corpusRule{pattern: w})
					break
				}
			}
		case "redirect", "redirectpermanent", "redirecttemp":
			for _, w := range words[1:] {
				if strings.HasPrefix(w, "/") {
					rules = append(rules, corpusRule{path: w})
					break
				}
			}
		case "<filesmatch":
			rules = append(rules, corpusRule{pattern: strings.TrimSuffix(words[1], ">"), perDir: true})
		case "<files":
			rules = append(rules, corpusRule{path: "/" + strings.Trim(words[len(words)-1], `">*~ `)})
		}
	}
	return rules
}

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`)

// corpusSites makes two sites of a text: one with next to no files, one where many requested files exist.
func corpusSites(seed uint64, text string) []*site {
	g := newGen(seed)
	rules := corpusRules(text)
	n := 8 + min(len(rules)/2, 16)
	bare := &site{Seed: seed, Config: map[string]string{".htaccess": text}, Files: g.some(50, "index.html")}
	full := &site{Seed: seed, Config: map[string]string{".htaccess": text}, Files: g.some(70, "index.html", "index.php", "404.html", "robots.txt")}
	have := map[string]bool{}
	for range n {
		r, path := g.corpusRequest(rules)
		bare.Requests = append(bare.Requests, r)
		r, path2 := g.corpusRequest(rules)
		full.Requests = append(full.Requests, r)
		for _, p := range []string{path, path2} {
			if plainPath.MatchString(p) && g.chance(30) && len(p) < 100 {
				name := strings.TrimPrefix(p, "/")
				if g.chance(25) {
					name += g.pick("/", ".html", ".php", ".ttl", "/index.html")
				}
				if fits(have, name) {
					full.Files = append(full.Files, name)
				}
			}
		}
	}
	return []*site{bare, full}
}

// fits tells whether a file can be made beside those that exist, and notes it: no name may be file and directory at once.
func fits(have map[string]bool, name string) bool {
	isDir := strings.HasSuffix(name, "/")
	name = strings.TrimSuffix(name, "/")
	if _, ok := have[name]; ok || name == "index.html" || name == "index.php" || name == "404.html" || name == "robots.txt" {
		return false
	}
	for at := range name {
		if name[at] == '/' {
			dir, known := have[name[:at]]
			if known && !dir || strings.HasPrefix(name, "index.") || strings.HasPrefix(name, "404.html/") || strings.HasPrefix(name, "robots.txt/") {
				return false
			}
		}
	}
	for at := range name {
		if name[at] == '/' {
			have[name[:at]] = true
		}
	}
	have[name] = isDir
	return true
}

var acceptHeaders = []string{"text/html,application/xhtml+xml,*/*;q=0.8", "text/html", "application/rdf+xml", "text/turtle", "application/ld+json", "*/*",
	"application/n-triples", "application/json", "text/turtle;q=0.9, application/rdf+xml;q=0.8", "application/xhtml+xml", "image/webp,*/*", "application/owl+xml", "text/n3", "text/plain"}

// corpusRequest draws a request that means something to the rules, and its decoded path.
func (g gen) corpusRequest(rules []corpusRule) (sim.Request, string) {
	r := sim.Request{Method: "GET", Scheme: "http", Host: "example.test"}
	path, query := g.pick("/", "/index.html", "/index.php", "/a/b", "/probe.txt", "/some/dir/", "/.git/config", "/a", "/favicon.ico"), ""
	header := map[string]string{}
	if len(rules) > 0 && g.chance(92) {
		rule := rules[g.IntN(len(rules))]
		path = rule.path
		if rule.pattern != "" {
			path = g.sample(rule.pattern)
		}
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		for _, c := range rule.conds {
			g.satisfy(c[0], c[1], &r, &path, &query, header)
		}
		switch g.IntN(8) {
		case 0:
			path += g.pick("/", "x", "/x", ".html", "/a/b")
		case 1:
			if len(path) > 2 {
				path = path[:len(path)-1]
			}
		case 2:
			if g.chance(30) {
				path = strings.ToUpper(path)
			}
		}
	}
	if _, ok := header["Accept"]; !ok && g.chance(60) {
		header["Accept"] = acceptHeaders[g.IntN(len(acceptHeaders))]
	}
	if _, ok := header["User-Agent"]; !ok && g.chance(50) {
		header["User-Agent"] = g.pick("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", "curl/8.5", "Googlebot/2.1", "Mozilla/4.0 (compatible; MSIE 6.0)")
	}
	if g.chance(15) {
		r.Host = g.pick("www.example.test", "example.test:8080", "EXAMPLE.test", "w3id.org")
	}
	if g.chance(12) {
		r.Scheme = "https"
	}
	if g.chance(6) {
		r.Method = g.pick("POST", "HEAD", "OPTIONS", "PUT", "DELETE")
	}
	if query == "" && g.chance(20) {
		query = strings.TrimPrefix(g.query(), "?")
	}
	r.Target = g.encodePath(path)
	if query != "" {
		r.Target += "?" + clean(query, " #\r\n\t")
	}
	for _, name := range sortedNames(header) {
		r.Header = append(r.Header, [2]string{name, clean(header[name], "\r\n")})
	}
	return r, path
}

// clean leaves bytes out that cannot be sent as they are.
func clean(text, without string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f || strings.ContainsRune(without, r) {
			return -1
		}
		return r
	}, text))
}

// satisfy bends a request so that a condition likely holds.
func (g gen) satisfy(test, pattern string, r *sim.Request, path, query *string, header map[string]string) {
	if g.chance(12) {
		return
	}
	negated := strings.HasPrefix(pattern, "!")
	value := ""
	switch p := strings.TrimPrefix(pattern, "!"); {
	case strings.HasPrefix(p, "-") && len(p) <= 3, strings.HasPrefix(p, "<"), strings.HasPrefix(p, ">"):
		return
	case strings.HasPrefix(p, "="):
		value = p[1:]
	default:
		value = g.sample(p)
	}
	if negated && g.chance(85) {
		return
	}
	test = strings.TrimSuffix(strings.TrimPrefix(test, "%{"), "}")
	switch test {
	case "HTTP_ACCEPT", "HTTP:ACCEPT":
		header["Accept"] = value
		if g.chance(40) {
			header["Accept"] = strings.TrimLeft(header["Accept"]+g.pick(", */*;q=0.1", ";q=0.9", ",text/html"), ", ;")
		}
	case "HTTP_HOST":
		if h := regexp.MustCompile(`[^A-Za-z0-9.:-]`).ReplaceAllString(value, ""); h != "" && h[0] != ':' && !strings.Contains(h, "..") {
			r.Host = h
		}
	case "QUERY_STRING":
		*query = value
	case "HTTP_USER_AGENT":
		header["User-Agent"] = value
	case "HTTP_REFERER":
		header["Referer"] = value
	case "HTTP_COOKIE":
		header["Cookie"] = value
	case "REQUEST_URI":
		if strings.HasPrefix(value, "/") {
			*path = value
		}
	case "REQUEST_METHOD":
		if m := regexp.MustCompile(`[^A-Z]`).ReplaceAllString(value, ""); m != "" && m != "CONNECT" {
			r.Method = m
		}
	case "HTTPS", "SERVER_PORT", "REQUEST_SCHEME":
		if strings.Contains(value, "on") || strings.Contains(value, "443") || strings.Contains(value, "https") {
			r.Scheme = "https"
		}
	default:
		if name, ok := strings.CutPrefix(test, "HTTP:"); ok && regexp.MustCompile(`^[A-Z-]+$`).MatchString(name) && name != "HOST" && name != "CONNECTION" {
			header[name] = value
		}
	}
}
