package nginx

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// Lower makes the IR of a configuration. A text that is the inside of http, server or location is wrapped
// into the scopes nginx would have around it; these have no Origin.
func Lower(c *Config) *ir.Program {
	p := &ir.Program{Server: ir.Nginx, Context: c.Context, Diagnostics: c.Diagnostics}
	for _, f := range c.Files {
		p.Files = append(p.Files, f.Source)
	}
	root := &ir.Scope{Kind: ir.ScopeMain, Name: "main"}
	p.Root = root
	target := root
	wrap := func(kind ir.ScopeKind, name string) {
		s := &ir.Scope{Kind: kind, Name: name, Parent: target}
		target.Items = append(target.Items, s)
		target = s
	}
	if c.Context != ir.ContextMain {
		wrap(ir.ScopeHTTP, "http")
		if c.Context != ir.ContextHTTP {
			wrap(ir.ScopeHost, "server")
			if c.Context == ir.ContextLocation {
				wrap(ir.ScopeLocation, "location")
				target.Path = "/"
			}
		}
	}
	lowerInto(target, c.Nodes)
	return p
}

func lowerInto(s *ir.Scope, list []*ConfigDirective) {
	for _, d := range list {
		if d.Refused {
			continue
		}
		if d.Name.Text == "include" {
			if !d.Included {
				s.Items = append(s.Items, lowerUnread(d))
			}
			continue
		}
		if item := lowerDirective(s, d); item != nil {
			s.Items = append(s.Items, item)
		}
	}
}

// namesLocation tells whether some word speaks of the Location header or of a status.
func namesLocation(args []ir.Word) bool {
	for _, a := range args {
		if strings.Contains(strings.ToLower(a.Text), "location") || a.Text == "-s" {
			return true
		}
	}
	return false
}

// lowerUnread stands for the files of an include that could not be read. The parameter files that come with nginx
// are known to hold only what backends are told.
func lowerUnread(d *ConfigDirective) *ir.Opaque {
	o := &ir.Opaque{Origin: d.origin(), Name: "include", Args: words(d.Args)}
	if len(d.Args) == 1 {
		switch name := d.Args[0].Text; name[strings.LastIndexByte(name, '/')+1:] {
		case "fastcgi_params", "fastcgi.conf", "uwsgi_params", "scgi_params", "proxy_params":
			o.Harmless = true
		}
	}
	return o
}

func (d *ConfigDirective) origin() ir.Origin {
	span := d.Span()
	if d.Block != nil || d.IsRaw {
		span = d.Head()
	}
	return ir.Origin{File: d.File, Span: span}
}

func words(list []Word) []ir.Word {
	out := make([]ir.Word, len(list))
	for i, w := range list {
		out[i] = ir.Word{Text: w.Text, Span: w.Span, Quoted: w.Quote != 0}
	}
	return out
}

// template reads a word; a fault the reader has reported already makes it literal.
func template(w Word) *ir.Template {
	t, err := w.Template()
	if err != nil {
		return ir.LiteralTemplate(w.Text, w.Span)
	}
	return t
}

func lowerDirective(parent *ir.Scope, d *ConfigDirective) ir.Item {
	o, args := d.origin(), words(d.Args)
	name := d.Name.Text
	switch name {
	case "return":
		return lowerReturn(o, args, d)
	case "rewrite":
		return lowerRewrite(o, args, d)
	case "break":
		return &ir.Rule{Origin: o, Keyword: ir.NginxBreak, Args: args, Flow: ir.FlowEnd}
	case "set":
		if len(d.Args) != 2 {
			return nil
		}
		return &ir.Assign{Origin: o, Variable: strings.ToLower(strings.TrimPrefix(d.Args[0].Text, "$")),
			Value: template(d.Args[1]), Args: args}
	case "map", "geo", "split_clients":
		return lowerMap(o, d)
	}
	if d.Block != nil {
		return lowerScope(parent, o, args, d)
	}
	if d.IsRaw || d.Known == nil {
		return &ir.Opaque{Origin: o, Name: name, Args: args, Harmless: d.Known == nil && quietElsewhere(name) && !namesLocation(args)}
	}
	if !understood[name] {
		return &ir.Opaque{Origin: o, Name: name, Args: args, Harmless: d.Known.Module == "" && harmless(name)}
	}
	set := &ir.Setting{Origin: o, Name: name, Args: args}
	for _, w := range d.Args {
		set.Templates = append(set.Templates, template(w))
	}
	return set
}

