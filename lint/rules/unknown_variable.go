package rules

import (
	"regexp"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var unknownVariable = lint.Rule{
	Code: "RD010", ID: "unknown-variable", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "there is no such variable",
		Text: "mod_rewrite replaces `%{NAME}` by nothing when it does not know the name, so a condition on it is always true or " +
			"never. Names are compared without letter case; what SetEnv, SetEnvIf or `E=` sets is `%{ENV:name}`. nginx does not " +
			"start with an unknown variable, unless its name begins with `http_`, `arg_`, `cookie_` and the like.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTPHOST} !^www\\.\nRewriteRule ^ /x [R,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_HOST} !^www\\.\nRewriteRule ^ /x [R,L]\n"},
			{Server: ir.Nginx, Before: "return 301 https://$hst$request_uri;\n", After: "return 301 https://$host$request_uri;\n"},
		},
		Source: "httpd mod_rewrite.c, lookup_variable; nginx ngx_http_variables.c",
	},
	Explains: []string{"RD010", "RD029", ""}, Precedence: 5,
	Explain:   explainUnknownVariable,
	Directive: checkUnknownVariable,
}

// rewriteVariables are the names mod_rewrite looks up.
// Source: httpd mod_rewrite.c, lookup_variable.
var rewriteVariables = strings.Fields(`
	API_VERSION AUTH_TYPE CONN_REMOTE_ADDR CONTEXT_DOCUMENT_ROOT CONTEXT_PREFIX DOCUMENT_ROOT HTTPS HTTP_ACCEPT
	HTTP_COOKIE HTTP_FORWARDED HTTP_HOST HTTP_PROXY_CONNECTION HTTP_REFERER HTTP_USER_AGENT IPV6 IS_SUBREQ
	PATH_INFO QUERY_STRING REMOTE_ADDR REMOTE_HOST REMOTE_IDENT REMOTE_PORT REMOTE_USER REQUEST_FILENAME
	REQUEST_METHOD REQUEST_SCHEME REQUEST_URI SCRIPT_FILENAME SCRIPT_GROUP SCRIPT_USER SERVER_ADDR SERVER_ADMIN
	SERVER_NAME SERVER_PORT SERVER_PROTOCOL SERVER_SOFTWARE THE_REQUEST TIME TIME_DAY TIME_HOUR TIME_MIN TIME_MON
	TIME_SEC TIME_WDAY TIME_YEAR`)

var rewriteVariableSet = func() map[string]bool {
	m := map[string]bool{}
	for _, v := range rewriteVariables {
		m[v] = true
	}
	return m
}()

// use is one %{…} in a word of mod_rewrite.
type use struct {
	name string      // between the braces
	span source.Span // from % to }
}

// variableUses finds the %{NAME} of a test string or substitution; those with a name space and look-ups in
// maps are left out.
func variableUses(p *lint.Pass, w lint.Word) []use {
	text, ok := plain(p, w)
	if !ok {
		return nil
	}
	var out []use
	for i := 0; i+2 < len(text); i++ {
		if text[i] == '\\' {
			i++
			continue
		}
		if text[i] != '%' || text[i+1] != '{' {
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			break
		}
		name := text[i+2 : i+end]
		if name != "" && strings.IndexByte(name, ':') < 0 && !strings.ContainsAny(name, "$%{") {
			out = append(out, use{name, within(w, i, i+end+1)})
		}
		i += end
	}
	return out
}

// rewriteWords are the words of a directive in which mod_rewrite replaces variables: the test string of a
// condition, the target and the flags of a rule.
func rewriteExpanded(d *lint.Directive) []lint.Word {
	switch {
	case d.Is("RewriteCond") && len(d.Args) >= 2 && !strings.EqualFold(d.Arg(0), "expr"):
		return d.Args[:1]
	case d.Is("RewriteRule") && len(d.Args) >= 2:
		return d.Args[1:min(3, len(d.Args))]
	}
	return nil
}

