package apache

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// Lower makes the IR of a server configuration: a whole httpd.conf (ContextServer) or the inside of a
// <VirtualHost> (ContextVhost), which is wrapped into a host of its own. A .htaccess goes through LowerHtaccess
// and NewHtaccessProgram.
func Lower(c *Config) *ir.Program {
	p := &ir.Program{Server: ir.Apache, Context: c.Context, Maps: map[string]*ir.RewriteMap{}, Diagnostics: c.Diagnostics}
	for _, f := range c.Files {
		p.Files = append(p.Files, f.Source)
	}
	p.Root = &ir.Scope{Kind: ir.ScopeMain, Name: "server"}
	target := p.Root
	if c.Context == ir.ContextVhost {
		target = &ir.Scope{Kind: ir.ScopeHost, Name: "VirtualHost", Parent: p.Root}
		p.Root.Items = append(p.Root.Items, target)
	}
	l := lowerer{program: p}
	l.nodes(target, c.Nodes)
	return p
}

// LowerHtaccess makes the scope of one .htaccess file. dir is the directory it lies in, absolute in the world of
// the simulation, without a final slash.
func LowerHtaccess(c *Config, dir string) *ir.Scope {
	s := &ir.Scope{Kind: ir.ScopeHtaccess, Name: ".htaccess", Dir: dir}
	if len(c.Files) > 0 {
		s.Origin = ir.Origin{File: c.Files[0].Source}
	}
	for i := range c.Diagnostics {
		if c.Diagnostics[i].Refuses {
			s.Refusal = &c.Diagnostics[i]
			break
		}
	}
	l := lowerer{program: &ir.Program{Maps: map[string]*ir.RewriteMap{}}}
	l.nodes(s, c.Nodes)
	return s
}

// NewHtaccessProgram makes the program of a document root whose .htaccess files are given: a server with one
// host, AllowOverride All, Options FollowSymLinks and access granted below its document root.
func NewHtaccessProgram(scopes ...*ir.Scope) *ir.Program {
	p := &ir.Program{Server: ir.Apache, Context: ir.ContextHtaccess, Maps: map[string]*ir.RewriteMap{}}
	p.Root = &ir.Scope{Kind: ir.ScopeMain, Name: "server"}
	p.Root.Items = append(p.Root.Items, &ir.Scope{Kind: ir.ScopeHost, Name: "VirtualHost", Parent: p.Root})
	p.Htaccess = scopes
	for _, s := range scopes {
		if s.File != nil {
			p.Files = append(p.Files, s.File)
		}
		if s.Refusal != nil {
			d := *s.Refusal
			d.Refuses = false // the server starts all the same
			p.Diagnostics = append(p.Diagnostics, d)
		}
	}
	return p
}

type lowerer struct {
	program *ir.Program
}

func irWords(list []Word) []ir.Word {
	out := make([]ir.Word, len(list))
	for i, w := range list {
		out[i] = ir.Word{Text: w.Text, Span: w.Span, Quoted: w.Quote != 0}
	}
	return out
}

// nodes lowers the directives of one scope. Conditions wait for the rule behind them, across other directives.
func (l *lowerer) nodes(s *ir.Scope, list []ConfigNode) {
	var conds []*ir.Condition
	l.list(s, list, &conds)
}

func (l *lowerer) list(s *ir.Scope, list []ConfigNode, conds *[]*ir.Condition) {
	for _, n := range list {
		switch n := n.(type) {
		case *ConfigDirective:
			if n.Refused {
				continue
			}
			if item := l.directive(s, n, conds); item != nil {
				s.Items = append(s.Items, item)
			}
		case *ConfigSection:
			if n.Refused {
				continue
			}
			l.section(s, n, conds)
		}
	}
}

var sectionKinds = map[string]ir.ScopeKind{
	"virtualhost": ir.ScopeHost, "directory": ir.ScopeDirectory, "directorymatch": ir.ScopeDirectoryMatch,
	"files": ir.ScopeFiles, "filesmatch": ir.ScopeFilesMatch, "location": ir.ScopeLocation,
	"locationmatch": ir.ScopeLocationMatch, "if": ir.ScopeIf, "elseif": ir.ScopeElseIf, "else": ir.ScopeElse,
	"limit": ir.ScopeLimit, "limitexcept": ir.ScopeLimitExcept, "requireall": ir.ScopeRequire,
	"requireany": ir.ScopeRequire, "requirenone": ir.ScopeRequire, "proxy": ir.ScopeProxy, "proxymatch": ir.ScopeProxy,
}

