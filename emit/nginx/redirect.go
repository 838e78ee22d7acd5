package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// self is the server's own address as the client called it: Apache keeps the port of the Host header.
const self = "$scheme://$host$host_port"

const hostPortMap = `# The port as the client wrote it, unless it is the usual one.
map "$scheme $http_host" $host_port {
    default "";
    "~^http .*(?<http_port_written>:(?!80$)[0-9]+)$" $http_port_written;
    "~^https .*(?<https_port_written>:(?!443$)[0-9]+)$" $https_port_written;
}`

// queryPart is the query with its question mark, which httpd keeps when nothing follows it.
const queryPart = "$query"

const queryMap = `# The query with its question mark, also one with nothing behind it.
map $request_uri $query {
    default $is_args$args;
    "~^[^?]*[?]$" "?";
}`

// ownAddress is what the server calls itself in redirects: UseCanonicalName On takes the name it is configured with.
func (b *builder) ownAddress() string {
	if b.c.area != nil {
		for _, s := range b.c.area.settings {
			if strings.EqualFold(s.Name, "RedirectRelative") && strings.EqualFold(s.Arg(0), "on") && b.r.Keyword != ir.RewriteRule {
				return "" // absolute_redirect off sends the path alone
			}
			if strings.EqualFold(s.Name, "UseCanonicalName") && strings.EqualFold(s.Arg(0), "on") {
				return "$scheme://$server_name"
			}
		}
	}
	return self
}

