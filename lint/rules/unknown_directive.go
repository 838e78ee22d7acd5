package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/nginx"
	"rewright/parser/source"
)

var unknownDirective = lint.Rule{
	Code: "RD001", ID: "unknown-directive", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "no module of the server knows this directive",
		Text: "One unknown word is enough: httpd answers 500 for every URL under the directory of a `.htaccess`, or does not " +
			"start; nginx does not start. Names are compared without letter case by httpd and with it by nginx. " +
			"A directive that a third-party module brings is refused by every server that lacks the module; " +
			"in httpd, `<IfModule>` around it makes the file safe to move.",
		Silence: "The server it runs on has the module that brings the directive.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewritRule ^a$ /b [R=301,L]\n", After: "RewriteRule ^a$ /b [R=301,L]\n"},
			{Server: ir.Nginx, Before: "rewrit ^/a$ /b permanent;\n", After: "rewrite ^/a$ /b permanent;\n"},
		},
		Source: "httpd server/config.c, invoke_cmd: \"Invalid command\"; nginx ngx_conf_handler: \"unknown directive\"",
	},
	Explains: []string{"RD001", "RD005", "RD019", "RD023"}, Precedence: 95,
	Explain: explainUnknownDirective,
}

// conflictMarks begin the lines that a merge leaves behind.
var conflictMarks = []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"}

func explainUnknownDirective(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	own := d.Code == "RD001"
	if at == nil {
		return d, own
	}
	name := at.Name.Text
	if d.Code == "RD019" { // ${INCLUDES} on a line of its own: a semicolon behind it would not help
		if !isPlaceholder(name) || !d.Refuses {
			return d, false
		}
		d.Span, d.Related, d.Fixes, d.Help = at.Name.Span, nil, nil, ""
		d.Message = quote(name) + " looks like a placeholder of a template; as it stands " + p.Refusal()
		return d, true
	}
	full := p.File.Slice(p.File.LineSpan(p.File.Line(at.Line.Start)))
	for _, mark := range conflictMarks {
		if strings.HasPrefix(strings.TrimSpace(full), mark) {
			d.Span = at.Line
			d.Message = "a merge left this conflict marker behind; " + p.Refusal()
			d.Help = "choose one of the two sides and remove the markers"
			return d, true
		}
	}
	if !own {
		// Flags that go on in the next line: one fault, told where the next line begins.
		if next := at.NextPtr; d.Code == "RD005" && next != nil && brokenLine(p, next) != nil {
			at, name, d.Span = next, next.Name.Text, next.Name.Span
		} else {
			return d, false
		}
	}
	if module := foreignModuleLoaded(p.Unit, name); module != "" {
		d.Severity, d.Refuses = diag.Info, false
		d.Message = quote(name) + " is not known to this version of the tool; " + quote(module) + ", which is loaded here, may bring it"
		d.Help = ""
		if again(p, at) {
			d.Severity = 0
		}
		return d, true
	}
	if at.Server == ir.Apache && at.Is("Use") {
		return inMacro(p, d, at)
	}
	if knownDirective(at.Server, name) {
		return knownElsewhere(p, d, at)
	}
	if now := goneDirectives[strings.ToLower(name)]; at.Server == ir.Apache && now != "" {
		d.Message = quote(name) + " is gone since httpd 2.4; " + p.Refusal()
		d.Help = now
		return d, true
	}
	if module := thirdParty(at.Server, name); module != "" {
		same := ofModule(p, at, module)
		if len(same) > 0 && same[0] != at {
			d.Severity = 0
			return d, true
		}
		// whoever writes it has the module, as a rule; the file is only as portable as that
		d.Severity, d.Refuses = diag.Info, false
		d.Message = quote(name) + " comes from " + module + ", which " + p.Server() + " does not ship: a server without it refuses the file"
		if n := len(same) - 1; n > 0 {
			d.Message += fmt.Sprintf(" (%d more of its directives below)", n)
		}
		if at.Server == ir.Apache {
			d.Help = "put it into an <IfModule> of that module, so that the file also works without it"
		}
		return d, true
	}
	if module := optionalModule(name); at.Server == ir.Nginx && module != "" {
		return ofOptionalModule(p, d, at, module)
	}
	if isPlaceholder(name) {
		d.Help = ""
		d.Message = quote(name) + " looks like a placeholder of a template; as it stands " + p.Refusal()
		return d, true
	}
	if joinUp := brokenLine(p, at); joinUp != nil {
		d.Help = ""
		d.Message = "this line belongs to the one above, where the arguments break off; " + p.Refusal()
		d.Fixes = []diag.Fix{*joinUp}
		return d, true
	}
	if near, cost := nearestDirective(p, at); len(near) > 0 {
		d.Help = ""
		d.Message = "no directive " + quote(name) + "; did you mean " + either(near) + "? " + p.Refusal()
		if len(near) == 1 {
			s := diag.Risky
			if cost <= 2 {
				s = diag.Safe
			}
			d.Fixes = []diag.Fix{write(s, at.Name.Inner(), near[0])}
		}
		return d, true
	}
	if at.Server == ir.Apache && isProse(p, at) {
		d.Help = ""
		d.Message = "this line reads like a comment without its `#`; " + p.Refusal()
		d.Fixes = []diag.Fix{{Title: "put `# ` before the line", Safety: diag.Risky, Edits: source.Insert(at.Line.Start, "# ")}}
		return d, true
	}
	d.Message = "no module that " + p.Server() + " ships has a directive " + quote(name) + "; unless a third-party module brings it, " + p.Refusal()
	return d, true
}

