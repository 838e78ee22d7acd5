package rules

import (
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestRequireBeside checks that the successor of Order and Allow is not offered where it would open what a Require beside it closes.
func TestRequireBeside(t *testing.T) {
	for text, offered := range map[string]bool{
		"Order allow,deny\nAllow from all\n":                                                  true,
		"AuthType Basic\nRequire valid-user\nOrder allow,deny\nAllow from all\n":              false,
		"Require valid-user\n<Files a.txt>\nOrder allow,deny\nAllow from all\n</Files>\n":     true,
		"<RequireAll>\nRequire valid-user\n</RequireAll>\nOrder allow,deny\nAllow from all\n": false,
	} {
		list := checkInput(t, lint.Input{File: source.NewFile(".htaccess", []byte(text)), Server: ir.Apache, Context: ir.ContextHtaccess}, "RD902")
		if len(list) != 1 || (len(list[0].Fixes) > 0) != offered {
			t.Errorf("%q: %d findings, offered is not %v: %v", text, len(list), offered, list)
		}
	}
}
