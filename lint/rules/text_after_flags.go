package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var textAfterFlags = lint.Rule{
	Code: "RD006", ID: "text-after-flags", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "text behind the last argument is ignored or refused",
		Text: "httpd has no comments at the end of a line. What stands behind the flags of a RewriteRule or RewriteCond is " +
			"ignored without a word: a comment there does no harm, a second bracket list is lost. Behind other directives, and where " +
			"the flags are missing, the `#` is one argument more and httpd refuses the file.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301] [L]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}, {Server: ir.Apache,
			Before: "Redirect 301 /a /b # moved\n",
			After:  "# moved\nRedirect 301 /a /b\n"}},
		Source: "httpd mod_rewrite.c, parseargline; server/util.c, ap_cfg_getline",
	},
	Explains: []string{"RD006", "RD005", "RD026", "RD029", "RD106", "RD009", "RD613", "RD023", "RD305", "RD304"}, Precedence: 45,
	Explain:   explainTextAfterFlags,
	Directive: checkTextAfterFlags,
}

// hashAt is the argument that was meant to begin a comment: unquoted, beginning with #, not the first word.
func hashAt(p *lint.Pass, d *lint.Directive) int {
	for i, w := range d.Args {
		text := raw(p, w.Span)
		if w.Quote == 0 && strings.HasPrefix(text, "#") && (text == "#" || i > 0) {
			return i
		}
	}
	return -1
}

func explainTextAfterFlags(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil || at.Server != ir.Apache {
		return d, false
	}
	i := hashAt(p, at)
	if i < 0 || at.Section {
		return d, false
	}
	// The rest must be something the server takes: without the comment the fault is gone.
	if flagTable(at) != nil && i != 2 || flagTable(at) == nil && !takes(at.Server, at.Name.Text, i) {
		return d, false
	}
	d.Span = source.Span{Start: at.Args[i].Span.Start, End: at.Line.End}
	d.Message = "httpd has no comments at the end of a line: `#` is read as an argument; " + p.Refusal()
	d.Fixes = moveComment(p, at, d.Span)
	return d, true
}

// moveComment puts a trailing comment on a line of its own above the directive.
func moveComment(p *lint.Pass, d *lint.Directive, s source.Span) []diag.Fix {
	text := raw(p, s)
	if strings.Contains(text, "\n") || strings.HasSuffix(text, "\\") {
		return nil
	}
	head := strings.TrimRight(raw(p, source.Span{Start: d.Line.Start, End: s.Start}), " \t")
	cut := source.Span{Start: d.Line.Start + int32(len(head)), End: s.End}
	above := text + newline(p.File, d.Line.Start) + indentation(p.File, d.Line.Start)
	return []diag.Fix{{Title: "move the comment above the directive", Safety: diag.Safe,
		Edits: append(source.Insert(d.Line.Start, above), source.Replace(cut, "")...)}}
}

func checkTextAfterFlags(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Apache || d.Refused {
		return
	}
	table := flagTable(d)
	if table == nil {
		if d.Is("RewriteEngine") && len(d.Args) > 1 && strings.HasPrefix(d.Arg(1), "#") && d.Args[1].Quote == 0 {
			s := source.Span{Start: d.Args[1].Span.Start, End: d.Line.End}
			p.Add(diag.Diagnostic{Severity: diag.Info, Span: s, Fixes: moveComment(p, d, s),
				Message: "httpd has no comments at the end of a line; RewriteEngine happens to ignore the words behind its first"})
		}
		return
	}
	if d.Extra.Len() == 0 {
		return
	}
	extra := raw(p, d.Extra)
	lead := len(extra) - len(strings.TrimLeft(extra, " \t"))
	s := source.Span{Start: d.Extra.Start + int32(lead), End: d.Extra.End}
	extra = strings.TrimSpace(extra)
	if extra == "" {
		return
	}
	list, ok := readFlags(p, d)
	if !ok || !validFlags(table, list) && !d.Is("RewriteRule") {
		return
	}
	switch {
	case extra[0] == '#':
		p.Add(diag.Diagnostic{Severity: diag.Info, Span: s, Fixes: moveComment(p, d, s),
			Message: "httpd has no comments at the end of a line; it ignores what stands behind the flags, so this one happens to do no harm"})
	case extra[0] == '[':
		secondBlock(p, d, table, list, s, extra)
	default:
		p.Add(diag.Diagnostic{Severity: diag.Warning, Span: s,
			Message: "httpd ignores what stands behind the flags: " + quote(extra) + " does nothing"})
	}
}

func secondBlock(p *lint.Pass, d *lint.Directive, table map[string]flagInfo, list []flag, s source.Span, extra string) {
	end := strings.IndexByte(extra, ']')
	message := "httpd reads only the first bracket list; " + quote(extra) + " is dropped"
	if end < 0 {
		p.Report(s, message)
		return
	}
	message = "httpd reads only the first bracket list; " + quote(extra[:end+1]) + " is dropped"
	second := splitFlags(extra[1:end], 0)
	if _, last := hasFlag(table, second, "L"); last {
		message += " and later rules still run"
	} else if _, or := hasFlag(table, second, "OR"); or {
		message += ", so the conditions must all hold"
	} else if _, nc := hasFlag(table, second, "NC"); nc {
		message += ", so letter case counts"
	}
	w, _ := flagWord(d)
	s.End = s.Start + int32(end+1)
	var fixes []diag.Fix
	if validFlags(table, second) && w.Quote == 0 {
		merged := append([]flag(nil), list...)
		for _, f := range second {
			if _, dup := hasFlag(table, list, canonicalFlag(table, f.name)); !dup {
				merged = append(merged, f)
			}
		}
		fixes = append(fixes, diag.Fix{Title: "merge the two lists", Safety: diag.Risky,
			Edits: source.Replace(source.Span{Start: w.Span.Start, End: s.End}, joinFlags(merged))})
	}
	p.Report(s, message, fixes...)
}
