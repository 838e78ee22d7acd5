package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/source"
)

// flag is one item of a flag list as written.
type flag struct {
	text   string // without blanks around
	name   string // before the first =
	value  string
	span   source.Span // of text
	hasEq  bool
	valSet source.Span // of value; empty span behind the name when there is none
}

// flagInfo is what the flag tables say of a name.
type flagInfo struct {
	long  string
	value bool // takes one
}

// ruleFlags are the flags of RewriteRule by short name.
// Source: httpd mod_rewrite.c, cmd_rewriterule_setflag; manual, "RewriteRule Flags".
var ruleFlags = map[string]flagInfo{
	"B": {"", true}, "BCTLS": {"", false}, "BNE": {"", true}, "BNP": {"backrefnoplus", false},
	"C": {"chain", false}, "CO": {"cookie", true}, "DPI": {"discardpath", false}, "E": {"env", true},
	"END": {"", false}, "F": {"forbidden", false}, "G": {"gone", false}, "H": {"handler", true},
	"L": {"last", false}, "N": {"next", true}, "NC": {"nocase", false}, "NE": {"noescape", false},
	"NS": {"nosubreq", false}, "P": {"proxy", false}, "PT": {"passthrough", false}, "QSA": {"qsappend", false},
	"QSD": {"qsdiscard", false}, "QSL": {"qslast", false}, "R": {"redirect", true}, "S": {"skip", true},
	"T": {"type", true}, "UNC": {"", false}, "UnsafeAllow3F": {"", false}, "UnsafePrefixStat": {"", false},
}

// condFlags are the flags of RewriteCond. Source: httpd mod_rewrite.c, cmd_rewritecond_setflag.
var condFlags = map[string]flagInfo{"NC": {"nocase", false}, "OR": {"ornext", false}, "NV": {"novary", false}}

// flagTable is the table for a directive; nil for those without flags.
func flagTable(d *lint.Directive) map[string]flagInfo {
	switch {
	case d.Is("RewriteRule"):
		return ruleFlags
	case d.Is("RewriteCond"):
		return condFlags
	}
	return nil
}

// flagIndex is a flag table by the upper case and the usual spelling of short and long names.
func flagIndex(table map[string]flagInfo) map[string]string {
	m := make(map[string]string, 3*len(table))
	for short, info := range table {
		for _, name := range []string{short, strings.ToUpper(short), info.long, strings.ToUpper(info.long)} {
			if name != "" {
				m[name] = short
			}
		}
	}
	return m
}

var ruleFlagIndex, condFlagIndex = flagIndex(ruleFlags), flagIndex(condFlags)

// canonicalFlag is the short name a written flag name stands for, empty when there is none.
func canonicalFlag(table map[string]flagInfo, name string) string {
	index := ruleFlagIndex
	if len(table) == len(condFlags) {
		index = condFlagIndex
	}
	if short, ok := index[name]; ok {
		return short
	}
	return index[strings.ToUpper(name)]
}

func flagNames(table map[string]flagInfo) []string {
	var out []string
	for short, info := range table {
		out = append(out, short)
		if info.long != "" {
			out = append(out, info.long)
		}
	}
	return out
}

// flagWord is the third argument of a RewriteRule or RewriteCond.
func flagWord(d *lint.Directive) (lint.Word, bool) {
	if len(d.Args) < 3 || flagTable(d) == nil {
		return lint.Word{}, false
	}
	return d.Args[2], true
}

// readFlags takes a flag list apart; ok is false when there is none or it is no list in brackets.
func readFlags(p *lint.Pass, d *lint.Directive) (list []flag, ok bool) {
	w, ok := flagWord(d)
	if !ok {
		return nil, false
	}
	text, ok := plain(p, w)
	if !ok || len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return nil, false
	}
	return splitFlags(text[1:len(text)-1], w.Inner().Start+1), true
}

// splitFlags takes the inside of a flag list apart; base is the place of its first byte.
func splitFlags(text string, base int32) []flag {
	out := make([]flag, 0, 1+strings.Count(text, ","))
	at := 0
	for {
		end := strings.IndexByte(text[at:], ',')
		piece := text[at:]
		if end >= 0 {
			piece = text[at : at+end]
		}
		lead := len(piece) - len(strings.TrimLeft(piece, " \t"))
		body := strings.TrimSpace(piece)
		start := base + int32(at+lead)
		f := flag{text: body, name: body, span: source.Span{Start: start, End: start + int32(len(body))}}
		f.valSet = source.Span{Start: f.span.End, End: f.span.End}
		if name, value, found := strings.Cut(body, "="); found {
			f.name, f.value, f.hasEq = name, value, true
			f.valSet.Start = start + int32(len(name)+1)
		}
		out = append(out, f)
		if end < 0 {
			return out
		}
		at += end + 1
	}
}

// validFlags tells whether all items of a list are flags of the table.
func validFlags(table map[string]flagInfo, list []flag) bool {
	for _, f := range list {
		if canonicalFlag(table, f.name) == "" {
			return false
		}
	}
	return len(list) > 0
}

// hasFlag tells whether a list has a flag, by its short name, and gives the last of them.
func hasFlag(table map[string]flagInfo, list []flag, short string) (flag, bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if canonicalFlag(table, list[i].name) == short {
			return list[i], true
		}
	}
	return flag{}, false
}

// joinFlags writes a list without blanks.
func joinFlags(list []flag) string {
	var parts []string
	for _, f := range list {
		parts = append(parts, f.text)
	}
	return "[" + strings.Join(parts, ",") + "]"
}
