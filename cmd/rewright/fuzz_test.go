package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzTrace states the law of bad input: whatever the configuration and the request hold, trace answers each
// request line with one JSON object or refuses the configuration with status 2, and finds no fault in itself.
func FuzzTrace(f *testing.F) {
	f.Add("htaccess", "RewriteEngine On\nRewriteRule ^a(.*)$ /b$1?x=%{QUERY_STRING} [R=301,L]\n", `{"target":"/abc?q"}`)
	f.Add("vhost", "Redirect permanent /a /b\nRewriteEngine On\nRewriteRule .* - [F", `{"target":"/a","host":null,"headers":[["A","b"]]}`)
	f.Add("server", "location ~ ^/(.*)$ { if ($http_x) { return 301 /$1; } rewrite ^ /x last; }", `{"target":"/%41?a=b","headers":{"X":"1"}}`)
	f.Add("main", "events {}\nhttp { server { listen 80; location / { try_files $uri /i; } } }", `{"target":"http://h/a/../b","version":"1.0"}`)
	f.Add("location", "return 200 \"$args\xff\";", "{\"target\":\"/\u00e9\"}")
	f.Fuzz(func(t *testing.T, context, config, request string) {
		if len(config) > 4096 || len(request) > 4096 {
			return
		}
		root := t.TempDir()
		var out, errs bytes.Buffer
		a := &app{in: strings.NewReader(config), out: &out, err: &errs, now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
		requests := root + "/requests"
		writeFile(t, requests, request+"\n")
		status := a.run([]string{"trace", "--json", "--context", context, "--docroot", root, "--requests", requests, "-"})
		if strings.Contains(errs.String(), "internal error") || strings.Contains(out.String(), "internal error") {
			t.Fatalf("status %d: %s%s", status, errs.String(), out.String())
		}
		if status != exitOK && status != exitUsage {
			t.Errorf("status %d", status)
		}
		for line := range strings.Lines(out.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("no JSON: %q", line)
			}
		}
	})
}
