package nginx

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
)

// settings reads the directives of a scope into its configuration; what it does not set is shared with the scope
// around it.
func (c *compiler) settings(l *conf, scope *ir.Scope) {
	shared := l.inherited
	own := func() *inherited {
		if l.inherited == shared {
			copied := *shared
			l.inherited = &copied
		}
		return l.inherited
	}
	lists := map[string]bool{}
	first := func(name string) bool {
		if lists[name] {
			return false
		}
		lists[name] = true
		return true
	}
	for _, item := range scope.Items {
		switch item := item.(type) {
		case *ir.Opaque:
			if !item.Harmless {
				c.opaque(own(), item)
			}
		case *ir.Scope:
			if item.Name == "types" {
				c.types(own(), item, first("types"))
			}
		case *ir.Setting:
			c.setting(l, item, own, first)
		}
	}
	c.completeProxy(l, own)
}

func (c *compiler) types(in *inherited, s *ir.Scope, first bool) {
	if first {
		in.types, in.typesUnknown = map[string]string{}, ""
	}
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Setting:
			if item.Name == "include" {
				in.typesUnknown = "the types of an included file are not known"
			}
			for _, a := range item.Args {
				in.types[asciiLower(a.Text)] = item.Name
			}
		case *ir.Opaque:
			in.typesUnknown = "the types of an included file are not known"
		}
	}
}

// setting reads one directive.
func (c *compiler) setting(l *conf, set *ir.Setting, own func() *inherited, first func(string) bool) {
	template := func(i int) *template {
		if i < len(set.Templates) && set.Templates[i] != nil {
			return c.template(set.Templates[i])
		}
		return c.template(ir.LiteralTemplate(set.Arg(i), ir.Origin{}.Span))
	}
	switch set.Name {
	case "root", "alias":
		c.root(l, own(), set)
	case "index":
		in := own()
		if first("index") {
			in.index = nil
		}
		for i := range set.Args {
			in.index = append(in.index, template(i))
		}
	case "autoindex":
		own().autoindex = isOn(set)
	case "try_files":
		c.tryFiles(l, set)
	case "error_page":
		in := own()
		if first("error_page") {
			in.errorPages = nil
		}
		in.errorPages = append(in.errorPages, c.errorPage(set)...)
	case "recursive_error_pages":
		own().recursiveErrorPages = isOn(set)
	case "add_header":
		in := own()
		if first("add_header") {
			in.headers = nil
		}
		in.headers = append(in.headers, addHeader{set.Arg(0), template(1), set.Arg(2) == "always", set.Origin})
	case "expires":
		e := &expires{origin: set.Origin, modified: len(set.Args) > 1 && set.Arg(0) == "modified"}
		e.value = template(len(set.Args) - 1)
		own().expires = e
	case "internal":
		own().internal = true
	case "allow", "deny":
		in := own()
		if first("access") {
			in.access = nil
		}
		in.access = append(in.access, accessRule{set.Name == "deny", parsePrefix(set.Arg(0)), set.Arg(0), set.Origin})
	case "satisfy":
		own().satisfyAny = set.Arg(0) == "any"
	case "auth_basic":
		own().authBasic = template(0)
	case "auth_basic_user_file":
		own().authFile = template(0)
	case "absolute_redirect":
		own().absoluteRedirect = isOn(set)
	case "port_in_redirect":
		own().portInRedirect = isOn(set)
	case "server_name_in_redirect":
		own().serverName = isOn(set)
	case "msie_refresh":
		own().msieRefresh = isOn(set)
	case "default_type":
		own().defaultType = set.Arg(0)
	case "client_max_body_size":
		if n, ok := parseSize(set.Arg(0)); ok {
			own().maxBody = n
		}
	case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass":
		c.pass(l, own(), set, template(0))
	case "empty_gif", "stub_status", "mp4", "flv", "perl":
		l.handler = handlerKind(set.Name)
	case "proxy_redirect":
		c.proxyRedirect(l, own(), set, template, first)
	case "proxy_set_header":
		in := own()
		if first("proxy_set_header") {
			in.proxyHeaders = nil
		}
		in.proxyHeaders = append(in.proxyHeaders, proxyHeader{set.Arg(0), template(1)})
	case "proxy_method":
		own().proxyMethod = template(0)
	case "fastcgi_param":
		in := own()
		if first("fastcgi_param") {
			in.fastcgiParams = nil
		}
		in.fastcgiParams = append(in.fastcgiParams, fastcgiParam{set.Arg(0), template(1), set.Arg(2) == "if_not_empty"})
	case "fastcgi_split_path_info":
		if re := c.ownRegex(set.Arg(0), set.Origin); re != nil {
			own().splitPathInfo = re.re
		}
	case "fastcgi_index":
		own().fastcgiIndex = template(0)
	case "proxy_intercept_errors", "fastcgi_intercept_errors", "uwsgi_intercept_errors", "scgi_intercept_errors", "grpc_intercept_errors":
		in := own()
		copied := map[handlerKind]bool{}
		for k, v := range in.intercept {
			copied[k] = v
		}
		copied[handlerKind(strings.Replace(set.Name, "_intercept_errors", "_pass", 1))] = isOn(set)
		in.intercept = copied
	case "valid_referers":
		c.validReferers(l, own(), set, first("valid_referers"))
	case "set_real_ip_from":
		own().realIP = true
	case "real_ip_header":
		own().realIPHeader = asciiLower(set.Arg(0))
	case "gzip_static":
		own().gzipStatic = strings.TrimPrefix(set.Arg(0), "off")
	case "charset":
		own().charset = strings.TrimPrefix(set.Arg(0), "off")
	default:
		c.unmodelled(l, own, set)
	}
}

