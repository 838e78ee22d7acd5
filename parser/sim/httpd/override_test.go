package httpd

import (
	"slices"
	"strings"
	"testing"

	"rewright/parser/apache"
)

func TestOverrideClassesAreThoseOfTheTables(t *testing.T) {
	for _, s := range apache.Specs() {
		if s.Override&apache.All == 0 || s.Section() {
			continue
		}
		for _, class := range []struct {
			bit  apache.Override
			name string
		}{{apache.Limit, "limit"}, {apache.Options, "options"}, {apache.FileInfo, "fileinfo"}, {apache.AuthConfig, "authconfig"}, {apache.Indexes, "indexes"}} {
			o := &overrides{classes: map[string]bool{class.name: true}}
			if got, want := o.allows(s.Name), s.Override&class.bit != 0; got != want {
				t.Errorf("%s under AllowOverride %s: %v, want %v (%v)", s.Name, class.name, got, want,
					slices.Contains(overrideClasses[strings.ToLower(s.Name)], class.name))
			}
		}
	}
}
