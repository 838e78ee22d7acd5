package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/source"
)

func TestSilenced(t *testing.T) {
	r := run(t, lint.Options{}, htaccess("f", "# lint:ignore RD004 -- as agreed\nRewriteRule ^a$ /b[L]\n# lint:ignore RD004\n# lint:ignore RD004 -- twice\nRewriteRule ^a$ /b[L]\n"))
	if len(r.Silenced) != 2 || r.Suppressed != 2 || r.Silenced[0].Reason != "as agreed" || r.Silenced[1].Reason != "twice" || r.Silenced[1].Code != "RD004" {
		t.Errorf("%+v", r.Silenced)
	}
}

// TestManySuppressions: cost grows with the number of comments and findings, not with their product.
func TestManySuppressions(t *testing.T) {
	text := strings.Repeat("# lint:ignore RD004 -- known\nRewriteRule ^a$ /b[L]\n", 30_000)
	r := run(t, lint.Options{Select: []string{"RD004", "RD990"}}, htaccess("f", text))
	if len(r.Findings) != 0 || r.Suppressed != 30_000 {
		t.Errorf("%d findings, %d suppressed", len(r.Findings), r.Suppressed)
	}
}

func TestMisplacedSuppressions(t *testing.T) {
	const rule = "RewriteRule ^a$ /b[L]\n"
	for _, c := range []struct{ name, text, want, fixed string }{
		{"blank line", "# lint:ignore RD004 -- so it is\n\n" + rule, "in line 3", "\n# lint:ignore RD004 -- so it is\n" + rule},
		{"above the section", "# lint:ignore RD004\n<IfModule mod_rewrite.c>\n  " + rule + "</IfModule>\n", "in line 3",
			"<IfModule mod_rewrite.c>\n  # lint:ignore RD004\n  " + rule + "</IfModule>\n"},
		{"above the conditions", "# lint:ignore RD004\r\nRewriteCond %{HTTPS} off\r\nRewriteRule ^a$ /b[L]\r\n", "in line 3",
			"RewriteCond %{HTTPS} off\r\n# lint:ignore RD004\r\nRewriteRule ^a$ /b[L]\r\n"},
		{"two rules", "# lint:ignore RD004, RD002\n\n" + rule, "in line 3", ""},
		{"far away", "# lint:ignore RD004\n" + strings.Repeat("\n", 20) + rule, "no directive follows", ""},
		{"below", rule + "# lint:ignore RD004\n", "no directive follows", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := htaccess("f", c.text)
			for _, d := range run(t, lint.Options{Select: []string{"RD004", "RD990"}}, in).Findings {
				if d.Code != "RD990" {
					continue
				}
				if !strings.Contains(d.Message, c.want) {
					t.Fatalf("got %q, want %q", d.Message, c.want)
				}
				if c.fixed == "" {
					if len(d.Fixes) > 0 && c.name == "two rules" {
						t.Error("half of a comment is moved")
					}
					return
				}
				if len(d.Fixes) == 0 {
					t.Fatal("no fix")
				}
				text, err := source.Apply(in.File.Text, d.Fixes[0].Edits)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.fixed, string(text)); diff != "" {
					t.Error(diff)
				}
				if got := codes(run(t, lint.Options{Select: []string{"RD004", "RD990"}}, htaccess("f", string(text))).Findings); got != "" {
					t.Errorf("after the fix: %s", got)
				}
				return
			}
			t.Error("no RD990")
		})
	}
}

// TestManyUnused: cost grows with the number of comments and findings, not with their product.
func TestManyUnused(t *testing.T) {
	text := strings.Repeat("# lint:ignore RD004 -- known\n\nRewriteRule ^a$ /b[L]\n", 20_000)
	r := run(t, lint.Options{Select: []string{"RD004", "RD990"}}, htaccess("f", text))
	if len(r.Findings) != 40_000 {
		t.Errorf("%d findings", len(r.Findings))
	}
}

func TestMalformedSuppressions(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"colon", "# lint:ignore: RD004\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:2 RD004"},
		{"another form", "# lint:ignore-line RD004\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:2 RD004"},
		{"file with colon", "# lint:ignore-file: RD004\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:2 RD004"},
		{"names no rule", "# lint:ignore -- all of it\nRewriteRule ^a$ /b[L]\n", "f:1 RD990, f:2 RD004"},
		{"intent", "# lint:intent forever\nRewriteRule ^a$ /b [L]\n", "f:1 RD990"},
		{"intent alone", "RewriteRule ^a$ /b [L]\n# lint:intent permanent\n", "f:2 RD990"},
		{"RD990 in the file", "# lint:ignore-file RD990\n# lint:intent forever\nRewriteRule ^a$ /b [L]\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := codes(run(t, lint.Options{}, htaccess("f", c.text)).Findings); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	r := run(t, lint.Options{Severity: map[string]diag.Severity{"RD990": diag.Style}}, htaccess("f", "# lint:intent forever\n# lint:ignore RD77\n"))
	for _, d := range r.Findings {
		if d.Severity != diag.Style {
			t.Errorf("%s is %v", d.Message, d.Severity)
		}
	}
}