func (l *lowerer) section(parent *ir.Scope, n *ConfigSection, conds *[]*ir.Condition) {
	name := strings.TrimPrefix(n.Head.Name.Text, "<")
	s := &ir.Scope{Origin: ir.Origin{File: n.File, Span: n.Head.Line}, Name: name, Parent: parent, Args: irWords(n.Head.Args)}
	s.Kind = sectionKinds[strings.ToLower(name)]
	if s.Kind == 0 {
		s.Kind = ir.ScopeOther
	}
	if s.Kind == ir.ScopeLimit || s.Kind == ir.ScopeLimitExcept {
		// mod_rewrite and mod_alias do not look at methods: their directives count as if there were no section
		inner := &ir.Scope{Kind: s.Kind}
		l.list(inner, n.Body, conds)
		for _, it := range inner.Items {
			if _, rule := it.(*ir.Rule); rule {
				parent.Items = append(parent.Items, it)
				continue
			}
			if set, ok := it.(*ir.Setting); ok && !accessDirective(set.Name) {
				parent.Items = append(parent.Items, it)
				continue
			}
			s.Items = append(s.Items, it)
		}
		parent.Items = append(parent.Items, s)
		return
	}
	args := s.Args
	if len(args) > 0 {
		s.Path = args[0].Text
		regex := strings.HasSuffix(strings.ToLower(name), "match")
		if !regex && args[0].Text == "~" && len(args) > 1 {
			regex = true
			args = args[1:]
			switch s.Kind {
			case ir.ScopeDirectory:
				s.Kind = ir.ScopeDirectoryMatch
			case ir.ScopeFiles:
				s.Kind = ir.ScopeFilesMatch
			case ir.ScopeLocation:
				s.Kind = ir.ScopeLocationMatch
			}
		}
		if regex && s.Kind != ir.ScopeIf {
			s.Path = args[0].Text
			s.Pattern = ir.NewPattern(args[0].Text, args[0].Span, pattern.Apache)
		}
	}
	if s.Kind == ir.ScopeIf || s.Kind == ir.ScopeElseIf {
		text := n.Head.ArgText
		if len(n.Head.Args) == 1 {
			text = n.Head.Args[0]
		}
		s.Path = text.Text
		if e, err := ParseExpr(text.Text, text.Span, ExprOptions{}); err == nil {
			s.Expr = e
		}
	}
	l.nodes(s, n.Body)
	parent.Items = append(parent.Items, s)
}

func accessDirective(name string) bool {
	switch strings.ToLower(name) {
	case "require", "order", "allow", "deny", "satisfy":
		return true
	}
	return false
}

func (l *lowerer) directive(s *ir.Scope, n *ConfigDirective, conds *[]*ir.Condition) ir.Item {
	o := ir.Origin{File: n.File, Span: n.Line}
	name := n.Name.Text
	if n.Known != nil {
		name = n.Known.Name
	}
	args := irWords(n.Args)
	switch strings.ToLower(name) {
	case "rewriterule":
		r := l.rewriteRule(s, o, n, args)
		if r != nil {
			r.Conditions, *conds = *conds, nil
		}
		if r == nil {
			return nil
		}
		return r
	case "rewritecond":
		if c := l.rewriteCond(o, n); c != nil {
			*conds = append(*conds, c)
		}
		return nil
	case "redirect", "redirectpermanent", "redirecttemp", "redirectmatch":
		return l.redirect(o, name, n, args)
	case "alias", "scriptalias", "aliasmatch", "scriptaliasmatch":
		r := &ir.Rule{Origin: o, Keyword: ir.Keyword(name), Args: args, Action: ir.ActionMap, Match: ir.MatchSegment}
		if len(args) == 0 {
			return nil
		}
		if strings.HasSuffix(strings.ToLower(name), "match") {
			r.Match, r.Pattern = ir.MatchRegex, ir.NewPattern(args[0].Text, args[0].Span, pattern.Apache)
		} else {
			r.Path = args[0].Text
		}
		if len(args) == 1 {
			r.Match, r.Path = ir.MatchAll, ""
		}
		t := args[len(args)-1]
		r.Target, r.TargetSpan = substitution(t.Text, t.Span), t.Span
		if len(args) == 1 {
			r.Target = expressionText(t.Text, t.Span)
		}
		return r
	case "rewritemap":
		if len(args) < 2 {
			return nil
		}
		typ, src, ok := strings.Cut(args[1].Text, ":")
		if !ok || strings.HasPrefix(args[1].Text, "/") {
			typ, src = "txt", args[1].Text
		}
		m := &ir.RewriteMap{Origin: o, Name: args[0].Text, Type: strings.ToLower(typ), Source: src, Args: args}
		if i := strings.IndexByte(m.Type, '='); i >= 0 {
			m.Type = m.Type[:i]
		}
		l.program.Maps[m.Name] = m
		return m
	}
	if n.Known == nil {
		return &ir.Opaque{Origin: o, Name: name, Args: args, Harmless: quietElsewhere(name)}
	}
	if !understood[strings.ToLower(name)] {
		return &ir.Opaque{Origin: o, Name: name, Args: args, Harmless: !matters[strings.ToLower(name)]}
	}
	set := &ir.Setting{Origin: o, Name: name, Args: args}
	lowerSetting(set, n)
	return set
}