// alwaysWhenEmpty tells what a condition answers for the empty test string: "always true", "never true", or ""
// when that cannot be told or the test string has more in it than the variable.
func alwaysWhenEmpty(p *lint.Pass, d *lint.Directive, u use) string {
	if !d.Is("RewriteCond") || len(d.Args) < 2 || raw(p, u.span) != raw(p, d.Args[0].Inner()) {
		return ""
	}
	text := d.Arg(1)
	negated := strings.HasPrefix(text, "!")
	text = strings.TrimPrefix(text, "!")
	holds := false
	switch {
	case len(text) == 2 && text[0] == '-' && strings.IndexByte("fdslLhxUF", text[1]) >= 0:
		return ""
	case len(text) >= 2 && strings.IndexByte("<>=", text[0]) >= 0:
		if text[0] != '=' {
			return ""
		}
		holds = strings.Trim(text[1:], `"`) == ""
	case strings.HasPrefix(text, "-"):
		return ""
	default:
		re, err := pattern.Compile(text, pattern.Apache)
		if err != nil {
			return ""
		}
		if holds, err = re.MatchBool(""); err != nil {
			return ""
		}
	}
	if holds != negated {
		return "always true"
	}
	return "never true"
}

// emptiness is the consequence of a variable that is always empty.
func emptiness(p *lint.Pass, d *lint.Directive, u use) string {
	switch always := alwaysWhenEmpty(p, d, u); {
	case always != "":
		return "it is always empty, so " + quote(d.Arg(1)) + " is " + always
	case d.Is("RewriteRule"):
		return "it is always empty, and nothing stands in its place in the address"
	}
	return "it is always empty"
}

func checkUnknownVariable(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Apache {
		checkNearHeader(p, d)
		return
	}
	for i, w := range rewriteExpanded(d) {
		for _, u := range variableUses(p, w) {
			name := strings.ToUpper(u.name)
			if rewriteVariableSet[name] || strings.HasPrefix(name, "HTTP_") && headerVariable(name) != "" {
				continue
			}
			inner := source.Span{Start: u.span.Start + 2, End: u.span.End - 1}
			message := "no variable " + quote(u.name) + "; " + emptiness(p, d, u)
			if setsEnvironment(p, u.name) {
				p.Report(u.span, message+"; what is set in the environment is "+quote("%{ENV:"+u.name+"}"),
					write(diag.Risky, inner, "ENV:"+u.name))
				continue
			}
			if colon := missingColon(u.name); colon != "" {
				p.Report(u.span, message+"; did you mean "+quote("%{"+colon+"}")+"?", write(diag.Risky, inner, colon))
				continue
			}
			near := lint.Nearest(u.name, rewriteVariables)
			if len(near) > 0 {
				message += "; did you mean " + either(near) + "?"
			}
			if len(near) == 1 {
				p.Report(u.span, message, write(diag.Risky, inner, near[0]))
			} else {
				p.Report(u.span, message)
			}
		}
		checkNameSpaces(p, d, w)
		if i == 0 {
			checkVariableShape(p, d, w)
		}
	}
}

// nameSpaces are what mod_rewrite looks up with a colon; LA-U and LA-F have any variable behind theirs.
// Source: httpd mod_rewrite.c, lookup_variable.
var nameSpaces = []string{"ENV", "HTTP", "SSL", "LA-U", "LA-F"}

// checkNameSpaces finds %{SPACE:name} with a name space that mod_rewrite does not know and that is a slip of one it does.
func checkNameSpaces(p *lint.Pass, d *lint.Directive, w lint.Word) {
	text, ok := plain(p, w)
	if !ok {
		return
	}
	for i := 0; i+2 < len(text); i++ {
		if text[i] == '\\' {
			i++
			continue
		}
		if text[i] != '%' || text[i+1] != '{' {
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return
		}
		space, name, ok := strings.Cut(text[i+2:i+end], ":")
		if ok && name != "" && !slices.ContainsFunc(nameSpaces, func(s string) bool { return strings.EqualFold(s, space) }) {
			if near, cost := lint.NearestCost(space, nameSpaces); len(near) == 1 && cost <= 2 {
				u := use{space + ":" + name, within(w, i, i+end+1)}
				p.Report(u.span, "no variable "+quote(u.name)+"; "+emptiness(p, d, u)+"; did you mean "+quote("%{"+near[0]+":"+name+"}")+"?",
					write(diag.Risky, within(w, i+2, i+2+len(space)), near[0]))
			}
		}
		i += end
	}
}

