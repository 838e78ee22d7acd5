package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var foreignSyntax = lint.Rule{
	Code: "RD024", ID: "foreign-syntax", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "this is another server's syntax",
		Text: "A directive of nginx in a file of httpd, or the reverse, is refused. A variable of the other server in a target is " +
			"worse: `$host` means nothing to httpd, which sends it as it stands.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ https://$host/b [R=301,L]\n",
				After: "RewriteEngine On\nRewriteRule ^a$ https://%{HTTP_HOST}/b [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return 301 https://%{HTTP_HOST}$request_uri;\n", After: "return 301 https://$host$request_uri;\n"},
		},
		Source: "httpd mod_rewrite manual; nginx ngx_http_rewrite_module manual",
	},
	Explains: []string{"RD024", "RD001", "RD002", "RD029", "RD005", "RD019", "RD026", "RD023", "RD106"}, Precedence: 70,
	Explain:   explainForeign,
	Directive: checkForeign,
}

// nginxOnly are nginx directives by which its syntax is known in a file of httpd.
var nginxOnly = map[string]string{
	"return": "httpd's form is `RewriteRule ^ TARGET [R=301,L]`", "rewrite": "httpd's form is `RewriteRule PATTERN TARGET [R=301,L]`",
	"try_files": "httpd's form is `FallbackResource /index.php`, or RewriteCond with -f and -d", "location": "httpd's form is <Location>",
	"server": "httpd's form is <VirtualHost>", "proxy_pass": "httpd's form is ProxyPass", "add_header": "httpd's form is `Header always set`",
	"error_page": "httpd's form is ErrorDocument", "server_name": "httpd's form is ServerName", "if": "httpd's form is RewriteCond or <If>",
	"set": "httpd's form is `RewriteRule ^ - [E=name:value]`", "index": "httpd's form is DirectoryIndex", "deny": "", "root": "httpd's form is DocumentRoot",
	"upstream": "httpd's form is <Proxy balancer://…>", "expires": "httpd's form is ExpiresActive with ExpiresDefault",
}

// httpdOnly are httpd directives by which its syntax is known in a file of nginx, lower case.
var httpdOnly = map[string]string{
	"rewriterule": "nginx's form is `rewrite PATTERN TARGET permanent;` or `return 301 TARGET;`", "rewritecond": "nginx's form is `if`, better a location or server of its own",
	"rewriteengine": "nginx needs no such switch", "rewritebase": "nginx has no base: patterns begin with /", "redirect": "nginx's form is `location /a { return 301 /b; }`",
	"redirectmatch": "nginx's form is `rewrite PATTERN TARGET permanent;`", "redirectpermanent": "nginx's form is `return 301 TARGET;`",
	"errordocument": "nginx's form is error_page", "directoryindex": "nginx's form is index", "header": "nginx's form is add_header",
	"<ifmodule": "nginx has no sections like that", "<virtualhost": "nginx's form is server { }", "<directory": "nginx's form is location",
	"<location": "nginx's form is location", "<files": "nginx's form is location", "<filesmatch": "nginx's form is location",
	"<if": "nginx's form is if", "documentroot": "nginx's form is root", "servername": "nginx's form is server_name",
	"options": "", "require": "nginx's form is allow and deny", "allowoverride": "",
}

func explainForeign(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, false
	}
	if out, ok := otherSyntax(p, d, at); ok {
		return out, true
	}
	if at.Server == ir.Apache {
		help, ok := nginxOnly[at.Name.Text]
		text := raw(p, at.Line)
		shape := strings.HasSuffix(text, ";") || strings.HasSuffix(text, "{")
		if d.Code != "RD001" || !ok || !shape {
			if d.Code == "RD001" && at.PrevPtr != nil && text == "}" {
				d.Message = "`}` ends a block of nginx; httpd has none; " + p.Refusal()
				return d, true
			}
			return d, false
		}
		d.Message = quote(at.Name.Text) + " is a directive of nginx; " + p.Refusal()
		d.Help = help
		return d, true
	}
	if out, ok := braceOfHttpd(p, d, at); ok {
		return out, true
	}
	name := strings.ToLower(at.Name.Text)
	if help, ok := httpdOnly[name]; ok && name != at.Name.Text && d.Span.Start <= at.Line.End {
		d.Span = at.Name.Span
		d.Message = quote(at.Name.Text) + " is syntax of httpd; " + p.Refusal()
		d.Help = help
		return d, true
	}
	if at.Is("rewrite") && len(at.Args) >= 3 && strings.HasPrefix(at.Arg(2), "[") && (d.Code == "RD002" || d.Code == "RD029" || d.Code == "RD026") {
		w := at.Args[2]
		d.Span = w.Span
		d.Message = quote(w.Text) + " are flags of httpd; nginx knows last, break, redirect and permanent; " + p.Refusal()
		if len(at.Args) == 3 && strings.HasSuffix(w.Text, "]") {
			list := splitFlags(strings.Trim(w.Text, "[]"), 0)
			if f, ok := hasFlag(ruleFlags, list, "R"); ok && (f.value == "301" || f.value == "permanent") {
				d.Fixes = []diag.Fix{write(diag.Safe, w.Span, "permanent")}
			} else if ok && (f.value == "" || f.value == "302") {
				d.Fixes = []diag.Fix{write(diag.Safe, w.Span, "redirect")}
			} else if _, last := hasFlag(ruleFlags, list, "L"); last && !ok && len(list) == 1 {
				d.Fixes = []diag.Fix{write(diag.Safe, w.Span, "last")}
			}
		}
		return d, true
	}
	return d, false
}

