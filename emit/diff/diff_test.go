package diff

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, before, after string, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, name, []byte(before), []byte(after), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	note := func(h Hunk) []string { return []string{fmt.Sprintf("line %d", h.Before+1), "a\nb\x1b[1m"} }
	for _, c := range []struct {
		name, before, after string
		o                   Options
		want                string
	}{
		{"equal", "a\n", "a\n", Options{}, ""},
		{"one line", "a\n", "b\n", Options{}, "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"},
		{"from empty", "", "b\n", Options{}, "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+b\n"},
		{"to empty", "a\nb\n", "", Options{}, "--- a/f\n+++ b/f\n@@ -1,2 +0,0 @@\n-a\n-b\n"},
		{"newline added", "a\nb", "a\nb\n", Options{}, "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"},
		{"no newline kept", "a\nb", "c\nb", Options{}, "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n"},
		{"no context", "a\nb\nc\n", "a\nc\n", Options{Context: -1}, "--- a/f\n+++ b/f\n@@ -2 +1,0 @@\n-b\n"},
		{"notes", "a\nb\nc\nd\ne\n", "A\na\nb\nc\nd\nE\n", Options{Context: 1, Note: note},
			"# line 1\n# a?b?[1m\n--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n+A\n a\n# line 4\n# a?b?[1m\n--- a/f\n+++ b/f\n@@ -5,2 +5,2 @@\n d\n-e\n+E\n"},
		{"colour", "same\na = 1 x\n", "same\na = 22 x\n", Options{Colour: true},
			"\x1b[1m--- a/f\x1b[22m\n\x1b[1m+++ b/f\x1b[22m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[0m\n same\n" +
				"\x1b[31m-a = \x1b[0m\x1b[31;7m1\x1b[0;27m\x1b[31m x\x1b[0m\n\x1b[32m+a = \x1b[0m\x1b[32;7m22\x1b[0;27m\x1b[32m x\x1b[0m\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, write(t, "f", c.before, c.after, c.o)); d != "" {
				t.Error(d)
			}
		})
	}
}

// What stands out of a changed line begins and ends with whole characters.
func TestChangedPart(t *testing.T) {
	for _, c := range []struct{ s, t, want string }{
		{"abc", "abc", ""}, {"abc", "axc", "b"}, {"aä", "aö", "ä"}, {"äa", "öa", "ä"}, {"aa", "aaa", ""}, {"aaa", "aa", "a"}, {"", "x", ""},
		{"\xe4a", "\xf6a", "\xe4"},
	} {
		from, to := changedPart(c.s, c.t)
		if from > to || c.s[from:to] != c.want {
			t.Errorf("%q and %q: %d to %d, want %q", c.s, c.t, from, to, c.want)
		}
	}
}

// Names that git and patch must read back.
var names = []string{"f", ".htaccess", "with blank", "sub dir/q\"uote", "back\\slash", "tab\there", "umlaut-\xc3\xa4", "latin-\xe4", "nl\nname", "-", "a/b/c"}

// pairs are texts that are awkward for a patch.
func pairs(r *rand.Rand, n int) [][2]string {
	out := [][2]string{
		{"", "a"}, {"a", ""}, {"", "a\n"}, {"a\n", ""}, {"a", "a\n"}, {"a\n", "a"}, {"\n", ""}, {"", "\n"}, {"a\r\n", "a\n"}, {"a\r\nb\r\n", "a\r\nc\r\n"},
		{"a\x00b\nc\n", "a\x00c\nc\n"}, {"\x00", "\x00\x00"}, {"caf\xe9\nx\n", "caf\xe9\ny\n"}, {"\xef\xbb\xbfa\nb\n", "a\nb\n"}, {"a\rb\rc", "a\rb\rd"},
		{"--- a/f\n+++ b/f\n", "--- a/f\n"}, {"-- x\n", "++ x\n"}, {"@@ -1 +1 @@\n", "# x\n@@ -1 +1 @@\n"}, {"diff --git a/f b/f\n", "diff --git a/f b/g\n"},
		{"\\ No newline at end of file\n", "\\ No newline at end of file"}, {strings.Repeat("}\n", 40), strings.Repeat("}\n", 20) + "x\n" + strings.Repeat("}\n", 21)},
	}
	words := []string{"RewriteEngine On", "RewriteRule ^a$ /b [R=301,L]", "}", "", "\t", "x\r", "\x00", "\xe4\xf6", "# c", " ", "}", "</IfModule>"}
	for len(out) < n {
		var lines []string
		for range r.Intn(60) {
			lines = append(lines, words[r.Intn(len(words))])
		}
		changed := append([]string(nil), lines...)
		for range 1 + r.Intn(6) {
			i := r.Intn(len(changed) + 1)
			switch r.Intn(3) {
			case 0:
				changed = append(changed[:i:i], append([]string{fmt.Sprint("new ", r.Intn(9))}, changed[i:]...)...)
			case 1:
				if i < len(changed) {
					changed = append(changed[:i:i], changed[i+1:]...)
				}
			default:
				if i < len(changed) {
					changed[i] += "!"
				}
			}
		}
		ends := [2]string{}
		for k, l := range [][]string{lines, changed} {
			if len(l) > 0 && r.Intn(4) > 0 {
				ends[k] = "\n"
			}
		}
		out = append(out, [2]string{strings.Join(lines, "\n") + ends[0], strings.Join(changed, "\n") + ends[1]})
	}
	return out
}

