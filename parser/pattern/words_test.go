package pattern

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		want     []string // nil: not so plain, or too many
		caseless bool
	}{
		{`^(www\.)?a\.example$`, []string{"a.example", "www.a.example"}, false},
		{`^(?:a|b(c|))d$`, []string{"ad", "bcd", "bd"}, false},
		{`^(?i:A)b$`, []string{"ab"}, true},
		{`^$`, []string{""}, false},
		{`^a`, nil, false},
		{`a$`, nil, false},
		{`^a.$`, nil, false},
		{`^a+$`, nil, false},
		{`^(?!a)b$`, nil, false},
		{`^a$|^b$`, nil, false},
		{`^a?b?c?d?$`, nil, false},
	} {
		tree, err := Parse(c.pattern, Apache)
		if err != nil {
			t.Fatal(err)
		}
		words, caseless, ok := tree.Words(8)
		if ok != (c.want != nil) || ok && (!slices.Equal(words, c.want) || caseless != c.caseless) {
			t.Errorf("%s: %q %v %v", c.pattern, words, caseless, ok)
		}
	}
}

// TestWordsHold: every subject that a pattern matches is one of its words.
func TestWordsHold(t *testing.T) {
	g := newGenerator(29)
	for range 20000 {
		re, err := Compile("^"+g.pattern()+"$", someOptions[g.IntN(len(someOptions))])
		if err != nil {
			continue
		}
		words, caseless, ok := re.Tree().Words(32)
		if !ok {
			continue
		}
		for range 4 {
			subject := g.subject(re.Tree())
			if hit, err := re.MatchBool(subject); err != nil || !hit {
				continue
			}
			bare := subject
			if caseless {
				bare = lower(bare)
			}
			if n := len(bare); n > 0 && bare[n-1] == '\n' && !slices.Contains(words, bare) {
				bare = bare[:n-1]
			}
			if !slices.Contains(words, bare) {
				t.Fatalf("%q matches %q, which is none of %q", re, subject, words)
			}
		}
	}
}
