package nginx

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// notOurs are complaints about the machine that nginx runs on, which no reader of text can foresee.
var notOurs = regexp.MustCompile(`host not found|getpwnam|SSL|certificate|bind\(\)|mkdir\(\)|\(\d+: |zero size shared|is unknown$|is unknown in|unknown thread pool`)

var mutationWords = []string{"a", "$a", "$uri", "${host}", "$", "~", "~*", "=", "^~", "!=", "on", "off", "yes", "301", "404", "999", "1000", "0", "-1", "/x", "/",
	"\"\"", "'q r'", "@n", "last", "permanent", "always", "http://127.0.0.1/x", "http://127.0.0.1", "^/(a|b)$", "^/(?<n>a)$", "(", "[a", "a{2}", "\"a{2,1}\"", "*.x.test",
	"x.*", "a*b", ".y.test", "default", "all", "10.0.0.1/8", "::1", "1h", "1x", "10k", "{", "}", ";", "#c", "\n", "location", "if", "($a", "=", "b)", "return", "set", "rewrite",
	"root", "alias", "index", "try_files", "error_page", "add_header", "expires", "map", "include", "proxy_pass", "internal", "listen", "server_name", "gzip", "allow",
	"$arg_x", "$1", "\"a\"b", "\\", "a\\ b", "break", "limit_except", "GET", "satisfy", "any", "keepalive_timeout", "client_max_body_size", "types", "valid_referers", "none"}