// missingColon reads HTTP-X, ENV_X and the like as a name space and a name.
func missingColon(name string) string {
	for _, space := range []string{"ENV", "HTTP", "SSL", "LA-U", "LA-F"} {
		for _, mark := range []string{";", ".", "::", " "} {
			if len(name) > len(space)+1 && strings.EqualFold(name[:len(space)], space) && strings.HasPrefix(name[len(space):], mark) {
				return space + ":" + name[len(space)+len(mark):]
			}
		}
	}
	return ""
}

// setsEnvironment tells whether the file at hand sets an environment variable of that name.
func setsEnvironment(p *lint.Pass, name string) bool {
	for _, d := range p.Unit.Directives {
		switch {
		case d.Is("SetEnv") && d.Arg(0) == name:
			return true
		case d.Is("SetEnvIf", "SetEnvIfNoCase", "BrowserMatch", "BrowserMatchNoCase"):
			for i, a := range d.Args {
				key, _, _ := strings.Cut(a.Text, "=")
				if i >= 1 && key == name {
					return true
				}
			}
		case d.Is("RewriteRule") && strings.Contains(d.Arg(2), "="+name+":"):
			return true
		}
	}
	return false
}

// checkVariableShape finds test strings that are the name of a variable in the wrong clothes.
func checkVariableShape(p *lint.Pass, d *lint.Directive, w lint.Word) {
	if !d.Is("RewriteCond") {
		return
	}
	text, ok := plain(p, w)
	if !ok || strings.HasPrefix(text, "%{") && strings.Contains(text, "}") {
		return
	}
	name := strings.TrimLeft(text, "%${")
	name = strings.TrimRight(name, "})")
	known := rewriteVariableSet[name] || headerVariable(name) != "" && strings.HasPrefix(name, "HTTP_")
	if !known || len(name) < 4 || strings.HasPrefix(text, "\\") {
		return
	}
	right := "%{" + name + "}"
	p.Report(w.Inner(), "a variable is written "+quote(right)+"; "+quote(text)+" is compared as it stands, whatever the request",
		write(diag.Risky, w.Inner(), right))
}

func explainUnknownVariable(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	text := p.File.Slice(d.Span)
	if p.Unit.Input.Server != ir.Nginx {
		if m := noSuchVariable.FindStringSubmatch(d.ServerMessage); m != nil {
			return unknownInExpression(p, d, m[1]), true
		}
		return undefinedName(p, d, at, text)
	}
	name := strings.ToLower(strings.Trim(text, "${}"))
	if d.Code != "RD010" || name == "" || strings.ContainsAny(name, " ${}\"'") {
		return d, d.Code == "RD010"
	}
	own := ownVariables(p.Unit)
	for _, v := range own {
		if v == name {
			if !d.Refuses {
				d.Severity = 0 // made here, by a module that is not known
			}
			return d, true
		}
	}
	near, cost := lint.NearestCost(name, append(append([]string(nil), nginxVariables...), own...))
	near = slices.DeleteFunc(near, func(n string) bool { return n == name })
	if p.Fragment() || !d.Refuses {
		// A map in another file may make any variable; a slip of one letter is another matter.
		if len(near) != 1 || cost > 2 || len(name) < 3 || near[0][0] != name[0] {
			d.Severity = 0
			return d, true
		}
	}
	d.Message = "no variable " + quote("$"+name)
	if len(near) > 0 {
		for i := range near {
			near[i] = "$" + near[i]
		}
		d.Message += "; did you mean " + either(near) + "?"
		if len(near) == 1 && strings.HasPrefix(text, "$") {
			right := near[0]
			if strings.HasPrefix(text, "${") {
				right = "${" + right[1:] + "}"
			}
			d.Fixes = []diag.Fix{write(safety(d.Refuses), d.Span, right)}
		}
	}
	if d.Refuses {
		d.Message = strings.TrimSuffix(d.Message, ";") + " " + p.Refusal()
		if len(near) == 0 {
			d.Message = "no variable " + quote("$"+name) + "; " + p.Refusal()
		}
	} else {
		d.Severity = diag.Warning
	}
	return d, true
}

// noSuchVariable is what httpd says of a variable in an expression.
var noSuchVariable = regexp.MustCompile(`Variable '([^']+)' does not exist`)

