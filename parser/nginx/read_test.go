package nginx

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// found lists the diagnostics as "CODE line:column-column message of the server", refusing ones with !.
func found(c *Config) string {
	var out []string
	for i := range c.Diagnostics {
		d := &c.Diagnostics[i]
		mark := ""
		if d.Refuses {
			mark = "!"
		}
		from, to := d.File.Position(d.Span.Start), d.File.Position(d.Span.End)
		out = append(out, fmt.Sprintf("%s%s %s-%d %s", mark, d.Code, from, to.Column, d.ServerMessage))
	}
	return strings.Join(out, "\n")
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"missing semicolon, next line", "set $a 1\nreturn 200;\n", `!RD019 1:9-9 invalid number of arguments in "set" directive`},
		{"two missing semicolons", "root /x\nset $a 1\nreturn 200;\n", "!RD019 1:8-8 invalid number of arguments in \"root\" directive\n" +
			`!RD019 2:9-9 invalid number of arguments in "set" directive`},
		{"missing semicolon before a block", "return 200\nlocation / { }\n", `!RD019 1:11-11 directive "return" is not terminated by ";"`},
		{"missing semicolon that nginx takes", "index a\nroot /x;\n", "RD019 1:8-8 "},
		{"missing semicolon before a brace", "location / {\n  return 200 # why\n}\n", `!RD019 2:13-13 unexpected "}"`},
		{"words on lines of their own", "server_name\n  a.test\n  b.test;\n", ""},
		{"unquoted brace", "location ~ ^/a{2}$ {\n return 200;\n}\n", "!RD020 1:15-18 unknown directive \"2}$\""},
		{"unquoted brace in a group", "rewrite ^/(a{2})$ /b;\n", `!RD020 1:13-16 directive "rewrite" is not terminated by ";"` + "\n!RD023 1:1-13 unexpected end of file, expecting \"}\""},
		{"flag", "rewrite ^ /x 301;\n", `!RD002 1:14-17 invalid parameter "301"`},
		{"part of a regex", "rewrite \"^/[z-a]\" /x;\n", `!RD514 1:15-16 pcre2_compile() failed: range out of order in character class in "^/[z-a]" at "a]"`},
		{"variable", "return 200 \"x${nosuch}y\";\n", `!RD010 1:14-23 unknown "nosuch" variable`},
		{"variable that is made below", "return 200 $a; location ~ (?<A>x) { }\n", ""},
		{"newer directive", "http2 on;\n", `!RD001 1:1-6 unknown directive "http2"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := found(Read(source.NewFile("case.conf", []byte(c.text)), Env{Context: ir.ContextServer}))
			if first, _, _ := strings.Cut(got, "\n"); c.name == "unquoted brace" {
				got = first
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	files := map[string]string{"a.conf": "set $a 1;\n", "cycle.conf": "include cycle.conf;\n", "bad.conf": "return 200\n", "uses.conf": "return 200 $b;\n"}
	open := func(name string) (*source.File, error) {
		if text, ok := files[name]; ok {
			return source.NewFile(name, []byte(text)), nil
		}
		if name == "secret.conf" {
			return nil, errors.New("not yours to read")
		}
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	glob := func(string) ([]string, error) { return []string{"uses.conf", "a.conf"}, nil }
	server := ir.ContextServer
	for _, c := range []struct {
		name, text string
		env        Env
		want       string
	}{
		{"included variable", "include a.conf; return 200 $a;", Env{Context: server, Open: open}, ""},
		{"no files", "include a.conf; return 200 $a;", Env{Context: server}, "RD999 1:9-15 \nRD010 1:28-30 "},
		{"missing file", "include no.conf;", Env{Context: server, Open: open}, `!RD029 1:9-16 open() "no.conf" failed (2: No such file or directory)`},
		{"unreadable file", "include secret.conf; return 200 $a;", Env{Context: server, Open: open}, "RD999 1:9-20 \nRD010 1:33-35 "},
		{"cycle", "include cycle.conf;", Env{Context: server, Open: open}, `!RD029 1:9-19 open() "cycle.conf" failed (24: Too many open files)`},
		{"fault in the file", "include bad.conf;", Env{Context: server, Open: open}, `!RD019 1:11-11 unexpected end of file, expecting ";" or "}"`},
		{"glob", "include *.conf;", Env{Context: server, Open: open, Glob: glob}, `!RD010 1:12-14 unknown "b" variable`},
		{"fragment", "return 200 $b;", Env{Context: server, Fragment: true}, "RD010 1:12-14 "},
		{"version", "http2 on;", Env{Context: server, Version: "1.25.1"}, ""},
		{"module by name", "lua_code_cache off;", Env{Context: server, Modules: func(d string) bool { return strings.HasPrefix(d, "lua_") }}, ""},
		{"module that is loaded", "load_module x/ngx_stream_module.so; events { } stream { server { } }", Env{}, ""},
		{"module of others", "load_module x/ngx_http_js_module.so; events { } http { js_import a; }", Env{}, "RD999 1:56-65 "},
		{"no events", "http { }", Env{}, `!RD029 1:1-5 no "events" section in configuration`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := found(Read(source.NewFile("nginx.conf", []byte(c.text)), c.env)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestDetectContext(t *testing.T) {
	for _, c := range []struct {
		text string
		want ir.Context
	}{
		{"", ir.ContextMain}, {"events { }\nhttp { }\n", ir.ContextMain}, {"server { listen 80; }\n", ir.ContextHTTP},
		{"map $a $b { }\nserver { }\n", ir.ContextHTTP}, {"location / { }\nrewrite ^ /x;\n", ir.ContextServer}, {"rewrite ^ /x;\n", ir.ContextServer},
		{"alias /x;\ninternal;\n", ir.ContextLocation}, {"upstream u { server a; }\n", ir.ContextHTTP}, {"user www;\nhttp { }\n", ir.ContextMain},
	} {
		if got := DetectContext(parseString(c.text)); got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
	}
}
