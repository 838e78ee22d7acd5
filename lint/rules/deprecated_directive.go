package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var deprecatedDirective = lint.Rule{
	Code: "RD902", ID: "deprecated-directive", Severity: diag.Info, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a directive of former versions",
		Text: "Order, Allow, Deny and Satisfy need mod_access_compat since httpd 2.4; a server without it answers 500 for the directory. `Require` is " +
			"their successor, and mixing the two is a trap of its own. `ssl on` of nginx made plain requests to the port fail, and is gone since 1.25.1; " +
			"`http2` has been a directive and no parameter of `listen` since the same version.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Order deny,allow\nAllow from all\n", After: "Require all granted\n"},
			{Server: ir.Nginx, Version: "1.22.1", Before: "listen 443;\nssl on;\n", After: "listen 443 ssl;\n"},
		},
		Source: "httpd manual, Upgrading to 2.4: Access control; nginx manual, ngx_http_ssl_module: ssl; ngx_http_v2_module: http2; CHANGES 1.15.0, 1.25.1",
	},
	Explains:  []string{"RD902", "RD029"},
	Explain:   explainDeprecated,
	Directive: checkDeprecated,
}

// explainDeprecated takes the warning that nginx itself gives.
func explainDeprecated(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil || at.Server != ir.Nginx || !at.Is("ssl") || d.Refuses || d.Code != "RD029" {
		return d, d.Code == "RD902"
	}
	d.Severity, d.Span = diag.Info, at.Line
	d.Message = "`ssl` is gone since nginx 1.25.1; the parameter `ssl` of `listen` says which port speaks TLS"
	if at.Arg(0) == "on" {
		d.Fixes = sslListen(at)
	}
	return d, true
}

func checkDeprecated(p *lint.Pass, d *lint.Directive) {
	if d.Refused || d.Inactive || d.Section {
		return
	}
	if d.Server == ir.Nginx {
		deprecatedNginx(p, d)
		return
	}
	if !accessCompat(d) || guardedForOld(d) {
		return
	}
	for prev := d.PrevPtr; prev != nil && prev.Parent == d.Parent; prev = prev.PrevPtr {
		if accessCompat(prev) {
			return // one finding for the group
		}
		if !prev.Is("Require") {
			break
		}
	}
	out := diag.Diagnostic{Span: d.Line, Message: fmt.Sprintf("`%s` is of httpd 2.2 and needs mod_access_compat; `Require` takes its place", d.Name.Text)}
	group := []*lint.Directive{d}
	for next := d.NextPtr; next != nil && next.Parent == d.Parent && accessCompat(next); next = next.NextPtr {
		group = append(group, next)
	}
	if word := requireFor(group); word != "" && !asksBeside(p, d) {
		text := "Require all " + word
		last := group[len(group)-1]
		out.Fixes = []diag.Fix{{Title: "write " + quote(text), Safety: diag.Risky,
			Edits: source.Replace(source.Span{Start: d.Line.Start, End: last.Line.End}, text)}}
	}
	p.Add(out)
}

// asksBeside tells whether a Require stands in the same section: one of several suffices, so `Require all granted` beside
// `Require valid-user` would let everybody in. Source: httpd manual, mod_authz_core: RequireAny is the default.
func asksBeside(p *lint.Pass, d *lint.Directive) bool {
	for _, name := range []string{"Require", "RequireAll", "RequireAny", "RequireNone"} {
		for _, other := range p.Unit.Named(name) {
			if other.File == d.File && other.Parent == d.Parent && !other.Inactive {
				return true
			}
		}
	}
	return false
}

func accessCompat(d *lint.Directive) bool {
	return !d.Section && (d.Is("Order", "Allow", "Deny") || d.Is("Satisfy"))
}

