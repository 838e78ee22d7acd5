package rules

import (
	"bytes"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/apache"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var untidy = lint.Rule{
	Code: "RD901", ID: "untidy", Severity: diag.Style, Off: true, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "spelling that means the same and reads worse",
		Text: "Names of directives are written as the manual does, flags in upper case and in one order, codes as numbers; no blanks at the end of a line, one " +
			"kind of line end, and one at the end of the file; in nginx one blank between words and none before the semicolon.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nReWriteRule ^a$ /b [l,r=permanent]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return  301   /b ;\n", After: "return 301 /b;\n"},
		},
		Source: "taste; httpd mod_rewrite.c, cmd_parseflagfield: letter case and order of these flags do not count",
	},
	File:      untidyFile,
	Directive: untidyDirective,
}

func untidyFile(p *lint.Pass) {
	text := p.File.Text
	if len(text) == 0 {
		return
	}
	crlf, lf := bytes.Count(text, []byte("\r\n")), bytes.Count(text, []byte("\n"))
	lf -= crlf
	if crlf > 0 && lf > 0 {
		want, edits, at := "\n", []source.Edit(nil), source.Span{Start: -1}
		if crlf > lf {
			want = "\r\n"
		}
		for i := 0; i < len(text); i++ {
			if text[i] != '\n' {
				continue
			}
			s := source.NewSpan(i, i+1)
			if i > 0 && text[i-1] == '\r' {
				s.Start--
			}
			if string(text[s.Start:s.End]) != want {
				if at.Start < 0 {
					at = s
				}
				edits = append(edits, source.Replace(s, want)...)
			}
		}
		p.Report(at, "some lines end in CR LF and some in LF", diag.Fix{Title: "end all lines alike", Safety: diag.Safe, Edits: edits})
	}
	if last := len(text); text[last-1] != '\n' && text[last-1] != '\\' {
		end := "\n"
		if crlf > lf {
			end = "\r\n"
		}
		p.Report(source.NewSpan(last-1, last), "the last line has no end", diag.Fix{Title: "end the last line", Safety: diag.Safe, Edits: source.Insert(int32(last), end)})
	}
}

// trailing reports blanks between the end of a directive and the end of its line.
func trailing(p *lint.Pass, d *lint.Directive) {
	text := p.File.Text
	end := int(d.Line.End)
	i := end
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	if i > end && (i == len(text) || text[i] == '\n' || text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n') && (end == 0 || text[end-1] != '\\') {
		s := source.NewSpan(end, i)
		p.Report(s, "blanks at the end of the line", diag.Fix{Title: "take the blanks away", Safety: diag.Safe, Edits: source.Replace(s, "")})
	}
}

func untidyDirective(p *lint.Pass, d *lint.Directive) {
	if d.Refused {
		return
	}
	trailing(p, d)
	if d.Server == ir.Nginx {
		untidyBlanks(p, d)
		return
	}
	name := d.Name.Text
	if d.Section {
		name = "<" + name
	}
	if spec := apache.LookupSpec(name); spec != nil && raw(p, d.Name.Span) == d.Name.Text {
		if known := strings.TrimPrefix(spec.Name, "<"); known != d.Name.Text {
			p.Report(d.Name.Span, "the manual writes "+quote(known), write(diag.Safe, d.Name.Span, known))
		}
	}
	if d.Is("RewriteRule") {
		untidyFlags(p, d)
	}
}

// flagOrder is the order in which flags are written that have nothing to do with one another.
var flagOrder = []string{"R", "NE", "QSA", "QSD", "NC", "L"}

func untidyFlags(p *lint.Pass, d *lint.Directive) {
	list, ok := readFlags(p, d)
	if !ok || !validFlags(ruleFlags, list) {
		return
	}
	out := make([]flag, 0, len(list))
	plainOrder := true
	seen := map[string]bool{}
	for _, f := range list {
		short := canonicalFlag(ruleFlags, f.name)
		plainOrder = plainOrder && slices.Contains(flagOrder, short) && !seen[short]
		seen[short] = true
		g := flag{text: short}
		if f.hasEq {
			value := f.value
			if short == "R" {
				switch strings.ToLower(value) {
				case "permanent":
					value = "301"
				case "temp":
					value = "302"
				case "seeother":
					value = "303"
				}
			}
			g.text += "=" + value
		}
		g.name = short
		out = append(out, g)
	}
	if plainOrder {
		slices.SortStableFunc(out, func(a, b flag) int { return slices.Index(flagOrder, a.name) - slices.Index(flagOrder, b.name) })
	}
	w, _ := flagWord(d)
	now, _ := plain(p, w)
	if want := joinFlags(out); want != now {
		p.Report(w.Inner(), "flags are written "+quote(want), write(diag.Safe, w.Inner(), want))
	}
}

// untidyBlanks reports more than one blank between words of one line, and blanks before the semicolon.
func untidyBlanks(p *lint.Pass, d *lint.Directive) {
	if d.NoEnd {
		return
	}
	words := append([]lint.Word{d.Name}, d.Args...)
	var edits []source.Edit
	at := source.Span{Start: -1}
	tidy := func(from, to int32, want string) {
		s := source.Span{Start: from, End: to}
		text := raw(p, s)
		if text == want || strings.Trim(text, " \t") != "" {
			return // line ends and comments between words are the author's layout
		}
		if at.Start < 0 {
			at = s
		}
		edits = append(edits, source.Replace(s, want)...)
	}
	for i := 1; i < len(words); i++ {
		tidy(words[i-1].Span.End, words[i].Span.Start, " ")
	}
	if end := d.Line.End - 1; !d.Section && end >= 0 && p.File.Text[end] == ';' {
		tidy(words[len(words)-1].Span.End, end, "")
	}
	if len(edits) > 0 {
		p.Report(at, "more blanks than are needed", diag.Fix{Title: "take the blanks away", Safety: diag.Safe, Edits: edits})
	}
}