func lowerScope(parent *ir.Scope, o ir.Origin, args []ir.Word, d *ConfigDirective) ir.Item {
	s := &ir.Scope{Origin: o, Name: d.Name.Text, Args: args, Parent: parent, Kind: ir.ScopeOther}
	end := d.Span().End
	if d.Block.Closed {
		end = d.Block.Close.Start
	}
	s.Body = source.Span{Start: d.End.End, End: end}
	switch d.Name.Text {
	case "http":
		s.Kind = ir.ScopeHTTP
	case "server":
		s.Kind = ir.ScopeHost
		if parent.Kind == ir.ScopeUpstream {
			s.Kind = ir.ScopeOther
		}
	case "location":
		s.Kind = ir.ScopeLocation
		lowerLocation(s, d)
	case "if":
		s.Kind = ir.ScopeIf
		c, err := ParseIf(d.Args)
		if err != nil {
			return &ir.Opaque{Origin: o, Name: "if", Args: args}
		}
		c.File = d.File
		s.If = c
	case "limit_except":
		s.Kind = ir.ScopeLimitExcept
	case "upstream":
		s.Kind = ir.ScopeUpstream
	case "types":
		for _, t := range d.Body {
			if t.Name.Text != "include" {
				s.Items = append(s.Items, &ir.Setting{Origin: t.origin(), Name: t.Name.Text, Args: words(t.Args)})
			} else if !t.Included {
				s.Items = append(s.Items, lowerUnread(t))
			}
		}
		return s
	}
	lowerInto(s, d.Body)
	return s
}

func lowerLocation(s *ir.Scope, d *ConfigDirective) {
	if len(d.Args) == 0 {
		return
	}
	w := d.Args[len(d.Args)-1]
	mod, text, span := "", w.Text, w.Span
	if len(d.Args) > 1 {
		mod = d.Args[0].Text
	} else {
		for _, m := range []string{"=", "^~", "~*", "~"} {
			if strings.HasPrefix(text, m) {
				mod, text = m, text[len(m):]
				if w.Quote == 0 {
					span.Start += int32(len(m))
				}
				break
			}
		}
	}
	switch mod {
	case "=":
		s.Modifier = ir.ExactLocation
	case "^~":
		s.Modifier = ir.NoRegexLocation
	case "~", "~*":
		s.Modifier = ir.RegexLocation
		o := pattern.Nginx
		if mod == "~*" {
			s.Modifier = ir.RegexLocationCI
			o.IgnoreCase = true
		}
		s.Pattern = ir.NewPattern(text, span, o)
	default:
		if strings.HasPrefix(text, "@") {
			s.Modifier = ir.NamedLocation
		}
	}
	s.Path = text
}

func lowerReturn(o ir.Origin, args []ir.Word, d *ConfigDirective) ir.Item {
	r := &ir.Rule{Origin: o, Keyword: ir.NginxReturn, Args: args, Flow: ir.FlowAnswer, Action: ir.ActionRespond}
	if len(args) == 0 {
		return nil
	}
	code, err := strconv.Atoi(args[0].Text)
	if err != nil {
		if len(args) == 1 {
			r.Action, r.Status = ir.ActionRedirect, 302
			r.Target, r.TargetSpan = template(d.Args[0]), d.Args[0].Span
		}
		return r
	}
	r.Status, r.StatusWritten = code, true
	redirects := code == 301 || code == 302 || code == 303 || code == 307 || code == 308
	if redirects {
		r.Action = ir.ActionRedirect
	}
	if len(args) > 1 {
		if redirects {
			r.Target, r.TargetSpan = template(d.Args[1]), d.Args[1].Span
		} else {
			r.Body = template(d.Args[1])
		}
	}
	return r
}

// lowerRewrite takes a rewrite apart. The query policy of a target is kept in its text: a final ? means that
// the old query is not appended.
func lowerRewrite(o ir.Origin, args []ir.Word, d *ConfigDirective) ir.Item {
	if len(args) < 2 {
		return nil
	}
	r := &ir.Rule{Origin: o, Keyword: ir.NginxRewrite, Args: args, Match: ir.MatchRegex, Action: ir.ActionRewrite,
		Pattern: ir.NewPattern(d.Args[0].Text, d.Args[0].Span, pattern.Nginx), TargetSpan: d.Args[1].Span}
	text := d.Args[1].Text
	r.Query.Append = true
	if strings.HasSuffix(text, "?") {
		text = text[:len(text)-1]
		r.Query.Append, r.Query.Discard = false, true
	}
	w := d.Args[1]
	if w.Quote == 0 && len(text) < len(w.Text) {
		w.Span.End--
	}
	w.Text = text
	r.Target = template(w)
	r.Flow = ir.FlowNext
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "$scheme") {
		r.ImplicitRedirect, r.Action, r.Status, r.Flow = true, ir.ActionRedirect, 302, ir.FlowAnswer
	}
	if len(args) > 2 {
		f := ir.Flag{Name: args[2].Text, Text: args[2].Text, Span: args[2].Span, Known: true}
		switch f.Name {
		case "last":
			if r.Action != ir.ActionRedirect {
				r.Flow = ir.FlowLast
			}
		case "break":
			if r.Action != ir.ActionRedirect {
				r.Flow = ir.FlowEnd
			}
		case "redirect":
			r.Action, r.Status, r.StatusWritten, r.Flow = ir.ActionRedirect, 302, true, ir.FlowAnswer
		case "permanent":
			r.Action, r.Status, r.StatusWritten, r.Flow = ir.ActionRedirect, 301, true, ir.FlowAnswer
		default:
			f.Known = false
		}
		r.Flags = []ir.Flag{f}
	}
	return r
}