// httpdForm are nginx variables and what httpd has for them in a target.
var httpdForm = map[string]string{"host": "%{HTTP_HOST}", "http_host": "%{HTTP_HOST}", "request_uri": "%{REQUEST_URI}",
	"uri": "%{REQUEST_URI}", "scheme": "%{REQUEST_SCHEME}", "args": "%{QUERY_STRING}", "query_string": "%{QUERY_STRING}",
	"server_name": "%{SERVER_NAME}", "document_root": "%{DOCUMENT_ROOT}", "remote_addr": "%{REMOTE_ADDR}"}

// nginxForm are httpd variables and what nginx has for them.
var nginxForm = map[string]string{"HTTP_HOST": "$host", "REQUEST_URI": "$uri", "QUERY_STRING": "$args", "SERVER_NAME": "$server_name",
	"REQUEST_SCHEME": "$scheme", "REMOTE_ADDR": "$remote_addr", "DOCUMENT_ROOT": "$document_root", "REQUEST_FILENAME": "$request_filename",
	"HTTP_USER_AGENT": "$http_user_agent", "HTTP_REFERER": "$http_referer", "SERVER_PORT": "$server_port", "THE_REQUEST": "$request",
	"REQUEST_METHOD": "$request_method", "HTTPS": "$https"}

func checkForeign(p *lint.Pass, d *lint.Directive) {
	if d.Refused {
		return
	}
	var words []lint.Word
	if t, ok := redirectTarget(p, d); ok {
		words = append(words, t.word)
	}
	if d.Server == ir.Apache && d.Is("RewriteCond") && len(d.Args) >= 2 {
		words = append(words, d.Args[0])
	}
	for _, w := range words {
		text, ok := plain(p, w)
		if !ok {
			continue
		}
		if d.Server == ir.Apache {
			foreignInApache(p, d, w, text)
		} else {
			foreignInNginx(p, w, text)
		}
	}
}

func foreignInApache(p *lint.Pass, d *lint.Directive, w lint.Word, text string) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
			continue
		}
		if text[i] != '$' {
			continue
		}
		j := i + 1
		braced := j < len(text) && text[j] == '{'
		if braced {
			j++
		}
		k := j
		for k < len(text) && (text[k] == '_' || 'a' <= text[k] && text[k] <= 'z') {
			k++
		}
		right, known := httpdForm[text[j:k]]
		if !known || braced && (k >= len(text) || text[k] != '}') || braced && defined(p, text[j:k]) {
			continue
		}
		if braced {
			k++
		}
		at := within(w, i, k)
		var fixes []diag.Fix
		if d.Is("RewriteRule", "RewriteCond") {
			fixes = append(fixes, write(diag.Risky, at, right))
		}
		p.Report(at, quote(text[i:k])+" is a variable of nginx; httpd takes it as it stands. Its own is "+quote(right), fixes...)
	}
}

// defined tells whether the configuration has a Define of that name.
func defined(p *lint.Pass, name string) bool {
	for _, d := range p.Unit.Directives {
		if d.Is("Define") && d.Arg(0) == name {
			return true
		}
	}
	_, ok := p.Unit.Input.Defines[name]
	return ok
}

func foreignInNginx(p *lint.Pass, w lint.Word, text string) {
	for i := 0; ; {
		n := strings.Index(text[i:], "%{")
		if n < 0 {
			return
		}
		n += i
		end := strings.IndexByte(text[n:], '}')
		if end < 0 {
			return
		}
		i = n + end + 1
		name := text[n+2 : n+end]
		at := within(w, n, i)
		right := nginxForm[strings.ToUpper(name)]
		message := quote(text[n:i]) + " is a variable of httpd; nginx takes it as it stands"
		if right == "" {
			if rewriteVariableSet[strings.ToUpper(name)] || strings.Contains(name, ":") {
				p.Report(at, message)
			}
			continue
		}
		p.Report(at, message+". Its own is "+quote(right), write(diag.Risky, at, right))
	}
}

// braceOfHttpd explains what follows from %{NAME} in a file of nginx, which takes the brace for the beginning of a
// block: everything nginx says of the rest of that line has this one cause.
func braceOfHttpd(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	line := p.File.LineSpan(p.File.Line(at.Name.Span.Start))
	text := p.File.Slice(line)
	n := strings.Index(text, "%{")
	if n < 0 || int(at.Line.End-line.Start) < n {
		return d, false
	}
	end := strings.IndexByte(text[n:], '}')
	if end < 0 || strings.ContainsAny(text[:n], "\"'#") {
		return d, false
	}
	name := text[n+2 : n+end]
	right := nginxForm[strings.ToUpper(name)]
	if right == "" && !rewriteVariableSet[strings.ToUpper(name)] && !strings.Contains(name, ":") {
		return d, false
	}
	d.Span = source.Span{Start: line.Start + int32(n), End: line.Start + int32(n+end+1)}
	d.Related = nil
	d.Message = quote(text[n:n+end+1]) + " is a variable of httpd, and nginx reads its brace as the beginning of a block; " + p.Refusal()
	if right != "" {
		d.Message = quote(text[n:n+end+1]) + " is a variable of httpd; nginx has " + quote(right) + ". " + p.Refusal()
		d.Fixes = []diag.Fix{write(diag.Safe, d.Span, right)}
	}
	return d, true
}