// TestApply has git apply and patch apply and take back what is written, with one header and with one for each hunk.
func TestApply(t *testing.T) {
	for _, tool := range []string{"git", "patch"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	n := 150
	if testing.Short() {
		n = 40
	}
	r := rand.New(rand.NewSource(5))
	dir := t.TempDir()
	run := func(stdin string, args ...string) error {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	if err := run("", "git", "init", "-q"); err != nil {
		t.Fatal(err)
	}
	for i, p := range pairs(r, n) {
		name := names[i%len(names)]
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		o := Options{Context: r.Intn(3) + 1}
		if i%2 == 1 {
			o.Note = func(h Hunk) []string {
				return []string{fmt.Sprintf("%s:%d RD308 method-lost", name, h.Before+1), "POST /a: 301 → 308"}
			}
		}
		patch := write(t, name, p[0], p[1], o)
		for _, tool := range [][]string{{"git", "apply"}, {"git", "apply", "-R"}, {"patch", "-p1", "-s", "-F0"}, {"patch", "-R", "-p1", "-s", "-F0"}} {
			from, to := p[0], p[1]
			if tool[len(tool)-1] == "-R" || tool[1] == "-R" {
				from, to = to, from
			}
			if from == to || from == "" && tool[0] == "patch" && tool[1] == "-R" {
				continue
			}
			if err := os.WriteFile(path, []byte(from), 0o644); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "\n") && tool[0] == "patch" {
				continue // patch takes no such name: "unsafe" in its words
			}
			if err := run(patch, tool...); err != nil {
				t.Errorf("%q: %v\n%q\n%q\n%s", name, err, from, to, patch)
				continue
			}
			got, err := os.ReadFile(path)
			if os.IsNotExist(err) && to == "" {
				err = nil
			}
			if err != nil || string(got) != to {
				t.Errorf("%v on %q: %v\ngot  %q\nwant %q\n%s", tool, name, err, got, to, patch)
			}
		}
		os.Remove(path)
		os.Remove(path + ".orig")
	}
}

// A long list with a change on every line, on every second one, and a move: no pair of lines is looked at twice.
func TestLong(t *testing.T) {
	var all, half, old strings.Builder
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&old, "Redirect 301 /a%d /b%d\n", i, i)
		fmt.Fprintf(&all, "Redirect 308 /a%d /b%d\n", i, i)
		fmt.Fprintf(&half, "Redirect %d /a%d /b%d\n", 301+i%2*7, i, i)
	}
	if got := Hunks([]byte(old.String()), []byte(all.String()), 3); len(got) != 1 || len(got[0].Lines) != 2*n {
		t.Errorf("%d hunks", len(got))
	}
	if got := Hunks([]byte(old.String()), []byte(half.String()), 0); len(got) != n/2 {
		t.Errorf("%d hunks, want %d", len(got), n/2)
	}
}

func FuzzHunks(f *testing.F) {
	for _, p := range pairs(rand.New(rand.NewSource(1)), 30) {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		lines := compare(before, after)
		var a, b strings.Builder
		for _, l := range lines {
			if l.Op != Insert {
				a.WriteString(l.Text)
			}
			if l.Op != Delete {
				b.WriteString(l.Text)
			}
		}
		if a.String() != before || b.String() != after {
			t.Errorf("%q and %q became %q and %q", before, after, a.String(), b.String())
		}
		end := 0
		for _, h := range Hunks([]byte(before), []byte(after), 2) {
			if h.Before < end {
				t.Errorf("hunks overlap at line %d", h.Before)
			}
			end = h.Before + h.BeforeLen
		}
	})
}
