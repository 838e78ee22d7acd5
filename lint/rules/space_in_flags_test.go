package rules

import (
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// Where a comma is missing between flags the fix writes one: glued together, R=301L would be read as R=301 alone.
func TestSpaceInFlagsFix(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"RewriteRule ^a$ /b [R=301 L]", "[R=301,L]"},
		{"RewriteRule ^a$ /b [R=301, L]", "[R=301,L]"},
		{"RewriteRule ^a$ /b [R = 301,L]", "[R=301,L]"},
		{"RewriteRule ^a$ /b [R= 301 , L]", "[R=301,L]"},
		{"RewriteRule ^a$ /b [L R=301 NC]", "[L,R=301,NC]"},
		{"RewriteRule ^a$ /b [QSA L]", "[QSA,L]"},
		{"RewriteRule ^a$ /b [N C,L]", "[NC,L]"},
		{"RewriteRule ^a$ /b [E=A:1 L]", "[E=A:1,L]"},
		{"RewriteRule ^a$ /b [E=A:b c,L]", "[E=A:bc,L]"},
		{"RewriteRule ^a$ /b [ R=301,L ]", "[R=301,L]"},
	} {
		list := check(t, "f", "RewriteEngine On\n"+c.line+"\n", ir.Apache, ir.ContextHtaccess, "RD003")
		if len(list) != 1 || len(list[0].Fixes) == 0 {
			t.Errorf("%s: %s", c.line, lines(list))
			continue
		}
		out, err := source.Apply(list[0].File.Text, list[0].Fixes[0].Edits)
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), " "+c.want) {
			t.Errorf("%s: the fix makes %q, want %s", c.line, out, c.want)
		}
	}
}
