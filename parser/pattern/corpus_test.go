package pattern

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpusPatterns takes patterns out of real configurations by simple means: the words that directives
// take as patterns, without a parser, so that a fault of one does not hide a fault of the other.
func corpusPatterns(t testing.TB, dir string) []pair {
	t.Helper()
	seen := map[key]bool{}
	var pairs []pair
	add := func(text string, o Options) {
		text = strings.TrimPrefix(strings.Trim(text, `"'`), "!")
		if k := (key{text, o}); !seen[k] {
			seen[k] = true
			pairs = append(pairs, pair{pattern: text, options: o})
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		isNginx := strings.Contains(path, string(filepath.Separator)+"nginx"+string(filepath.Separator))
		for _, line := range strings.Split(string(data), "\n") {
			if f := strings.Fields(line); len(f) >= 2 {
				if isNginx {
					nginxPattern(f, add)
				} else {
					apachePattern(f, add)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

func apachePattern(f []string, add func(string, Options)) {
	o := Apache
	if strings.Contains(strings.ToUpper(f[len(f)-1]), "NC") {
		o.IgnoreCase = true
	}
	switch strings.ToLower(f[0]) {
	case "rewriterule", "aliasmatch", "scriptaliasmatch", "<filesmatch", "<locationmatch", "<directorymatch":
		add(strings.TrimSuffix(f[1], ">"), o)
	case "rewritecond":
		if len(f) > 2 {
			add(f[2], o)
		}
	case "redirectmatch":
		if len(f) > 3 {
			add(f[2], o)
		} else {
			add(f[1], o)
		}
	case "setenvif", "setenvifnocase", "browsermatchnocase":
		for _, word := range f[1:] {
			add(word, o)
		}
	}
}

func nginxPattern(f []string, add func(string, Options)) {
	if f[0] == "rewrite" {
		add(f[1], Nginx)
	}
	for i, word := range f {
		o := Nginx
		switch {
		case strings.HasPrefix(word, "~*"):
			o.IgnoreCase = true
			word = word[2:]
		case strings.HasPrefix(word, "!~*"):
			o.IgnoreCase = true
			word = word[3:]
		case strings.HasPrefix(word, "~"):
			word = word[1:]
		case strings.HasPrefix(word, "!~"):
			word = word[2:]
		default:
			continue
		}
		if word == "" && i+1 < len(f) {
			word = f[i+1]
		}
		add(strings.TrimSuffix(word, ")"), o)
	}
}

// TestCorpusLikeLibrary compares the patterns of real files with the real library.
// REWRIGHT_CORPUS is a directory with configuration files; those below a folder nginx are nginx's.
func TestCorpusLikeLibrary(t *testing.T) {
	dir := os.Getenv("REWRIGHT_CORPUS")
	if dir == "" {
		t.Skip("REWRIGHT_CORPUS names no directory; no real patterns were compared")
	}
	path := library(t)
	pairs := corpusPatterns(t, dir)
	g := newGenerator(1)
	common := []string{"", "/", "/index.php", "index.html", "/a/b/c.html", "www.example.com", "example.com:443", "a=1&b=2", "/wp-content/uploads/x.jpg", "on\n"}
	for i := range pairs {
		tree, _ := Parse(pairs[i].pattern, pairs[i].options)
		pairs[i].subjects = append([]string(nil), common...)
		for range 10 {
			pairs[i].subjects = append(pairs[i].subjects, g.subject(tree))
		}
	}
	var count tally
	const batch = 2000
	for from := 0; from < len(pairs); from += batch {
		part := pairs[from:min(from+batch, len(pairs))]
		count.compare(t, part, askLibrary(t, path, part))
	}
	t.Log(&count)
}

// TestCorpusSubjects: real patterns agree with their languages, and most have one.
func TestCorpusSubjects(t *testing.T) {
	dir := os.Getenv("REWRIGHT_CORPUS")
	if dir == "" {
		t.Skip("REWRIGHT_CORPUS names no directory; no languages of real patterns were tried")
	}
	g := newGenerator(2)
	told, walks, all := 0, 0, 0
	for _, p := range corpusPatterns(t, dir) {
		re, err := Compile(p.pattern, p.options)
		if err != nil {
			continue
		}
		all++
		if re.walk() != nil || re.known.shape.whole {
			walks++
		}
		s := NewSpace(20000)
		l, ok := s.Subjects(re.Tree())
		if !ok {
			continue
		}
		told++
		for range 3 {
			subject := g.subject(re.Tree())
			want, err := re.MatchBool(subject)
			if err != nil {
				t.Fatalf("%q: %v", re, err)
			}
			if got, known := s.Contains(l, subject); known && got != want {
				t.Errorf("%q on %q: language says %v, matcher %v", re, subject, got, want)
			}
		}
	}
	t.Logf("%d patterns: %d have a language, %d need no engine", all, told, walks)
}