// goneDirectives are those of former versions, in lower case, and what to do without them.
// Source: httpd manual, "Upgrading to 2.4 from 2.2" and "Upgrading to 2.2 from 2.0".
var goneDirectives = map[string]string{
	"acceptmutex": "use Mutex", "lockfile": "use Mutex", "rewritelock": "use Mutex", "sslmutex": "use Mutex", "sslstaplingmutex": "use Mutex",
	"rewritelog": "write `LogLevel rewrite:trace3`; the lines go into the error log", "rewriteloglevel": "write `LogLevel rewrite:trace3`",
	"authzdefaultauthoritative": "leave it out", "authzuserauthoritative": "leave it out", "authzgroupfileauthoritative": "leave it out",
	"authzownerauthoritative": "leave it out", "authzdbmauthoritative": "leave it out", "authzdbmtype": "use AuthDBMType",
	"authzldapauthoritative": "leave it out", "authauthoritative": "use AuthBasicAuthoritative", "authdigestfile": "use AuthUserFile",
	"authdbmauthoritative": "use AuthBasicAuthoritative", "cookielog": "use CustomLog", "addmodule": "use LoadModule", "clearmodulelist": "leave it out",
	"bindaddress": "use Listen", "servertype": "leave it out", "resourceconfig": "use Include", "accessconfig": "use Include",
}

// inMacro tells of a directive that a macro holds; what the first Use of a macro shows, the others do not show again.
func inMacro(p *lint.Pass, d diag.Diagnostic, use *lint.Directive) (diag.Diagnostic, bool) {
	_, rest, _ := strings.Cut(d.ServerMessage, "'")
	name, _, ok := strings.Cut(rest, "'")
	if !ok {
		return withRefusal(p, d, use)
	}
	for _, before := range p.Unit.Named("Use") {
		if before == use {
			break
		}
		if strings.EqualFold(before.Arg(0), use.Arg(0)) && !before.Inactive {
			d.Severity = 0
			return d, true
		}
	}
	d.Message = "macro " + quote(use.Arg(0)) + " holds " + quote(name) + ", which no module that httpd ships knows; unless a third-party module brings it, " + p.Refusal()
	return d, true
}

// nearestDirective finds what the name was meant to be, among the names that fit the place.
func nearestDirective(p *lint.Pass, at *lint.Directive) (near []string, cost int) {
	word := at.Name.Text
	if strings.ContainsAny(word, "/\\$%{}()^[]=<>:;,\"'|*?#") || len(word) < 2 {
		return nil, 0
	}
	near, cost = lint.NearestCost(word, directiveNames(at.Server, at.Section))
	if at.Server == ir.Nginx && len(near) == 0 {
		return nil, 0
	}
	if len(near) > 1 {
		// The arguments may decide: a name whose number of arguments fits beats one that cannot take them.
		var fit []string
		for _, n := range near {
			if takes(at.Server, n, len(at.Args)) {
				fit = append(fit, n)
			}
		}
		if len(fit) > 0 {
			near = fit
		}
	}
	return near, cost
}

// brokenLine offers to join a line that can only be the rest of the one before: flags that were broken at a
// comma or inside a value ("[L,R" and "=301]").
func brokenLine(p *lint.Pass, at *lint.Directive) *diag.Fix {
	prev := at.PrevPtr
	if at.Server != ir.Apache || prev == nil || flagTable(prev) == nil || prev.Parent != at.Parent {
		return nil
	}
	head := raw(p, prev.Line)
	tail := raw(p, at.Line)
	open := strings.LastIndexByte(head, '[')
	if open < 0 || strings.IndexByte(head[open:], ']') >= 0 {
		if strings.HasPrefix(tail, "[") && len(prev.Args) == 2 {
			if end := strings.IndexByte(tail, ']'); end > 0 && validFlags(flagTable(prev), splitFlags(tail[1:end], 0)) {
				return joinLines(p, prev, at, " ")
			}
		}
		return nil
	}
	end := strings.IndexByte(tail, ']')
	if end < 0 {
		return nil
	}
	joined := strings.Join(strings.Fields(head[open+1:]+tail[:end]), "")
	if !validFlags(flagTable(prev), splitFlags(joined, 0)) {
		return nil
	}
	return joinLines(p, prev, at, "")
}

func joinLines(p *lint.Pass, prev, at *lint.Directive, with string) *diag.Fix {
	gap := source.Span{Start: prev.Line.End, End: at.Line.Start}
	if strings.TrimSpace(raw(p, gap)) != "" {
		return nil
	}
	return &diag.Fix{Title: "join the two lines", Safety: diag.Safe, Edits: source.Replace(gap, with)}
}

