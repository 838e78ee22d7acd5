package nginx

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// corpusFile is one row of nginx-accepts.tsv: what nginx -t said of a real file.
type corpusFile struct {
	name, status, wrapping, message, class string

	stubbed bool // something that it takes from elsewhere was put beside it
}

func corpus(t *testing.T) (folder string, files []corpusFile) {
	folder = os.Getenv("REWRIGHT_CORPUS")
	if folder == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of real files")
	}
	table, err := os.ReadFile(filepath.Join(folder, "nginx-accepts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		f := strings.Split(line, "\t")
		if i > 0 && len(f) >= 5 {
			files = append(files, corpusFile{f[0], f[1], f[2], f[3], f[4], len(f) > 5 && f[5] != "0"})
		}
	}
	return folder, files
}

func TestCorpusPrintsBack(t *testing.T) {
	folder, _ := corpus(t)
	n := 0
	err := filepath.WalkDir(filepath.Join(folder, "nginx"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if got := Parse(source.NewFile(path, text)).Print(); !bytes.Equal(got, text) {
			t.Errorf("%s does not print back", path)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	t.Logf("%d files", n)
}

// TestCorpusRefusals holds Read against nginx -t on real files. Includes were stubbed for nginx, and are not
// opened here.
func TestCorpusRefusals(t *testing.T) {
	folder, files := corpus(t)
	place := regexp.MustCompile(`^\[emerg\] (.*?)(?: in FILE:(\d+))?$`)
	right, same, wrong := 0, 0, 0
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f.name))
		if err != nil {
			t.Fatal(err)
		}
		context, wrapped := ir.Context(strings.TrimSuffix(f.wrapping, "+events")), string(text)
		if f.wrapping == "types" {
			context = ir.ContextHTTP
			wrapped = "types {" + wrapped + "\n}"
		}
		if strings.HasSuffix(f.wrapping, "+events") {
			wrapped = "events {}" + wrapped
		}
		config := Read(source.NewFile("FILE", []byte(wrapped)), Env{Context: context, Fragment: f.stubbed})
		got := complaint(config)
		if f.status == "ok" {
			if got != "" {
				t.Errorf("%s (%s): accepted by nginx, but: %s", f.name, f.wrapping, got)
			}
			continue
		}
		if strings.Contains(f.message, "dlopen()") || strings.Contains(f.message, "host not found") {
			continue
		}
		want := place.FindStringSubmatch(f.message)
		if want == nil {
			t.Fatalf("%s: %q", f.name, f.message)
		}
		switch {
		case got == f.message:
			same++
			right++
		case got != "" && strings.HasSuffix(got, " in FILE:"+want[2]) || got != "" && want[2] == "" && !strings.Contains(got, " in FILE:"):
			right++
			t.Logf("%s: other words: %s; nginx: %s", f.name, got, f.message)
		default:
			wrong++
			t.Logf("%s (%s): got %s; nginx: %s", f.name, f.wrapping, got, f.message)
		}
	}
	t.Logf("refused: %d at nginx's line, %d in nginx's words, %d not", right, same, wrong)
	if wrong*20 > right+wrong {
		t.Errorf("%d of %d refusals missed", wrong, right+wrong)
	}
}
