package apache

import (
	"reflect"
	"testing"
)

func TestBranches(t *testing.T) {
	for in, want := range map[string][]string{
		"a|b":         {"a", "b"},
		"^/(a|b)$|^c": {"^/(a|b)$", "^c"},
		`a\|b|c`:      {`a\|b`, "c"},
		"[|]|x":       {"[|]", "x"},
		"[]|]|x":      {"[]|]", "x"},
		"[^]|]|x":     {"[^]|]", "x"},
		"":            {""},
	} {
		if got := branches(in); !reflect.DeepEqual(got, want) {
			t.Errorf("branches(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBelowFolder(t *testing.T) {
	for in, want := range map[string]string{
		"^/a$":         "^a$",
		"^/a/(.*)$":    "^a/(.*)$",
		"^/?a":         "^a",
		"^/+a":         "^a",
		"/a":           "(?:^|/)a",
		`\.php$`:       `\.php$`,
		"^/a$|^/b$":    "^a$|^b$",
		"^/a$|\\.php$": `^a$|\.php$`,
		".*":           "^",
		"^/":           "^",
		"^(.*)$":       "^(.*)$",
	} {
		got, ok := belowFolder(in, false)
		if !ok || got.pattern != want {
			t.Errorf("belowFolder(%q) = %q, %v, want %q", in, got.pattern, ok, want)
		}
	}
	// the slash in front may be part of what these match
	for _, in := range []string{"^.a", "^[^a]+$", "a*b", "^(/a)$", ".b", "(a|/b)"} {
		if got, ok := belowFolder(in, false); ok {
			t.Errorf("belowFolder(%q) = %q, want none", in, got.pattern)
		}
	}
	if got, ok := belowFolder("^(.*)$", true); !ok || !got.slash {
		t.Errorf("the whole path as a group lacks its slash: %+v, %v", got, ok)
	}
}