// isPlaceholder tells whether a word is a variable of some template language.
func isPlaceholder(w string) bool {
	for _, pair := range [][2]string{{"%", "%"}, {"@", "@"}, {"{{", "}}"}, {"${", "}"}, {"<%", "%>"}, {"[[", "]]"}, {"__", "__"}, {"{%", "%}"}} {
		if i := strings.Index(w, pair[0]); i >= 0 && strings.Contains(w[i+len(pair[0]):], pair[1]) {
			return true
		}
	}
	return strings.HasPrefix(w, "$") || strings.HasPrefix(w, "{{") || strings.HasPrefix(w, "{%") || strings.HasPrefix(w, "<%")
}

// isProse tells whether a line is made of words of a language: a comment that lost its #.
func isProse(p *lint.Pass, at *lint.Directive) bool {
	text := raw(p, at.Line)
	if strings.ContainsAny(text, "[]{}%$^\\=<>|") {
		return false
	}
	words := strings.Fields(text)
	if len(words) < 2 {
		return false
	}
	foreign := utf8.ValidString(text) && utf8.RuneCountInString(text) < len(text)
	n := 0
	for _, w := range words {
		w = strings.Trim(w, ".,:;!?()'\"-")
		if strings.ContainsAny(w, "/.:") {
			continue
		}
		n++
	}
	return foreign || n >= 3
}

// knownElsewhere is a directive of the server's own modules that is unknown where it stands: its module is not
// loaded, or its release is another.
func knownElsewhere(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at.Server == ir.Apache {
		return withRefusal(p, d, at)
	}
	name := at.Name.Text
	for _, spec := range nginx.Specs(name) {
		switch {
		case spec.Module != "":
			return ofOptionalModule(p, d, at, spec.Module)
		case spec.Until != "":
			d.Message = quote(name) + " is gone since nginx " + spec.Until + "; " + p.Refusal()
		case spec.Since != "":
			d.Message = quote(name) + " needs nginx " + spec.Since + "; older ones do not start with it"
		}
	}
	return d, true
}

// ofOptionalModule tells of a directive whose module nginx has only where it was built in or is loaded, by this file or by the one
// that includes it: whoever writes it has the module, as a rule. The first directive of a module speaks for all.
func ofOptionalModule(p *lint.Pass, d diag.Diagnostic, at *lint.Directive, module string) (diag.Diagnostic, bool) {
	d.Severity, d.Refuses = diag.Info, false
	d.Message = quote(at.Name.Text) + " is of nginx's optional module " + module + ": a server without it refuses the file"
	d.Help = "load it with load_module, or build nginx with it"
	if same := ofModule(p, at, moduleOf(at.Server, at.Name.Text)); len(same) > 0 && same[0] != at {
		d.Severity = 0
	}
	return d, true
}

// moduleFile is a module in a file, and moduleKey the key of a unit's directives by it.
type (
	moduleFile struct {
		file   *source.File
		module string
	}
	moduleKey struct{}
)

// ofModule are the directives of a module from elsewhere, or of an optional one, that the file of at has; those that the server skips
// apart from the others.
func ofModule(p *lint.Pass, at *lint.Directive, module string) []*lint.Directive {
	list := p.Unit.Memo(moduleKey{}, func() any {
		m := map[moduleFile][]*lint.Directive{}
		for _, d := range p.Unit.Directives {
			if module := moduleOf(d.Server, d.Name.Text); module != "" && !d.Inactive {
				k := moduleFile{d.File, module}
				m[k] = append(m[k], d)
			}
		}
		return m
	}).(map[moduleFile][]*lint.Directive)
	return list[moduleFile{at.File, module}]
}

// moduleOf is the module from elsewhere, or nginx's optional one, that a directive is of; empty when it is of none.
func moduleOf(s ir.Server, name string) string {
	if knownDirective(s, name) && s == ir.Apache {
		return ""
	}
	if module := thirdParty(s, name); module != "" || s == ir.Apache {
		return module
	}
	for _, spec := range nginx.Specs(name) {
		if spec.Module != "" {
			return spec.Module
		}
	}
	return optionalModule(name)
}

// foreignModuleLoaded is a module from elsewhere that the configuration loads and that may bring a directive. Empty when there is none.
func foreignModuleLoaded(u *lint.Unit, name string) string {
	family := strings.TrimPrefix(thirdParty(u.Input.Server, name), "mod_")
	for _, d := range u.Directives {
		switch {
		case d.Server == ir.Apache && d.Is("LoadModule") && !d.Inactive && !isShipped(d.Arg(0)):
			if family != "" && !strings.Contains(strings.ToLower(d.Arg(0)+d.Arg(1)), strings.ToLower(family)) {
				continue
			}
			return d.Arg(0)
		case d.Server == ir.Nginx && d.Is("load_module"):
			return d.Arg(0)
		}
	}
	return ""
}