// unmodelled notes settings whose effect is not simulated, in the phase in which it shows.
func (c *compiler) unmodelled(l *conf, own func() *inherited, set *ir.Setting) {
	why := set.Name + " is not modelled"
	off := set.Arg(0) == "off"
	add := func(list *[]string) { *list = joinReasons(*list, why) }
	// A value of off ends what an outer scope turned on.
	drop := func(list *[]string) {
		var kept []string
		for _, r := range *list {
			if r != why {
				kept = append(kept, r)
			}
		}
		*list = kept
	}
	choose := func(pick func(in *inherited) *[]string) {
		if off {
			drop(pick(own()))
		} else {
			add(pick(own()))
		}
	}
	switch set.Name {
	case "auth_request", "auth_jwt":
		choose(func(in *inherited) *[]string { return &in.accessPhase })
	case "random_index", "dav_methods", "image_filter", "xslt_stylesheet", "disable_symlinks":
		choose(func(in *inherited) *[]string { return &in.content })
	case "mirror":
		choose(func(in *inherited) *[]string { return &in.accessPhase })
	case "userid":
		choose(func(in *inherited) *[]string { return &in.headerPhase })
	case "ssi", "sub_filter", "add_before_body", "add_after_body":
		in := own()
		if off {
			in.bodyFilter = ""
		} else {
			in.bodyFilter = set.Name
		}
	}
}

// quietModules are the beginnings of directives of third-party modules that only prepare something, count, or pack
// bodies: none of them answers a request or changes one.
var quietModules = []string{"js_path", "js_import", "js_include", "js_fetch_", "js_shared_dict", "lua_", "init_by_lua",
	"init_worker_by_lua", "log_by_lua", "vhost_traffic_status", "brotli", "zstd", "opentracing", "opentelemetry", "otel_"}

// opaque notes a directive that is not modelled.
func (c *compiler) opaque(in *inherited, o *ir.Opaque) {
	why := o.Name + " is not modelled"
	if onlyTypes(o) {
		in.types, in.typesUnknown = map[string]string{}, "the types of an included file are not known"
		return
	}
	for _, prefix := range quietModules {
		if strings.HasPrefix(o.Name, prefix) {
			return
		}
	}
	if o.Name == "include" {
		why = "what stands in an included file is not known"
	}
	switch {
	case strings.HasPrefix(o.Name, "access_by_") || o.Name == "auth_jwt" || o.Name == "auth_request":
		in.accessPhase = joinReasons(in.accessPhase, why)
	case strings.HasPrefix(o.Name, "content_by_") || o.Name == "js_content" || strings.HasSuffix(o.Name, "_pass") || o.Name == "echo":
		in.content = joinReasons(in.content, why)
	case strings.HasPrefix(o.Name, "header_filter_by_") || strings.HasPrefix(o.Name, "more_") || strings.HasPrefix(o.Name, "js_header"):
		in.headerPhase = joinReasons(in.headerPhase, why)
	case strings.HasPrefix(o.Name, "body_filter_by_"):
		in.bodyFilter = o.Name
	default:
		in.early = joinReasons(in.early, why)
	}
}

