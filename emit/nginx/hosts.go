package nginx

import (
	"fmt"
	"path"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/sim"
)

// convertServer writes a whole server configuration: one server {} for each virtual host. They stand in http.conf,
// for none of them fits into another's server {}.
func convertServer(p *ir.Program, o emit.Options) (*emit.Result, error) {
	var hosts []*ir.Scope
	for _, it := range p.Root.Items {
		if s, ok := it.(*ir.Scope); ok && s.Kind == ir.ScopeHost {
			hosts = append(hosts, s)
		}
	}
	if len(hosts) == 0 {
		hosts = []*ir.Scope{p.Root}
	}
	out := &emit.Result{}
	blocks := map[string]bool{}
	var maps, servers strings.Builder
	for i, h := range hosts {
		root := setting(h, p.Root, "DocumentRoot")
		if !strings.HasPrefix(root, "/") {
			root = "/var/www/html"
		}
		one := *p
		one.Context = ir.ContextVhost
		host := *h
		host.Kind = ir.ScopeHost
		main := &ir.Scope{Kind: ir.ScopeMain, Name: "server"}
		if h != p.Root {
			for _, it := range p.Root.Items { // what is said for all hosts
				if s, ok := it.(*ir.Scope); !ok || s.Kind != ir.ScopeHost {
					main.Items = append(main.Items, it)
				}
			}
		}
		host.Parent = main
		main.Items = append(main.Items, &host)
		one.Root = main
		one.Htaccess = nil
		for _, s := range p.Htaccess {
			if dir := path.Clean(s.Dir); dir == path.Clean(root) || strings.HasPrefix(dir, path.Clean(root)+"/") {
				one.Htaccess = append(one.Htaccess, s)
			}
		}
		world := sim.World{}
		if o.World != nil {
			world = *o.World
		}
		world.DocumentRoot = root
		names := namesOf(h)
		own := o
		own.World, own.Hosts = &world, names
		c, err := newConversion(&one, own)
		if err != nil {
			return nil, err
		}
		c.firstBulk = 100 * i
		r, err := c.run()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Place(), err)
		}
		out.Notes = append(out.Notes, r.Notes...)
		out.Remarks = append(out.Remarks, r.Remarks...)
		out.Compared += r.Compared
		for _, b := range topBlocks(text(r, HTTPFile)) {
			if !blocks[b] {
				blocks[b] = true
				maps.WriteString(b)
			}
		}
		servers.WriteString(serverBlock(h, p.Root, root, names, text(r, ServerFile)))
	}
	http := maps.String() + servers.String()
	out.Files = []emit.File{{Name: HTTPFile, Text: []byte(http)}, {Name: ServerFile, Text: []byte("# the servers stand in " + HTTPFile + "\n")}}
	if o.Full {
		out.Files = append(out.Files, emit.File{Name: FullFile, Text: []byte(full(http, ""))})
	}
	out.Remarks = append(out.Remarks, ofEveryResult()...)
	sortNotes(out.Notes)
	return out, nil
}

func text(r *emit.Result, name string) string {
	for _, f := range r.Files {
		if f.Name == name {
			return string(f.Text)
		}
	}
	return ""
}

// topBlocks takes text of http {} apart into its directives, each with the comment above it.
func topBlocks(text string) (out []string) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line)
		if strings.HasPrefix(line, "}") || !strings.HasPrefix(line, " ") && strings.HasSuffix(line, ";\n") {
			out = append(out, b.String())
			b.Reset()
		}
	}
	return append(out, b.String())
}

// setting is the last value of a directive in a host or, if it has none, in the server around it.
func setting(h, main *ir.Scope, name string) (value string) {
	for _, s := range []*ir.Scope{h, main} {
		for _, it := range s.Items {
			if set, ok := it.(*ir.Setting); ok && strings.EqualFold(set.Name, name) {
				value = set.Arg(0)
			}
			if o, ok := it.(*ir.Opaque); ok && strings.EqualFold(o.Name, name) && len(o.Args) > 0 {
				value = o.Args[0].Text
			}
		}
		if value != "" {
			return value
		}
	}
	return value
}

// namesOf are ServerName and ServerAlias, without scheme and port.
func namesOf(h *ir.Scope) (out []string) {
	for _, it := range h.Items {
		set, ok := it.(*ir.Setting)
		if !ok {
			continue
		}
		switch strings.ToLower(set.Name) {
		case "servername", "serveralias":
			for _, w := range set.Args {
				name := w.Text
				if _, rest, is := strings.Cut(name, "://"); is {
					name = rest
				}
				name, _, _ = strings.Cut(name, ":")
				if name != "" {
					out = append(out, strings.ToLower(name))
				}
				if strings.EqualFold(set.Name, "ServerName") {
					break
				}
			}
		}
	}
	return out
}

// serverBlock writes one server {}.
func serverBlock(h, main *ir.Scope, root string, names []string, body string) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, "    "+format+"\n", args...) }
	b.WriteString("\nserver {\n")
	tls := strings.EqualFold(setting(h, h, "SSLEngine"), "on")
	listens := 0
	for _, w := range h.Args {
		address := strings.TrimPrefix(w.Text, "_default_")
		i := strings.LastIndexByte(address, ':')
		host, port := address, ""
		if i >= 0 && !strings.HasSuffix(address, "]") {
			host, port = address[:i], address[i+1:]
		}
		if port == "" || port == "*" {
			port = "80"
			if tls {
				port = "443"
			}
		}
		listen := port
		if host != "" && host != "*" {
			listen = host + ":" + port
		}
		if strings.ContainsAny(listen, "$ {};") {
			continue
		}
		if tls {
			listen += " ssl"
		}
		put("listen %s;", listen)
		listens++
	}
	if listens == 0 {
		put("listen 80;")
	}
	var plain []string
	for _, n := range names {
		if !strings.ContainsAny(n, "?$ {};\"'\\") && (strings.Count(n, "*") == 0 || strings.HasPrefix(n, "*.") && strings.Count(n, "*") == 1) {
			plain = append(plain, n)
		}
	}
	if len(plain) > 0 {
		put("server_name %s;", strings.Join(plain, " "))
	}
	put("root %s;", word(root))
	if tls {
		for _, d := range [][2]string{{"SSLCertificateFile", "ssl_certificate"}, {"SSLCertificateKeyFile", "ssl_certificate_key"}} {
			if v := setting(h, main, d[0]); v != "" {
				put("%s %s;", d[1], word(v))
			}
		}
	}
	if v := setting(h, h, "ErrorLog"); strings.HasPrefix(v, "/") {
		put("error_log %s;", word(v))
	}
	if v := setting(h, h, "CustomLog"); strings.HasPrefix(v, "/") {
		put("access_log %s;", word(v))
	}
	b.WriteByte('\n')
	for line := range strings.Lines(body) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String() + "}\n"
}

// full is a configuration that nginx can be started with.
func full(http, server string) string {
	var b strings.Builder
	b.Grow((len(http) + len(server)) * 5 / 4)
	b.WriteString("events {\n}\n\nhttp {\n    default_type application/octet-stream;\n")
	for _, part := range [...]string{http, server} {
		for line := range strings.Lines(part) {
			if line != "\n" {
				b.WriteString("    ")
			}
			b.WriteString(line)
		}
	}
	b.WriteString("}\n")
	return b.String()
}
