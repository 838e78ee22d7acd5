package apache

import (
	"bytes"
	"fmt"
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

const linesFile = "../../testdata/server/apache-lines.tsv"

// serverLine is a piece of configuration and what "httpd -t" said of it, with every module of the distribution loaded.
// Its fields in the file: context (dir: inside <Directory>, vhost, srv; htaccess: what a request was refused with), text, line of the refusal, message; both empty
// where httpd takes it. Backslashes, line feeds and tabs are written \\ \n \t.
type serverLine struct {
	context, text, message string
	line                   int
}

func serverLines(t *testing.T) []serverLine {
	t.Helper()
	text, err := os.ReadFile(linesFile)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t")
	var out []serverLine
	for i, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		f := strings.Split(l, "\t")
		if len(f) != 4 {
			t.Fatalf("%s:%d has %d fields", linesFile, i+1, len(f))
		}
		n, _ := strconv.Atoi(f[2])
		out = append(out, serverLine{f[0], plain.Replace(f[1]), plain.Replace(f[3]), n})
	}
	return out
}

// whole is the text as it stands in the server configuration, and how many lines stand before it.
func (s *serverLine) whole() (text string, before int) {
	switch s.context {
	case "dir":
		return "<Directory /tmp>\n" + s.text + "\n</Directory>\n", 1
	case "vhost":
		return "<VirtualHost *:80>\n" + s.text + "\n</VirtualHost>\n", 1
	}
	return s.text + "\n", 0
}

// TestServerLines holds refusals against what httpd -t said.
func TestServerLines(t *testing.T) {
	for _, s := range serverLines(t) {
		t.Run(s.context+"/"+s.text, func(t *testing.T) {
			text, before := s.whole()
			file := source.NewFile("F", []byte(text))
			env := Env{Context: ir.ContextServer, Exists: func(string) bool { return true }}
			if s.context == "htaccess" {
				env.Context = ir.ContextHtaccess
			}
			cfg := Read(Parse(file), env)
			first := firstRefusal(cfg)
			switch {
			case first == nil && s.message != "":
				t.Errorf("httpd says %q, reading takes it", s.message)
			case first == nil:
			case s.message == "":
				t.Errorf("httpd takes it, reading says %q", first.ServerMessage)
			default:
				got := regexp.MustCompile(`F:(\d+):|on line (\d+) of`).ReplaceAllStringFunc(first.ServerMessage, func(m string) string {
					digits := regexp.MustCompile(`\d+`)
					return digits.ReplaceAllStringFunc(m, func(n string) string {
						k, _ := strconv.Atoi(n)
						return strconv.Itoa(k - before)
					})
				})
				line := first.File.Line(first.Span.Start) - before
				if got != s.message {
					t.Errorf("httpd says %q, reading says %q", s.message, got)
				} else if line != s.line && s.context != "htaccess" {
					t.Errorf("httpd names line %d, reading %d: %s", s.line, line, s.message)
				}
			}
		})
	}
}

// TestServerLinesRecorded asks the real server again for a sample of the lines.
func TestServerLinesRecorded(t *testing.T) {
	httpd, err := exec.LookPath("apache2")
	modules := "/usr/lib/apache2/modules"
	if err != nil {
		if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
			t.Fatal("apache2 is not installed")
		}
		t.Skip("apache2 is not installed")
	}
	dir := t.TempDir()
	var head strings.Builder
	fmt.Fprintf(&head, "ServerRoot %s\nServerName x\nErrorLog /dev/null\nMutex file:%s\n", dir, dir)
	names, _ := filepath.Glob(filepath.Join(modules, "mod_*.so"))
	loaded := map[string]bool{}
	load := func(id string) {
		file := filepath.Join(modules, "mod_"+id+".so")
		if _, err := os.Stat(file); err == nil && !loaded[id] {
			loaded[id] = true
			fmt.Fprintf(&head, "LoadModule %s_module %s\n", id, file)
		}
	}
	for _, id := range strings.Fields("mpm_event authn_core authz_core authn_socache socache_shmcb proxy cache dav session dbd slotmem_shm ldap xml2enc ssl http2") {
		load(id)
	}
	for _, name := range names {
		id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "mod_"), ".so")
		if !strings.HasPrefix(id, "mpm_") && id != "bucketeer" && !strings.HasPrefix(id, "case_filter") {
			load(id)
		}
	}
	for i, s := range serverLines(t) {
		if s.context == "htaccess" {
			continue
		}
		if i%25 != 0 && os.Getenv("REWRIGHT_REQUIRE_SERVERS") != "1" {
			continue
		}
		text, _ := s.whole()
		conf := filepath.Join(dir, "t.conf")
		if err := os.WriteFile(conf, []byte(head.String()+text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(httpd, "-t", "-f", conf).CombinedOutput()
		want := []byte("Syntax OK")
		if s.message != "" {
			want = []byte(s.message[strings.LastIndexByte(s.message, '\n')+1:])
			if i := bytes.IndexByte(want, '"'); i >= 0 && bytes.Contains(want, []byte("of \"F\"")) {
				want = want[:0]
			}
			if bytes.HasPrefix(want, []byte("F:")) {
				want = want[bytes.IndexByte(want, ' ')+1:]
			}
		}
		if !bytes.Contains(out, want) {
			t.Errorf("%s %q: recorded %q, httpd says now:\n%s", s.context, s.text, s.message, out)
		}
	}
}