// unknownInExpression explains an unknown variable in an expression, which httpd refuses.
func unknownInExpression(p *lint.Pass, d diag.Diagnostic, name string) diag.Diagnostic {
	right := ""
	if near := lint.Nearest(name, rewriteVariables); len(near) == 1 {
		right = near[0]
	} else if header := headerVariable(name); header != "" {
		right = "HTTP:" + header
	}
	d.Message = "no variable " + quote(name) + "; " + p.Refusal()
	text := p.File.Slice(d.Span)
	if i := strings.Index(text, "%{"+name+"}"); i >= 0 {
		d.Span = source.Span{Start: d.Span.Start + int32(i), End: d.Span.Start + int32(i+len(name)+3)}
		if right != "" {
			d.Message = "no variable " + quote(name) + "; did you mean " + quote("%{"+right+"}") + "? " + p.Refusal()
			d.Fixes = []diag.Fix{write(diag.Safe, d.Span, "%{"+right+"}")}
		}
	}
	return d
}

// undefinedName explains ${NAME} in a file of httpd, where no Define has that name.
func undefinedName(p *lint.Pass, d diag.Diagnostic, at *lint.Directive, text string) (diag.Diagnostic, bool) {
	name := strings.Trim(text, "${}")
	if d.Name != "undefined-variable" || !rewriteVariableSet[name] || at == nil || !at.Is("RewriteCond", "RewriteRule") {
		return d, d.Code == "RD010"
	}
	right := "%{" + name + "}"
	d.Severity = diag.Error
	d.Message = quote(text) + " is the value of a Define, and there is none of that name; a variable is written " + quote(right)
	if text == "${"+name+"}" {
		d.Fixes = []diag.Fix{write(diag.Risky, d.Span, right)}
	}
	return d, true
}

// ownVariables are the variables that a configuration makes itself.
func ownVariables(u *lint.Unit) []string {
	var out []string
	for _, d := range u.Directives {
		switch d.Name.Text {
		case "set", "map", "geo", "split_clients", "auth_request_set", "perl_set", "js_set":
			for _, a := range d.Args {
				if strings.HasPrefix(a.Text, "$") && !strings.ContainsAny(a.Text[1:], "${}/ ") {
					out = append(out, strings.ToLower(a.Text[1:]))
				}
			}
		}
	}
	return out
}

// nginxVariables are the variables of a usual nginx.
// Source: nginx ngx_http_core_variables and the modules' own tables; manual, "Alphabetical index of variables".
var nginxVariables = strings.Fields(`
	ancient_browser args binary_remote_addr body_bytes_sent bytes_sent connection connection_requests
	connection_time content_length content_type date_gmt date_local document_root document_uri
	fastcgi_path_info fastcgi_script_name gzip_ratio host hostname http2 http3 http_cookie http_host
	http_referer http_user_agent http_via http_x_forwarded_for https invalid_referer is_args limit_conn_status
	limit_rate limit_req_status modern_browser msec msie nginx_version pid pipe proxy_add_x_forwarded_for
	proxy_host proxy_port proxy_protocol_addr proxy_protocol_port query_string realip_remote_addr
	realip_remote_port realpath_root remote_addr remote_port remote_user request request_body request_body_file
	request_completion request_filename request_id request_length request_method request_time request_uri
	scheme secure_link secure_link_expires sent_http_cache_control sent_http_connection
	sent_http_content_length sent_http_content_type sent_http_keep_alive sent_http_last_modified
	sent_http_location sent_http_transfer_encoding server_addr server_name server_port server_protocol
	slice_range ssl_cipher ssl_ciphers ssl_client_cert ssl_client_escaped_cert ssl_client_fingerprint
	ssl_client_i_dn ssl_client_raw_cert ssl_client_s_dn ssl_client_serial ssl_client_v_end
	ssl_client_v_remain ssl_client_v_start ssl_client_verify ssl_early_data ssl_protocol ssl_server_name
	ssl_session_id ssl_session_reused status tcpinfo_rtt time_iso8601 time_local uid_got uid_reset uid_set
	upstream_addr upstream_bytes_received upstream_bytes_sent upstream_cache_status upstream_connect_time
	upstream_header_time upstream_response_length upstream_response_time upstream_status uri`)