// guardedForOld tells whether a directive stands in a part for servers that have it.
func guardedForOld(d *lint.Directive) bool {
	for s := d.Parent; s != nil; s = s.Parent {
		switch name := strings.ToLower(s.Arg(0)); {
		case s.Is("IfModule") && (strings.Contains(name, "access_compat") || strings.Contains(name, "authz_host") || strings.HasPrefix(name, "!")):
			return true
		case s.Is("IfVersion"):
			return true
		}
	}
	return false
}

// requireFor is what a group of them means, when it is as simple as all or nobody: "granted", "denied".
func requireFor(group []*lint.Directive) string {
	allow, deny, order := "", "", ""
	for _, d := range group {
		switch {
		case d.Is("Order") && order == "" && len(d.Args) == 1:
			order = strings.ToLower(d.Arg(0))
		case d.Is("Allow") && allow == "" && len(d.Args) == 2 && strings.EqualFold(d.Arg(1), "all"):
			allow = "all"
		case d.Is("Deny") && deny == "" && len(d.Args) == 2 && strings.EqualFold(d.Arg(1), "all"):
			deny = "all"
		default:
			return ""
		}
	}
	switch {
	case order == "allow,deny" && deny != "", order == "allow,deny" && allow == "" && deny == "":
		return "denied"
	case order == "allow,deny" && allow != "":
		return "granted"
	case (order == "deny,allow" || order == "") && allow != "":
		return "granted"
	case (order == "deny,allow" || order == "") && deny != "":
		return "denied"
	case order == "deny,allow":
		return "granted"
	}
	return ""
}

func deprecatedNginx(p *lint.Pass, d *lint.Directive) {
	if !d.Is("listen") || atMost(p.Unit.Input.Version, 1, 25, 0) {
		return
	}
	for i, w := range d.Args {
		if i == 0 || w.Text != "http2" {
			continue
		}
		cut := source.Span{Start: d.Args[i-1].Span.End, End: w.Span.End}
		end := source.Insert(d.Line.End, newline(d.File, d.Line.End)+indentation(d.File, d.Line.Start)+"http2 on;")
		p.Report(w.Span, "`http2` is a directive of its own since nginx 1.25.1; as a parameter of `listen` it is deprecated",
			diag.Fix{Title: "write `http2 on;`", Safety: diag.Risky, Edits: append(source.Replace(cut, ""), end...)})
		return
	}
}

// sslListen moves the switch to the one listen of its server.
func sslListen(d *lint.Directive) []diag.Fix {
	var listen *lint.Directive
	for _, step := range []func(*lint.Directive) *lint.Directive{func(x *lint.Directive) *lint.Directive { return x.PrevPtr }, func(x *lint.Directive) *lint.Directive { return x.NextPtr }} {
		n := 0
		for x := step(d); x != nil && n < 200; x, n = step(x), n+1 {
			if x.Parent == d.Parent && x.Is("listen") {
				if listen != nil {
					return nil
				}
				listen = x
			}
		}
	}
	if listen == nil || len(listen.Args) == 0 {
		return nil
	}
	line := d.File.LineSpan(d.File.Line(d.Line.Start))
	if strings.TrimSpace(d.File.Slice(line)) != strings.TrimSpace(d.File.Slice(d.Line)) {
		return nil
	}
	line.End = min(line.End+int32(len(newline(d.File, line.Start))), int32(len(d.File.Text)))
	return []diag.Fix{{Title: "write `ssl` into `listen`", Safety: diag.Risky,
		Edits: append(source.Insert(listen.Args[len(listen.Args)-1].Span.End, " ssl"), source.Replace(line, "")...)}}
}

// atMost tells whether a version is not newer than another; one that was not said may be any.
func atMost(version string, want ...int) bool {
	if version == "" {
		return true
	}
	parts := strings.Split(version, ".")
	for i, w := range want {
		n := 0
		if i < len(parts) {
			n, _ = atoi(parts[i])
		}
		if n != w {
			return n < w
		}
	}
	return true
}
