package parser_test

import (
	"errors"
	"fmt"
	"testing/fstest"

	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

// A configuration that is in memory, and a request to it.
func ExampleLoadText() {
	text := "Redirect 301 /old /new\n"
	loaded, err := parser.LoadText(nil, ".htaccess", []byte(text), load.Options{DocumentRoot: "/var/www"})
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := parser.NewSimulator(loaded.Program, &sim.World{DocumentRoot: "/var/www", ServerName: "example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := server.Answer(sim.Request{Host: "example.com", Target: "/old/page?x=1"}, false)
	fmt.Println(answer.Known, answer.Status, *answer.Location)
	// Output: true 301 http://example.com/new/page?x=1
}

// A document root: every .htaccess file in it, and the files that a front controller asks for.
func ExampleLoad() {
	site := fstest.MapFS{
		".htaccess": {Data: []byte("RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)$ index.php?path=$1 [L]\n")},
		"index.php": {}, "style.css": {}, "private/.htaccess": {Data: []byte("Require all denied\n")},
	}
	loaded, err := parser.Load(site, ".", load.Options{Mount: "/srv/site"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loaded.Detected.Server, loaded.Detected.Context, len(loaded.Program.Htaccess), loaded.Docroot)
	world := &sim.World{DocumentRoot: loaded.Docroot, Files: parser.FSFiles{FS: site, Mount: loaded.Docroot}}
	server, err := parser.NewSimulator(loaded.Program, world)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, target := range []string{"/style.css", "/a/page", "/private/x"} {
		answer := server.Answer(sim.Request{Host: "localhost", Target: target}, false)
		fmt.Println(target, answer.Status, answer.URI+"?"+answer.Query)
	}
	// Output:
	// apache htaccess 2 /srv/site
	// /style.css 200 /style.css?
	// /a/page 200 /index.php?path=a/page
	// /private/x 403 /private/x?
}

// An nginx configuration that nginx would not start with, and one file that is only said to exist.
func ExampleNewSimulator() {
	loaded, err := parser.LoadText(nil, "site.conf", []byte("server { rewrite ^/a$; }\n"), load.Options{Server: ir.Nginx})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = parser.NewSimulator(loaded.Program, nil)
	fmt.Println(errors.Is(err, sim.ErrRefused), err)

	loaded, err = parser.LoadText(nil, "site.conf", []byte("location / { try_files $uri /fallback.html; }\n"), load.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	files := &parser.Declared{}
	files.AddFile("/srv/www/fallback.html", []byte("hello"))
	server, err := parser.NewSimulator(loaded.Program, &sim.World{DocumentRoot: "/srv/www", Files: files})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(server.Answer(sim.Request{Host: "localhost", Target: "/x"}, false).File)
	// Output:
	// true site.conf:1:10: invalid number of arguments in "rewrite" directive: the server refuses this configuration
	// /srv/www/fallback.html
}
