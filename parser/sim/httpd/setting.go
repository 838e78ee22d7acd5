package httpd

// Settings of a section put into a layer, and the words they take.

import (
	"strings"

	"rewright/parser/ir"
)

func (s *simulator) setting(l *layer, it *ir.Setting) {
	arg := it.Arg(0)
	switch strings.ToLower(it.Name) {
	case "rewriteengine":
		l.rewrite, l.engine = true, yes(it)
	case "rewritebase":
		l.rewrite = true
		l.base = &arg
	case "rewriteoptions":
		l.rewrite, l.optionsSet = true, true
		for _, a := range it.Args {
			o := &l.options
			switch strings.ToLower(a.Text) {
			case "inherit":
				o.inherit = true
			case "inheritbefore":
				o.inheritBefore = true
			case "inheritdown":
				o.inheritDown = true
			case "inheritdownbefore":
				o.inheritDownBefore = true
			case "ignoreinherit":
				o.ignoreInherit = true
			case "allownoslash":
				o.noSlash = true
			case "allowanyuri":
				o.anyURI = true
			case "mergebase":
				o.mergeBase = true
			case "ignorecontextinfo":
				o.ignoreContext = true
			case "legacyprefixdocroot":
				o.legacyPrefix = true
			case "unsafeprefixstat":
				o.unsafePrefix = true
			}
		}
	case "aliaspreservepath":
		l.preserve = *yes(it)
	case "redirectrelative":
		l.relative = yes(it)
	case "require", "order", "allow", "deny", "satisfy":
		l.accessSetting(it, nil)
	case "authmerging":
		l.authMerging = strings.ToLower(arg)
	case "authtype":
		l.authType = arg
	case "directoryindex":
		if !l.indexSet {
			l.index, l.indexSet = nil, true
		}
		if len(it.Args) == 1 && strings.EqualFold(arg, "disabled") {
			l.index = []string{}
			break
		}
		l.index = append(l.index, words(it.Args)...)
	case "directoryslash":
		l.slash = yes(it)
	case "directoryindexredirect":
		l.indexRedirect = redirectStatus(arg)
	case "directorycheckhandler":
		l.checkHandler = yes(it)
	case "fallbackresource":
		l.fallback = &arg
	case "errordocument":
		if l.errorDocs == nil {
			l.errorDocs = map[int]*ir.Setting{}
		}
		l.errorDocs[atoi(arg)] = it
	case "options":
		l.optionsOf(it.Args)
	case "allowoverride":
		l.overrideOf().read(it)
	case "allowoverridelist":
		l.overrideOf().read(it)
	case "header":
		l.headers = append(l.headers, it)
	case "requestheader":
		l.reqHeaders = append(l.reqHeaders, it)
	case "setenvif", "setenvifexpr", "setenvifnocase", "browsermatch", "browsermatchnocase":
		l.setEnvIf = append(l.setEnvIf, it)
	case "setenv", "unsetenv", "passenv":
		l.setEnv = append(l.setEnv, it)
	case "sethandler":
		h := arg
		if strings.EqualFold(h, "none") {
			h = ""
		}
		l.handler = &h
	case "addhandler":
		if l.addHandler == nil {
			l.addHandler = map[string]string{}
		}
		for _, a := range it.Args[1:] {
			l.addHandler[ext(a.Text)] = strings.ToLower(arg)
		}
	case "action":
		if len(it.Args) > 1 {
			if l.actions == nil {
				l.actions = map[string]action{}
			}
			l.actions[lower(arg)] = action{it.Arg(1), strings.EqualFold(it.Arg(2), "virtual")}
		}
	case "script":
		l.scripts = true
	case "removehandler":
		if l.addHandler == nil {
			l.addHandler = map[string]string{}
		}
		for _, a := range it.Args {
			l.addHandler[ext(a.Text)] = ""
		}
	case "forcetype":
		l.forceType = &arg
	case "addtype":
		if l.addType == nil {
			l.addType = map[string]string{}
		}
		for _, a := range it.Args[1:] {
			l.addType[ext(a.Text)] = strings.ToLower(arg)
		}
	case "acceptpathinfo":
		l.acceptPath = strings.ToLower(arg)
	case "proxypass", "proxypassmatch":
		l.proxyPass = append(l.proxyPass, it)
	case "expiresactive":
		l.expiresOn = yes(it)
	case "expiresbytype", "expiresdefault":
		l.expires = append(l.expires, it)
	}
}

// redirectStatus is the status of DirectoryIndexRedirect; -1 for off.
func redirectStatus(word string) int {
	switch strings.ToLower(word) {
	case "on", "temp":
		return 302
	case "off":
		return -1
	case "permanent":
		return 301
	case "seeother":
		return 303
	}
	return atoi(word)
}

func ext(s string) string { return strings.ToLower(strings.TrimPrefix(s, ".")) }

func words(list []ir.Word) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = w.Text
	}
	return out
}

func (l *layer) overrideOf() *overrides {
	if l.override == nil {
		l.override = &overrides{list: map[string]bool{}}
	}
	return l.override
}

// optionsOf reads Options: words with a sign change what is inherited, words without replace it.
func (l *layer) optionsOf(args []ir.Word) {
	l.optSet = true
	for _, a := range args {
		w, sign := strings.ToLower(a.Text), byte(0)
		if w != "" && (w[0] == '+' || w[0] == '-') {
			sign, w = w[0], w[1:]
		}
		var bit opts
		switch w {
		case "indexes":
			bit = optIndexes
		case "includes", "includesnoexec":
			bit = optIncludes
		case "followsymlinks":
			bit = optFollow
		case "symlinksifownermatch":
			bit = optOwner
		case "execcgi":
			bit = optExecCGI
		case "multiviews":
			bit = optMultiViews
		case "all":
			bit = optIndexes | optIncludes | optFollow | optExecCGI
		}
		switch sign {
		case 0:
			if !l.optAll {
				l.optAll, l.optOn, l.optOff = true, 0, 0
			}
			l.optOn |= bit
		case '+':
			l.optOn |= bit
			l.optOff &^= bit
		case '-':
			l.optOff |= bit
			l.optOn &^= bit
		}
	}
}
