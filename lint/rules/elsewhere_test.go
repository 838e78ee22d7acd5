package rules

import (
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestBesideOtherModules checks that settings of common modules from elsewhere are a remark and do not keep rules from being proved.
func TestBesideOtherModules(t *testing.T) {
	for _, c := range []struct {
		name, file string
		server     ir.Server
		context    ir.Context
		text       string
		proved     bool
	}{
		{"PHP", ".htaccess", ir.Apache, ir.ContextHtaccess, "php_value memory_limit 32M\nRewriteEngine On\nRewriteRule ^b$ /b [R=301,L]\n", true},
		{"compression", "site.conf", ir.Nginx, ir.ContextServer, "brotli on;\nlocation = /a { return 301 /a; }\n", true},
		{"headers", "site.conf", ir.Nginx, ir.ContextServer, "more_set_headers \"X-A: b\";\nlocation = /a { return 301 /a; }\n", true},
		{"the header that matters", "site.conf", ir.Nginx, ir.ContextServer, "more_set_headers \"Location: /b\";\nlocation = /a { return 301 /a; }\n", false},
		{"a module that may answer", "site.conf", ir.Nginx, ir.ContextServer, "access_by_lua_file a.lua;\nlocation = /a { return 301 /a; }\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			remark, loop := false, false
			for _, d := range checkInput(t, lint.Input{File: source.NewFile(c.file, []byte(c.text)), Server: c.server, Context: c.context}) {
				if d.Refuses {
					t.Errorf("called refused: %s", describe(d))
				}
				remark = remark || d.Code == "RD001"
				loop = loop || d.Code == "RD201"
			}
			if !remark || loop != c.proved {
				t.Errorf("remark %v, loop %v; wanted a remark, and a loop to be %v", remark, loop, c.proved)
			}
		})
	}
}
