package main

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/fatih/color"

	"rewright/emit/compare"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

const compareUsage = `rewright compare: which requests change their answer

  rewright compare old/.htaccess new/.htaccess
  rewright compare --host example.com /var/www/html nginx.conf
  rewright compare --against http://127.0.0.1:8080 .htaccess

usage: rewright compare [flags] OLD NEW
       rewright compare [flags] --against URL OLD [NEW]

OLD and NEW are files, document roots with .htaccess files or folders of a server's configuration, of the same
server or of two. Requests are drawn from the rules, conditions and sections of both and answered by both;
what changes is grouped by rule, with a request that shows it. Files are assumed as a request needs them, unless
--docroot says which are there. With --against a running server answers in place of NEW.

Exit status: 0 no change found, 1 requests change their answer, 2 usage error, or a configuration that cannot be
read or that its server refuses to start with.
`

type compareFlags struct {
	world            worldFlags
	hosts            []string
	old, new         formatFlags
	against          string
	format           string
	requests         int
	oldRoot, newRoot string
}

func runCompare(a *app, args []string) int {
	f := &compareFlags{}
	fs := a.flags("compare", compareUsage)
	fs.StringSliceVar(&f.hosts, "host", nil, "`NAMES` the site answers to, separated by commas; default: those the configurations name")
	fs.StringVar(&f.against, "against", "", "`URL` of a running server that answers in place of NEW (http://127.0.0.1:8080)")
	fs.StringVar(&f.format, "format", "text", "text or json")
	fs.IntVar(&f.requests, "requests", compare.DefaultRequests, "`COUNT` of requests to ask at most")
	fs.StringVar(&f.old.context, "old-context", "", "`CONTEXT` that OLD is the inside of: htaccess, vhost or server for Apache; location, server, http or main for nginx")
	fs.StringVar(&f.new.context, "new-context", "", "`CONTEXT` that NEW is the inside of")
	fs.StringVar(&f.old.format, "old-server", "", "`SERVER` that reads OLD, apache or nginx; default: found from name and text")
	fs.StringVar(&f.new.format, "new-server", "", "`SERVER` that reads NEW")
	fs.StringVar(&f.world.Docroot, "docroot", "", "`FOLDER` whose files are there, for both; default: files are assumed as requests need them")
	fs.StringVar(&f.world.Time, "time", "", "`TIME` of the requests, as 2026-12-31T23:59:59Z; default: now")
	fs.StringArrayVar(&f.world.envList, "env", nil, "`NAME=VALUE` in the environment of the servers")
	fs.StringArrayVarP(&f.world.defineList, "define", "D", nil, "`NAME` or NAME=VALUE defined for Apache")
	if status, done := a.parse(fs, args); done {
		return status
	}
	rest := fs.Args()
	switch {
	case f.format != "text" && f.format != "json":
		return a.fail("--format wants text or json, not %q", f.format)
	case f.requests < 1:
		return a.fail("--requests wants a number above 0, not %d", f.requests)
	case len(rest) == 0, len(rest) == 1 && f.against == "":
		return a.fail("compare wants two configurations: rewright compare old/.htaccess new/.htaccess")
	case len(rest) > 2:
		return a.fail("compare wants two configurations, but found %q too", rest[2])
	case len(rest) == 2 && rest[0] == "-" && rest[1] == "-":
		return a.fail("standard input cannot be both configurations")
	}
	if err := f.world.finish(nil); err != nil {
		return a.fail("%v", err)
	}
	old, err := a.side(f, rest[0], &f.old)
	if err != nil {
		return a.failSide(err)
	}
	o := compare.Options{Requests: f.requests}
	var fresh *compare.Side
	if len(rest) == 2 {
		if fresh, err = a.side(f, rest[1], &f.new); err != nil {
			return a.failSide(err)
		}
	}
	if f.against != "" {
		server, err := newRunning(f.against)
		if err != nil {
			return a.fail("--against: %v", err)
		}
		o.Ask, o.Scheme = server.ask, server.scheme
	}
	result, err := compare.Run(old, fresh, o)
	if err != nil {
		return a.fail("%v", err)
	}
	if f.format == "json" {
		err = result.WriteJSON(a.out, old.Docroot)
	} else {
		err = result.WriteText(a.out, old.Docroot, a.compareStyle())
	}
	if err != nil {
		return a.written(err)
	}
	if result.Changed > 0 {
		return exitFindings
	}
	return exitOK
}