// understood are the directives, in lower case, that become Settings.
var understood = nameSet(`rewriteengine rewritebase rewriteoptions redirectrelative aliaspreservepath documentroot servername serveralias
	usecanonicalname usecanonicalphysicalport directoryindex directoryslash fallbackresource directorycheckhandler directoryindexredirect
	errordocument options allowoverride allowoverridelist require order allow deny satisfy authtype authname authuserfile authmerging
	authbasicprovider header requestheader setenvif setenvifexpr setenvifnocase browsermatch browsermatchnocase setenv unsetenv passenv sethandler
	addhandler forcetype addtype removehandler removetype acceptpathinfo mergeslashes allowencodedslashes limitinternalrecursion accessfilename
	proxypass proxypassmatch proxyengine listen indexoptions multiviewsmatch defaulttype expiresactive expiresbytype expiresdefault
	traceenable limitrequestline limitrequestfieldsize limitrequestfields httpprotocoloptions sslengine action script scriptaliasmatch namevirtualhost`)

// matters are the directives that are not modelled and could change an answer; all others that are not
// understood cannot change status, Location, URI or headers set by configuration.
var matters = nameSet(`proxypassinherit userdir virtualdocumentroot virtualscriptalias virtualdocumentrootip checkspelling
	checkcaseonly contentdigest cgimapextension extendedstatus substitute rewritelock dav luahookfixups luahooktranslatename
	luamaphandler lualoadfile luahookaccesschecker authform sslrequiressl sslrequire sslverifyclient addalt authldapurl
	cacheenable metafiles requestreadtimeout remoteipheader scriptinterpretersource xbithack ssirouting vhostcgimode
	sethandlerif h2push sessioncookiename session authformprovider imapmenu asis anonymous allowmethods asyncfilter
	mdrequirehttps qos_setenvif sslrequirehttps usecanonicalname contextinfo`)

func nameSet(list string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(list) {
		m[n] = true
	}
	return m
}

func lowerSetting(set *ir.Setting, n *ConfigDirective) {
	a := set.Args
	regex := func(i int, ci bool) {
		if i < len(a) {
			o := pattern.Apache
			o.IgnoreCase = ci
			set.Pattern = ir.NewPattern(a[i].Text, a[i].Span, o)
		}
	}
	switch strings.ToLower(set.Name) {
	case "setenvif":
		regex(1, false)
	case "setenvifnocase":
		regex(1, true)
	case "browsermatch":
		regex(0, false)
	case "browsermatchnocase":
		regex(0, true)
	case "proxypassmatch":
		regex(0, false)
	case "require":
		i := 0
		if len(a) > 1 && strings.EqualFold(a[0].Text, "not") {
			i = 1
		}
		if len(a) > i && strings.EqualFold(a[i].Text, "expr") {
			text := n.ArgText.Text
			if k := indexFold(text, "expr"); k >= 0 {
				text = strings.TrimSpace(text[k+4:])
			}
			if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
				text = unescapeWord(text[1:len(text)-1], text[0])
			}
			e, err := ParseExpr(text, n.ArgText.Span, ExprOptions{})
			set.Expr = e
			if err != nil {
				set.Err = err.Error()
			}
		}
	case "setenvifexpr":
		if len(a) > 0 {
			e, err := ParseExpr(a[0].Text, a[0].Span, ExprOptions{})
			set.Expr = e
			if err != nil {
				set.Err = err.Error()
			}
		}
	case "header", "requestheader":
		for i := range a {
			// the value; a condition in the last place is in Expr
			if text, ok := strings.CutPrefix(a[i].Text, "expr="); ok {
				if t, err := ParseExprString(text, source.Span{Start: a[i].Span.Start, End: a[i].Span.End}, ExprOptions{}); err == nil {
					if set.Templates == nil {
						set.Templates = make([]*ir.Template, len(a))
					}
					set.Templates[i] = t
				}
			}
		}
		last := len(a) - 1
		if last >= 0 {
			if strings.HasPrefix(a[last].Text, "expr=") {
				e, err := ParseExpr(a[last].Text[5:], a[last].Span, ExprOptions{})
				set.Expr = e
				if err != nil {
					set.Err = err.Error()
				}
			}
		}
	case "errordocument":
		if len(a) > 1 {
			set.Templates = []*ir.Template{nil, expressionText(a[1].Text, a[1].Span)}
		}
	}
}