// root reads root and alias. Source: ngx_http_core_root.
func (c *compiler) root(l *conf, in *inherited, set *ir.Setting) {
	if len(set.Templates) == 0 {
		return
	}
	t := set.Templates[0]
	in.alias, in.aliasLen = noAlias, 0
	if set.Name == "alias" {
		switch {
		case l.pattern != nil:
			in.alias = aliasWhole
		case len(l.name) > 0:
			in.alias, in.aliasLen = aliased, len(l.name)
		}
	} else if strings.HasSuffix(t.Text, "/") && len(t.Parts) > 0 {
		if p := t.Parts[len(t.Parts)-1]; p.Kind == ir.Literal {
			shorter := *t
			shorter.Parts = append([]ir.Part(nil), t.Parts...)
			shorter.Parts[len(t.Parts)-1].Text = strings.TrimSuffix(p.Text, "/")
			if shorter.Text == "/" {
				shorter.Parts = nil
			}
			t = &shorter
		}
	}
	in.root = c.template(t)
	in.rootText = set.Arg(0)
}

// tryFiles reads try_files. Source: ngx_http_try_files.
func (c *compiler) tryFiles(l *conf, set *ir.Setting) {
	l.tryOrigin = set.Origin
	for i := range set.Args {
		f := tryFile{code: -1}
		last := i == len(set.Args)-1
		t := set.Templates[i]
		text := set.Arg(i)
		switch {
		case last && strings.HasPrefix(text, "="):
			if n, err := strconv.ParseUint(text[1:], 10, 31); err == nil && n > 0 {
				f.code = int(n) // =0 is a URI to nginx
			}
		case !last && strings.HasSuffix(text, "/"):
			f.dir = true
			shorter := *t
			shorter.Parts = append([]ir.Part(nil), t.Parts...)
			if n := len(shorter.Parts); n > 0 && shorter.Parts[n-1].Kind == ir.Literal {
				shorter.Parts[n-1].Text = strings.TrimSuffix(shorter.Parts[n-1].Text, "/")
				if shorter.Parts[n-1].Text == "" {
					shorter.Parts = shorter.Parts[:n-1]
				}
			}
			t = &shorter
		}
		f.name = c.template(t)
		l.tryFiles = append(l.tryFiles, f)
	}
}

func (c *compiler) errorPage(set *ir.Setting) []errorPage {
	n := len(set.Args)
	if n < 2 || len(set.Templates) < n {
		return nil
	}
	target := c.template(set.Templates[n-1])
	last, overwrite := n-1, -1
	if n > 2 && strings.HasPrefix(set.Args[n-2].Text, "=") {
		last, overwrite = n-2, 0
		if v, err := strconv.Atoi(set.Args[n-2].Text[1:]); err == nil {
			overwrite = v
		}
	}
	var out []errorPage
	for _, a := range set.Args[:last] {
		code, err := strconv.Atoi(a.Text)
		if err != nil {
			continue
		}
		p := errorPage{code, overwrite, target, set.Origin}
		switch code {
		case 494, 495, 496, 497:
			if overwrite == -1 {
				p.overwrite = 400
			}
		}
		out = append(out, p)
	}
	return out
}

func (c *compiler) validReferers(l *conf, in *inherited, set *ir.Setting, first bool) {
	f := &referers{}
	if !first && in.referers != nil {
		f = in.referers
	}
	in.referers = f
	for _, w := range set.Args {
		switch {
		case w.Text == "none":
			f.none = true
		case w.Text == "blocked":
			f.blocked = true
		case w.Text == "server_names":
			f.any = true
			if l.server != nil {
				for _, n := range l.server.names {
					f.names.addName(n, "")
				}
				for _, re := range l.server.regexNames {
					f.serverRegexes = append(f.serverRegexes, re.re)
				}
			}
		case strings.HasPrefix(w.Text, "~"):
			f.any = true
			if re := c.ownRegexPlain(w.Text[1:], set.Origin); re != nil {
				f.regexes = append(f.regexes, re)
			}
		default:
			f.any = true
			host, path, _ := strings.Cut(w.Text, "/")
			if len(host) < len(w.Text) {
				path = "/" + path
			}
			f.names.addName(host, path)
		}
	}
}