var mutationToken = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[;{}]|\s+|[^\s;{}"']+|["']`)

// mutate changes a few words of a text.
func mutate(rnd *rand.Rand, text string) string {
	tokens := mutationToken.FindAllString(text, -1)
	if len(tokens) == 0 {
		return text
	}
	for range 1 + rnd.IntN(2) {
		i := rnd.IntN(len(tokens))
		w := mutationWords[rnd.IntN(len(mutationWords))]
		switch rnd.IntN(5) {
		case 0:
			tokens[i] = w
		case 1:
			tokens[i] += " " + w
		case 2:
			tokens[i] = ""
		case 3:
			tokens[i] = tokens[rnd.IntN(len(tokens))]
		case 4:
			tokens[i] += " " + tokens[rnd.IntN(len(tokens))] + " "
		}
	}
	return strings.Join(tokens, "")
}

var plainValues = []string{"on", "off", "ON", "1", "0", "10", "500", "70000", "1k", "4k", "16m", "1g", "1x", "10s", "1d5h", "5m 3s", "100ms", "any", "always", "error", "timeout",
	"none", "HTTP/1.1", "1.1", "GET", "POST", "Vary", "TLSv1.2", "$uri", "${host}x", "$", "$nosuch", "/x", "text/html", "text/css", "default", "all", "127.0.0.1", "10.0.0.0/8", "10.0.0.1/8",
	"127.0.0.1:80", "http://127.0.0.1/x", "http://127.0.0.1", "unix:/x", "a", "\"\"", "max=5", "zone=a:1m", "~x", "~*(", "/a/b", "2", "build", "exact", "clean", "json", "combined", "buffer=4k",
	"updating", "http_500", "msie6", "threads", "modified", "epoch", "@10h", "-1", "+1h", "info", "warn", "secure", "samesite=lax", "301", "404", "=200", "@n", "last", "burst=5", "nodelay"}

// directives is a block with random simple directives of the table in it.
func directives(rnd *rand.Rand) map[string]string {
	context := []string{"http", "server", "location"}[rnd.IntN(3)]
	names := Names()
	text := ""
	for n := 1 + rnd.IntN(2); n > 0; {
		name := names[rnd.IntN(len(names))]
		s := Specs(name)[0]
		if s.Block || s.Since != "" || s.Module != "" || !s.AllowedIn(context) && rnd.IntN(20) > 0 {
			continue
		}
		n--
		for again := rnd.IntN(8); again < 9; again += 8 {
			text += name
			high := s.Max
			if high < 0 {
				high = s.Min + 2
			}
			for range s.Min + rnd.IntN(high-s.Min+1) {
				v := plainValues[rnd.IntN(len(plainValues))]
				if kind, list, _ := strings.Cut(s.Kind, ":"); (kind == "enum" || kind == "mask") && rnd.IntN(2) == 0 {
					words := strings.Split(list, "|")
					v = words[rnd.IntN(len(words))]
				}
				text += " " + v
			}
			text += ";\n"
		}
	}
	return map[string]string{context: text}
}

// TestLiveRefusals asks a real nginx about recorded configurations with a few words changed.
// A refusal that nginx does not utter is a fault; of nginx's own, one in a hundred may be missed or told in other
// words. REWRIGHT_LIVE_PAIRS says how many are asked (100), REWRIGHT_LIVE_SEED makes others of them.
func TestLiveRefusals(t *testing.T) {
	nginx := "/usr/sbin/nginx"
	if _, err := os.Stat(nginx); err != nil {
		if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
			t.Fatal("no nginx to ask: ", err)
		}
		t.Skip("no nginx to ask: ", err)
	}
	pairs, _ := strconv.Atoi(os.Getenv("REWRIGHT_LIVE_PAIRS"))
	if pairs == 0 {
		pairs = 100
	}
	seed, err := strconv.ParseUint(os.Getenv("REWRIGHT_LIVE_SEED"), 10, 64)
	if err != nil {
		seed = 1
	}
	t.Logf("seed %d, %d pairs", seed, pairs)
	rnd := rand.New(rand.NewPCG(seed, 0))
	cases := recordedCases(t)
	dir := t.TempDir()
	compared, refused, wrong := 0, 0, 0
	for range pairs {
		c := cases[rnd.IntN(len(cases))]
		context, text := "", ""
		if rnd.IntN(2) == 0 {
			c = &recordedCase{Config: directives(rnd)}
		}
		for _, name := range []string{"http", "server", "location"} {
			if s, ok := c.Config[name]; ok {
				context, text = name, s
				break
			}
		}
		if context == "" || len(c.Config) > 1 || strings.Contains(text, "include") {
			continue
		}
		if c.ID != "" {
			text = mutate(rnd, caseWords.Replace(caseLogs.ReplaceAllString(text, "")))
		}
		want := askNginx(t, nginx, dir, context, text)
		if notOurs.MatchString(want) {
			continue
		}
		config := Read(source.NewFile("case.conf", []byte(wrapped(dir, context))), Env{Context: ir.ContextMain,
			Open: func(string) (*source.File, error) { return source.NewFile("case.conf", []byte(text)), nil }})
		got := complaint(config)
		compared++
		if want != "" {
			refused++
		}
		if got != want {
			wrong++
			report := t.Logf
			if want == "" {
				report = t.Errorf
			}
			report("in %s:\n%s\n--- nginx: %s\n--- ours:  %s", context, text, want, got)
		}
	}
	t.Logf("%d compared, %d of them refused, %d differ", compared, refused, wrong)
	if wrong*100 > compared {
		t.Errorf("%d of %d differ", wrong, compared)
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// wrapped is the nginx.conf around a case.
func wrapped(dir, context string) string {
	body := "include " + dir + "/case.conf;\n"
	switch context {
	case "server":
		body = "server { listen 127.0.0.1:8099; server_name example.test; root /srv;\n" + body + "}"
	case "location":
		body = "server { listen 127.0.0.1:8099; server_name example.test; root /srv; location / {\n" + body + "} }"
	}
	return "daemon off; pid " + dir + "/n.pid; error_log stderr; events {} http { access_log off; client_body_temp_path t1; proxy_temp_path t2; " +
		"fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n" + body + "\n}"
}

var nginxLine = regexp.MustCompile(`\[(?:emerg|crit|alert)\] (?:\d+#\d+: )?(.*)`)

// askNginx gives the first complaint of nginx -t, empty when there is none.
func askNginx(t *testing.T, nginx, dir, context, text string) string {
	for name, s := range map[string]string{"case.conf": text, "nginx.conf": wrapped(dir, context)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(nginx, "-t", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr").CombinedOutput()
	if err == nil {
		return ""
	}
	m := nginxLine.FindStringSubmatch(string(out))
	if m == nil {
		return fmt.Sprintf("(1: %s)", out)
	}
	return "[emerg] " + strings.ReplaceAll(m[1], dir+"/", "")
}