func indexFold(s, sub string) int { return strings.Index(strings.ToLower(s), sub) }

// redirect lowers the directives of mod_alias. Source: mod_alias.c, add_redirect_internal.
func (l *lowerer) redirect(o ir.Origin, name string, n *ConfigDirective, args []ir.Word) ir.Item {
	r := &ir.Rule{Origin: o, Keyword: ir.Keyword(name), Args: args, Flow: ir.FlowAnswer, Status: 302, Match: ir.MatchSegment}
	rest := args
	switch ir.Keyword(name) {
	case ir.RedirectPermanent:
		r.Status, r.StatusWritten = 301, true
	case ir.RedirectTemp:
		r.Status, r.StatusWritten = 302, true
	}
	{
		if len(rest) > 0 {
			word := true
			switch w := strings.ToLower(rest[0].Text); {
			case w == "permanent":
				r.Status, r.StatusWritten = 301, true
			case w == "temp":
				r.Status, r.StatusWritten = 302, true
			case w == "seeother":
				r.Status, r.StatusWritten = 303, true
			case w == "gone":
				r.Status, r.StatusWritten = 410, true
			case w != "" && w[0] >= '0' && w[0] <= '9':
				r.Status, r.StatusWritten = atoi(w), true
			default:
				word = false
			}
			if word {
				rest = rest[1:]
			}
		}
	}
	isRedirect := r.Status >= 300 && r.Status <= 399
	r.Action = ir.ActionRespond
	if isRedirect {
		r.Action = ir.ActionRedirect
	}
	regex := ir.Keyword(name) == ir.RedirectMatch
	switch {
	case len(rest) == 0:
		r.Match = ir.MatchAll
	case len(rest) == 1 && isRedirect:
		r.Match = ir.MatchAll
		r.Target, r.TargetSpan = expressionText(rest[0].Text, rest[0].Span), rest[0].Span
	default:
		r.Path = rest[0].Text
		if regex {
			r.Match, r.Pattern = ir.MatchRegex, ir.NewPattern(rest[0].Text, rest[0].Span, pattern.Apache)
		}
		if len(rest) > 1 && isRedirect {
			r.TargetSpan = rest[1].Span
			if regex {
				r.Target = substitution(rest[1].Text, rest[1].Span)
			} else {
				r.Target = ir.LiteralTemplate(rest[1].Text, rest[1].Span)
			}
		}
	}
	return r
}

// substitution is the target of RedirectMatch and AliasMatch: $0 to $9, a backslash before $ or & or itself.
// Source: httpd server/util.c, ap_pregsub.
func substitution(text string, span source.Span) *ir.Template {
	t := &ir.Template{Text: text, Span: span}
	lit := ""
	flush := func() {
		if lit != "" {
			t.Parts = append(t.Parts, ir.Part{Kind: ir.Literal, Text: lit, Span: span})
			lit = ""
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '$' && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9':
			flush()
			t.Parts = append(t.Parts, ir.Part{Kind: ir.RuleRef, N: int(text[i+1] - '0'), Text: text[i : i+2], Span: span})
			i++
		case c == '\\' && i+1 < len(text) && (text[i+1] == '$' || text[i+1] == '&'):
			i++
			lit += string(text[i])
		default:
			lit += string([]byte{c})
		}
	}
	flush()
	return t
}
