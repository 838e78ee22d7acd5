package rules

import (
	"testing"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

func TestLocationIndex(t *testing.T) {
	var x expressionIndex
	for _, text := range []string{"^/a/b", `\.php$`, "^/b", "^/A"} {
		re, err := pattern.Compile(text, pattern.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x.add(&ir.Scope{Pattern: &ir.Pattern{Text: text, Re: re}})
	}
	for text, want := range map[string]string{"/a/bc": `^/a/b \.php$ ^/A `, "/a": `\.php$ ^/A `, "/b": `\.php$ ^/b `, "": `\.php$ `} {
		got := ""
		for _, s := range x.wide(text) {
			got += s.Pattern.Text + " "
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	p := newPrefixIndex([]*ir.Scope{{Path: "/", Modifier: ir.PrefixLocation}, {Path: "/a/", Modifier: ir.NoRegexLocation}, {Path: "/a/b/c", Modifier: ir.PrefixLocation}, {Path: "/x", Modifier: ir.NoRegexLocation}})
	if s := p.longest("/a/b"); s == nil || s.Path != "/a/" {
		t.Errorf("longest is %v", s)
	}
	for text, want := range map[string]bool{"/a/b": true, "/a/b/c": false, "/x": false, "/b": false, "": true} {
		if p.triedBelow(text) != want {
			t.Errorf("below %q: want %v", text, want)
		}
	}
}