func lowerMap(o ir.Origin, d *ConfigDirective) ir.Item {
	m := &ir.MapBlock{Origin: o, Kind: d.Name.Text}
	if len(d.Args) == 0 || d.Block == nil {
		return nil
	}
	last := d.Args[len(d.Args)-1]
	m.Variable = strings.ToLower(strings.TrimPrefix(last.Text, "$"))
	if len(d.Args) > 1 {
		m.Source = template(d.Args[0])
	}
	for _, e := range d.Body {
		lowerEntry(m, e)
	}
	return m
}

// lowerEntry reads one line of a map, geo or split_clients. An include that was read is followed by what
// stands in its files.
func lowerEntry(m *ir.MapBlock, e *ConfigDirective) {
	file := e.File
	key := e.Name.Text
	if len(e.Args) == 0 {
		switch {
		case key == "hostnames" && m.Kind == "map":
			m.Hostnames = true
		case key == "volatile":
			m.Volatile = true
		case key == "ranges" && m.Kind == "geo":
			m.Ranges = true
		}
		return
	}
	if key == "include" {
		if !e.Included {
			m.Incomplete = "entries of " + e.Args[0].Text + " are not read"
		}
		return
	}
	entry := ir.MapEntry{Origin: ir.Origin{File: file, Span: e.Span()}, Key: key, Value: template(e.Args[0])}
	if m.Kind == "geo" {
		entry.Value = ir.LiteralTemplate(e.Args[0].Text, e.Args[0].Span)
		if key == "default" {
			m.Default = entry.Value
			return
		}
		if key == "delete" || key == "proxy" || key == "proxy_recursive" {
			m.Incomplete = key + " in geo is not modelled"
			return
		}
	}
	if m.Kind == "map" {
		switch {
		case key == "default":
			m.Default = entry.Value
			return
		case strings.HasPrefix(key, "~"):
			opt, text := pattern.Nginx, key[1:]
			if strings.HasPrefix(text, "*") {
				opt.IgnoreCase, text = true, text[1:]
			}
			entry.Key = text
			entry.Pattern = ir.NewPattern(text, e.Name.Span, opt)
		case strings.HasPrefix(key, `\`):
			entry.Key = key[1:]
		}
	}
	m.Entries = append(m.Entries, entry)
}

// understood are the directives that become Settings: those that decide about a request.
var understood = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`listen server_name root alias index autoindex try_files error_page add_header expires
		internal allow deny satisfy auth_basic auth_basic_user_file proxy_pass fastcgi_pass uwsgi_pass scgi_pass grpc_pass
		memcached_pass proxy_redirect proxy_intercept_errors fastcgi_intercept_errors proxy_set_header fastcgi_param fastcgi_split_path_info
		fastcgi_index absolute_redirect port_in_redirect server_name_in_redirect merge_slashes underscores_in_headers
		recursive_error_pages default_type empty_gif stub_status auth_request random_index dav_methods mp4 flv perl
		proxy_method proxy_hide_header proxy_ignore_headers ignore_invalid_headers client_max_body_size secure_link
		secure_link_md5 secure_link_secret if_modified_since image_filter ssl real_ip_header set_real_ip_from
		large_client_header_buffers error_log log_not_found server disable_symlinks auth_request_set perl_set limit_rate
		userid valid_referers ssl_reject_handshake max_ranges etag http2 limit_req limit_conn post_action gzip_static charset
		mirror msie_refresh xslt_stylesheet ssl_verify_client uwsgi_intercept_errors scgi_intercept_errors grpc_intercept_errors
		ssi sub_filter addition_types add_before_body add_after_body`) {
		m[n] = true
	}
	return m
}()

// harmless tells whether a directive that is not modelled cannot change status, Location, URI or headers of
// an answer. What only defines variables is: they are unknown where they are used.
func harmless(name string) bool { return name != "tunnel_pass" }