// sendsLocation tells whether nginx takes the text of return as a Location for this status.
// Source: nginx src/http/ngx_http_core_module.c, ngx_http_send_response.
func sendsLocation(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// destination is the Location of a redirect before its references are written.
type destination struct {
	head   string // scheme, host and what else is sent as it stands
	known  bool   // the head is a variable that holds an address
	host   []part // rest of the host, when it has references to the pattern; sent as it stands
	path   []part // escaped when not raw
	raw    bool   // NE
	query  []part
	mode   queryMode
	merged bool // the query is added to an empty one
	unsafe bool // httpd answers 403 when a question mark gets into the path
}

// redirect is an external redirect of mod_rewrite.
func (b *builder) redirect() {
	r := b.r
	status := r.Status
	if status == 0 {
		status = 302
	}
	b.askedByName()
	t := b.takeApart()
	d := destination{raw: r.Escape.NoEscape, query: t.query, mode: t.mode, path: t.path, merged: t.merged}
	if isAbsolute(r.Target) && d.mode == keepQuery && dropsQuery(r.Target) {
		d.mode = dropQuery
	}
	d.unsafe = hasRefs(t.path) && !r.Escape.Allow3F && !r.Escape.Backrefs && !r.Negated
	if r.Escape.Backrefs && (hasRefs(t.path) || hasRefs(t.query)) {
		b.u.caveat = "nginx escapes references its own way where B asks for it"
	}
	switch {
	case isAbsolute(r.Target):
		// the host is sent as written, up to the first slash behind it
		if first := t.path[0]; first.ref != nil {
			text, _ := value(b.expand(t.path[:1], byName, same))
			d.head, d.path, d.known = "${"+strings.TrimPrefix(text, "$")+"}", t.path[1:], true
			if len(d.path) > 0 && strings.HasPrefix(d.path[0].text, "://") {
				d.head += "://"
				d.path = append([]part{{text: d.path[0].text[3:]}}, d.path[1:]...)
			}
			d.path = b.hostParts(&d)
			break
		}
		if len(t.path) > 2 && t.path[1].ref != nil && strings.HasPrefix(t.path[2].text, "://") && !strings.Contains(t.path[0].text, ":") {
			// http%1://
			text, _ := value(append([]piece{lit(t.path[0].text)}, b.expand(t.path[1:2], byName, same)...))
			d.head, d.path = text+"://", append([]part{{text: t.path[2].text[3:]}}, t.path[3:]...)
			d.path = b.hostParts(&d)
			break
		}
		if !strings.Contains(t.path[0].text, "://") { // mailto: and the like
			d.head, d.path = "", t.path
			if i := strings.IndexByte(d.path[0].text, ':'); i >= 0 {
				d.head, d.path = d.path[0].text[:i+1], append([]part{{text: d.path[0].text[i+1:]}}, d.path[1:]...)
			}
			break
		}
		i := strings.Index(t.path[0].text, "://") + 3
		d.head, d.path = strings.Replace(t.path[0].text[:i], schemeMark, "$scheme", 1), append([]part{{text: t.path[0].text[i:]}}, t.path[1:]...)
		d.path = b.hostParts(&d)
	default:
		d.head = b.ownAddress()
		d.path = b.redirectPath(t.path)
	}
	if !sendsLocation(status) {
		if !knownStatus(status) {
			b.when(b.withPattern(), "return 500;")
			return
		}
		b.sendByHeader(status, d)
		return
	}
	b.send(status, d)
}

// askedByName keeps redirects, and rules with NS, from the index that a folder is answered with: nginx asks the rules
// again for it, where httpd makes a subrequest of it that they leave alone.
func (b *builder) askedByName() {
	if b.f != faithful || b.c.server || b.matchesAll() || b.r.Negated {
		return
	}
	if ok, _ := b.r.Pattern.Re.MatchBool("folder/name"); ok {
		return // it is not about such files
	}
	takes := func(path string) bool {
		ok, err := b.r.Pattern.Re.MatchBool(path)
		return err == nil && ok
	}
	for _, folder := range []string{"folder/", ""} {
		for _, name := range b.c.area.indexes() {
			if takes(folder) || !takes(folder+name) {
				continue // a rule that takes the folder itself has answered before there is an index
			}
			paths := `^[^?]*/(?:\?|$)`
			if folder == "" && takes("folder/") {
				paths = "^" + quoteLiteral(b.c.sub.prefix) + `(?:\?|$)`
			}
			b.groups = append(b.groups, group{test{variable: "$request_uri", op: "~", operand: paths, negated: true}})
			return
		}
	}
}

// indexes are the names of index files.
func (a *area) indexes() []string {
	out := []string{"index.html"}
	for _, s := range a.settings {
		if strings.EqualFold(s.Name, "DirectoryIndex") {
			out = nil
			for _, w := range s.Args {
				out = append(out, w.Text)
			}
		}
	}
	return out
}

// dropsQuery tells whether httpd leaves the query of the request out of a target of this scheme.
// Source: mod_rewrite.c, splitout_queryargs.
func dropsQuery(t *ir.Template) bool {
	p := strings.ToLower(t.Prefix())
	for _, s := range []string{"ftp://", "gopher://", "ldap://", "news:", "nntp://"} {
		if strings.HasPrefix(p, s) {
			return true
		}
	}
	return false
}

// hostParts moves the host of an absolute target to the head: literal text and references up to the first slash.
func (b *builder) hostParts(d *destination) []part {
	parts := d.path
	add := func(p part) {
		if len(d.host) > 0 {
			d.host = append(d.host, p)
			return
		}
		if p.ref == nil {
			text, dollar := value([]piece{lit(p.text)})
			b.c.out.dollar = b.c.out.dollar || dollar
			d.head += text
			return
		}
		d.host = append(d.host, p)
	}
	for len(parts) > 0 {
		p := parts[0]
		if p.ref == nil {
			if i := strings.IndexByte(p.text, '/'); i >= 0 {
				if i > 0 {
					add(part{text: p.text[:i], raw: true})
				}
				return append([]part{{text: p.text[i:]}}, parts[1:]...)
			}
			add(part{text: p.text, raw: true})
			parts = parts[1:]
			continue
		}
		if p.ref.Kind == ir.Variable && (p.ref.Name == "REQUEST_URI" || p.ref.Name == "REQUEST_FILENAME") {
			return parts // it begins with the slash
		}
		add(p)
		parts = parts[1:]
	}
	return nil
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// redirectPath is the path of a redirect to this server.
func (b *builder) redirectPath(parts []part) []part {
	c := b.c
	if len(parts) == 0 {
		if c.server || c.hasBase {
			return []part{{text: c.base}}
		}
		return []part{{ref: docrootPart}, {text: c.sub.prefix}}
	}
	first := parts[0]
	if first.ref != nil {
		if first.ref.Kind == ir.Variable && first.ref.Space == "" {
			switch first.ref.Name {
			case "REQUEST_URI":
				return parts
			case "REQUEST_FILENAME", "SCRIPT_FILENAME", "DOCUMENT_ROOT":
				if c.server && first.ref.Name != "DOCUMENT_ROOT" {
					return parts
				}
				if c.hasBase {
					return b.localPath(parts)
				}
				// without RewriteBase the path in the file system is sent
				if first.ref.Name != "DOCUMENT_ROOT" {
					return append([]part{{ref: docrootPart}}, parts...)
				}
				return parts
			}
		}
		if b.beginsPath(first.ref) || b.caughtBeginning(parts) {
			return parts
		}
		if c.server {
			return append([]part{{text: "/"}}, parts...)
		}
		return append(b.relativeHead(), parts...)
	}
	if strings.HasPrefix(first.text, "/") {
		if root := c.area.docroot; root != "" && c.hasBase {
			if below, ok := strings.CutPrefix(first.text, root+c.sub.prefix); ok {
				return append([]part{{text: c.base + below}}, parts[1:]...)
			}
		}
		return parts
	}
	if c.server {
		return append([]part{{text: "/" + first.text}}, parts[1:]...)
	}
	return append(b.relativeHead(), parts...)
}

// beginsPath tells whether a group of the pattern holds the beginning of the whole path, with its slash.
func (b *builder) beginsPath(p *ir.Part) bool {
	return p.Kind == ir.RuleRef && p.N == 1 && b.sub.prefix == "" && (strings.HasPrefix(b.r.Pattern.Text, "(") || strings.HasPrefix(b.r.Pattern.Text, "^("))
}

// caughtBeginning tells whether parts begin with what the last condition caught of REQUEST_URI from its start: nothing, or a
// path, and a slash follows.
func (b *builder) caughtBeginning(parts []part) bool {
	if len(parts) < 2 || parts[0].ref.Kind != ir.CondRef || parts[0].ref.N != 1 || !strings.HasPrefix(parts[1].text, "/") {
		return false
	}
	for i := len(b.r.Conditions) - 1; i >= 0; i-- {
		cnd := b.r.Conditions[i]
		if cnd.Kind != ir.CondRegex || cnd.Negated {
			continue
		}
		return cnd.Pattern != nil && strings.HasPrefix(cnd.Pattern.Text, "^(") && len(cnd.Test.Parts) == 1 && cnd.Test.Parts[0].Kind == ir.Variable && cnd.Test.Parts[0].Name == "REQUEST_URI"
	}
	return false
}

var docrootPart = &ir.Part{Kind: ir.Variable, Name: "DOCUMENT_ROOT", Text: "%{DOCUMENT_ROOT}"}

// relativeHead is what stands before a relative target: RewriteBase, or the directory's path in the file system.
func (b *builder) relativeHead() []part {
	if b.c.hasBase {
		return []part{{text: b.c.base}}
	}
	if b.c.area.dir != "" {
		return []part{{text: b.c.area.dir + "/"}}
	}
	return []part{{ref: docrootPart}, {text: b.c.sub.prefix}}
}