func (a *app) failSide(err error) int {
	if errors.Is(err, sim.ErrRefused) {
		fmt.Fprintf(a.err, "%v\n", err)
		return exitUsage
	}
	return a.fail("%v", plainPathError(err))
}

func (a *app) compareStyle() compare.Style {
	if !a.terminal || a.getenv("NO_COLOR") != "" {
		return compare.Style{}
	}
	paint := func(attributes ...color.Attribute) func(string) string {
		c := color.New(attributes...)
		c.EnableColor()
		return func(s string) string { return c.Sprint(s) }
	}
	return compare.Style{Old: paint(color.FgRed), New: paint(color.FgGreen), Head: paint(color.Bold), Dim: paint(color.Faint)}
}

// side loads one configuration and makes it ready for questions.
func (a *app) side(f *compareFlags, arg string, format *formatFlags) (*compare.Side, error) {
	o, err := format.options()
	if err != nil {
		return nil, errors.New(strings.NewReplacer("--format", "--old-server and --new-server", "--context", "--old-context and --new-context").Replace(err.Error()))
	}
	o.Defines, o.Environ = f.world.Define, f.world.Env
	l, folder, err := a.readConfig(arg, "", o)
	if err != nil {
		return nil, err
	}
	root := l.Docroot
	if root == "" {
		root = folder
		switch named := namedRoots(l.Program); {
		case len(named) == 1:
			root = named[0]
		case len(named) == 0 && l.Program.Server == ir.Nginx && (l.Program.Context == ir.ContextHTTP || l.Program.Context == ir.ContextMain):
			root = probe.NginxRoot
		}
	}
	world, err := f.world.build(&load.Loaded{Program: l.Program, Docroot: root}, folder, a.now())
	if err != nil {
		return nil, err
	}
	world.Files = nil
	if f.world.Docroot != "" {
		abs, err := filepath.Abs(f.world.Docroot)
		if err != nil {
			return nil, err
		}
		world.Files = parser.FSFiles{FS: disk(abs), Mount: root}
	}
	world.DocumentRoot = root
	if !world.ServerAddr.IsValid() && asksServerAddress(l.Program) {
		if world.ServerAddr = publicAddress; f.against != "" {
			world.ServerAddr = loopback
		}
	}
	site, err := probe.New(l.Program, probe.Options{Hosts: f.hosts, World: *world})
	if err != nil {
		return nil, err
	}
	return &compare.Side{Program: l.Program, Site: site, Docroot: strings.TrimSuffix(root, "/")}, nil
}

// Addresses of the server for rules that ask for it: a public one, for that is what they distinguish from the machine of a
// developer (RFC 5737 keeps it free), and that of a server that is asked at home.
var publicAddress, loopback = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")

// asksServerAddress tells whether a rule of Apache asks for the address of the server, and no virtual host is chosen by it.
func asksServerAddress(p *ir.Program) bool {
	asks, chosen := false, false
	var walk func(sc *ir.Scope)
	walk = func(sc *ir.Scope) {
		if sc.Name == "VirtualHost" {
			for _, w := range sc.Args {
				chosen = chosen || w.Text != "" && w.Text[0] != '*' && w.Text[0] != '_'
			}
		}
		for _, item := range sc.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Rule:
				for _, c := range it.Conditions {
					asks = asks || c.Test != nil && strings.Contains(c.Test.Text, "%{SERVER_ADDR}")
				}
			}
		}
	}
	if p.Root != nil {
		walk(p.Root)
	}
	for _, sc := range p.Htaccess {
		walk(sc)
	}
	return p.Server == ir.Apache && asks && !chosen
}
