package live

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rewright/parser/sim"
)

var (
	pairsFlag = flag.Int("live.pairs", 0, "(configuration, request) pairs per server; 0: REWRIGHT_LIVE_PAIRS, else 300")
	showFlag  = flag.Int("live.show", 12, "how many differences are made smaller and printed")
	seedFlag  = flag.Uint64("live.seed", 0, "seed of the generators; 0: REWRIGHT_LIVE_SEED, else 1")
)

// pairs is the number of (configuration, request) pairs to try per server.
func pairs() int {
	if *pairsFlag > 0 {
		return *pairsFlag
	}
	if n, err := strconv.Atoi(os.Getenv("REWRIGHT_LIVE_PAIRS")); err == nil && n > 0 {
		return n
	}
	return 300
}

// seed is the seed of the first configuration; each further one has the next number. It is the same on every run
// unless one is asked for: a test run does not find something new by chance. "clock" takes it from the clock.
func seed() uint64 {
	if *seedFlag > 0 {
		return *seedFlag
	}
	switch text := os.Getenv("REWRIGHT_LIVE_SEED"); {
	case text == "clock":
		return clockSeed()
	default:
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return n
		}
	}
	return 1
}

var clockSeed = sync.OnceValue(func() uint64 { return uint64(time.Now().UnixNano()) % 1e9 * 1000 })

// needServer skips a test whose server is not installed, or fails it when REWRIGHT_REQUIRE_SERVERS is 1.
func needServer(t *testing.T, what string, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
				t.Fatalf("no %s: %v", what, err)
			}
			t.Skipf("skipped, no %s: %v", what, err)
		}
	}
}

// site is one configuration and the requests it is asked.
type site struct {
	Seed uint64
	// Config are texts by name. Apache: ".htaccess", "sub/.htaccess", "map.txt" … are files below the document
	// root, "vhost" the inside of the <VirtualHost>. nginx: "server" is the inside of a server {}, "http" stands
	// before it in http {}. @DOCROOT@ stands for the document root, @DIR@ for its parent.
	Config   map[string]string
	Files    []string // made below the document root, content "file:NAME\n"; "d/" a directory, "x -> y" a link
	Requests []sim.Request
	Show     []string // names of response headers to compare
	Alone    bool     // must not share a server process with others
	dir      string   // set by place
	// ports of the real server, which stand for 80 and 443; @PORT@ in a text is the first.
	port, tlsPort int
}

func (s *site) docroot() string { return filepath.Join(s.dir, "docroot") }

// fill puts real paths and the port of the backend into a text, and the logical port.
func (s *site) fill(text string) string { return s.fillPort(text, 80) }

func (s *site) fillPort(text string, port int) string {
	if !strings.Contains(text, "@") {
		return text
	}
	return strings.NewReplacer("@DOCROOT@", s.docroot(), "@DIR@", s.dir, "@PORT@", strconv.Itoa(port),
		"@UPSTREAM@", "127.0.0.1:"+strconv.Itoa(backendPort())).Replace(text)
}

// clean is the inverse of fill, for reports.
func (s *site) clean(text string) string {
	if s.dir == "" {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, s.docroot(), "@DOCROOT@"), s.dir, "@DIR@")
}

// place writes the site's files below dir.
func (s *site) place(dir string) error {
	s.dir = dir
	if err := os.MkdirAll(s.docroot(), 0o755); err != nil {
		return err
	}
	for _, name := range s.Files {
		path, target, isLink := strings.Cut(name, " -> ")
		full := filepath.Join(s.docroot(), strings.TrimSuffix(path, "*"))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if isLink {
			if err := os.Symlink(target, full); err != nil {
				return err
			}
			continue
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(path, "*") {
			mode = 0o755
		}
		if err := os.WriteFile(full, []byte("file:"+path+"\n"), mode); err != nil {
			return err
		}
	}
	for name, text := range s.Config {
		full := filepath.Join(s.docroot(), name)
		switch name {
		case "vhost", "server", "http":
			full = filepath.Join(s.dir, name+".conf")
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(s.fillPort(text, s.port)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// needsTLS tells whether one of the requests comes by https.
func (s *site) needsTLS() bool {
	for _, r := range s.Requests {
		if r.Scheme == "https" {
			return true
		}
	}
	return false
}

// answer is what can be seen of one response, of the server or of the simulator.
type answer struct {
	Status   int
	Location *string
	// Seen is set when URI, Query and File are known: not for redirects.
	Seen             bool
	URI, Query, File string
	PathInfo         string // Apache only
	Header           map[string][]string
	Body             *string // nginx: the text or "file:NAME\n" of a response that is no built-in page
	Closed           bool    // no response at all, on purpose
	Died             bool    // no response, and nothing that says why

	Unknown []string // simulator only: why it does not know
	Passed  bool     // simulator only: handed to another server
	Panic   string   // simulator only
}

func (a answer) String() string {
	if a.Panic != "" {
		return "PANIC " + a.Panic
	}
	if a.Unknown != nil {
		return "unknown: " + strings.Join(a.Unknown, "; ")
	}
	s := fmt.Sprint(a.Status)
	if a.Closed {
		s += " closed"
	}
	if a.Location != nil {
		s += fmt.Sprintf(" location=%q", *a.Location)
	}
	if a.Seen {
		s += fmt.Sprintf(" uri=%q query=%q file=%q", a.URI, a.Query, a.File)
		if a.PathInfo != "" {
			s += fmt.Sprintf(" path_info=%q", a.PathInfo)
		}
	}
	if a.Body != nil {
		s += fmt.Sprintf(" body=%q", *a.Body)
	}
	for k, v := range a.Header {
		if len(v) > 0 {
			s += fmt.Sprintf(" %s=%q", k, v)
		}
	}
	return s
}

// reply is what became of one site.
type reply struct {
	Refused string // the server does not start with it: its message
	Answers []answer
	Log     string // the server's own words on a site asked alone
}

var cookieExpiry = regexp.MustCompile(`expires=[^;]*`)

// timeless makes header values comparable that hold a time of day.
func timeless(values []string) []string {
	for i := range values {
		values[i] = cookieExpiry.ReplaceAllString(values[i], "expires=…")
	}
	return values
}

func renderRequest(r sim.Request) string {
	s := fmt.Sprintf("%s %q HTTP/%s", cmp.Or(r.Method, "GET"), r.Target, cmp.Or(r.Version, "1.1"))
	if r.NoHost {
		s += " no host"
	} else {
		s += " host=" + r.Host
	}
	if r.Scheme == "https" {
		s += " (https)"
	}
	for _, h := range r.Header {
		s += fmt.Sprintf(" | %s: %s", h[0], h[1])
	}
	return s
}

// replacePort writes a real port in a text as the logical one.
func replacePort(text string, port, logical int) string {
	if port == 0 || !strings.Contains(text, strconv.Itoa(port)) {
		return text
	}
	return regexp.MustCompile(`\b`+strconv.Itoa(port)+`\b`).ReplaceAllString(text, strconv.Itoa(logical))
}
