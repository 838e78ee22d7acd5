package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var unknownStatusWord = lint.Rule{
	Code: "RD009", ID: "unknown-status-word", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "httpd does not know this word for a status",
		Text: "The words are `permanent` (301), `temp` (302) and `seeother` (303); Redirect and RedirectMatch also know `gone`. " +
			"In `[R=…]` any other word is accepted and sends 302. `Redirect WORD /a /b` is refused, and `Redirect WORD /a` takes the " +
			"word for a path, which no request has because it does not begin with a slash.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=permanant,L]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=permanent,L]\n"}, {Server: ir.Apache,
			Before: "Redirect permanant /a /b\n",
			After:  "Redirect permanent /a /b\n"}},
		Source: "httpd mod_rewrite.c, cmd_rewriterule_setflag; mod_alias.c, add_redirect_internal",
	},
	Explains: []string{"RD009", "RD029", "RD026", "RD613"}, Precedence: 20,
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if at == nil || !at.Is("Redirect", "RedirectMatch") || len(at.Args) != 3 || isRedirectStatus(at.Arg(0)) || !isLetters(at.Arg(0)) {
			return d, false
		}
		w := at.Args[0]
		d.Span = w.Span
		d.Message = at.Name.Text + " knows no status " + quote(w.Text) + "; " + p.Refusal()
		if word := statusWord(w.Text, redirectWords); word != "" {
			d.Message = at.Name.Text + " knows no status " + quote(w.Text) + "; did you mean " + quote(word) + "? " + p.Refusal()
			d.Fixes = []diag.Fix{write(diag.Safe, w.Inner(), word)}
		}
		return d, true
	},
	Directive: checkUnknownStatusWord,
}

var (
	rewriteWords  = []string{"permanent", "temp", "seeother"}
	redirectWords = []string{"permanent", "temp", "seeother", "gone"}
	// statusSynonyms are words people write for the ones httpd knows.
	statusSynonyms = map[string]string{"temporary": "temp", "perm": "permanent", "permanently": "permanent", "temporarily": "temp",
		"found": "temp", "moved": "permanent", "see-other": "seeother", "see_other": "seeother", "tmp": "temp"}
)

// statusWord is the word that was meant; empty when none or several are near.
func statusWord(w string, words []string) string {
	if s := statusSynonyms[strings.ToLower(w)]; s != "" {
		return s
	}
	if near := lint.Nearest(w, words); len(near) == 1 {
		return near[0]
	}
	return ""
}

func checkUnknownStatusWord(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Apache || d.Refused {
		return
	}
	if d.Is("Redirect", "RedirectMatch") {
		w := d.Arg(0)
		// A pattern of RedirectMatch may be any word.
		if len(d.Args) != 2 || !isLetters(w) || isRedirectStatus(w) || d.Is("RedirectMatch") && len(lint.Nearest(w, redirectWords)) != 1 {
			return
		}
		message := d.Name.Text + " knows no status " + quote(w) + " and takes it for a path; no path is without a leading slash, so nothing is redirected"
		var fixes []diag.Fix
		if word := statusWord(w, redirectWords); word != "" {
			fixes = append(fixes, write(diag.Risky, d.Args[0].Inner(), word))
		}
		p.Report(d.Args[0].Span, message, fixes...)
		return
	}
	if !d.Is("RewriteRule") {
		return
	}
	list, ok := readFlags(p, d)
	if !ok {
		return
	}
	for _, f := range list {
		v := f.value
		if canonicalFlag(ruleFlags, f.name) != "R" || v == "" || startsWithDigit(v) || strings.ContainsAny(v, "%$") {
			continue
		}
		known := false
		for _, word := range rewriteWords {
			known = known || strings.EqualFold(v, word)
		}
		if _, _, separator := separatorIn(f); known || separator {
			continue
		}
		message := "httpd does not know " + quote(v) + " and silently sends 302"
		var fixes []diag.Fix
		if word := statusWord(v, rewriteWords); word != "" {
			message += "; write " + quote(word)
			if word == "permanent" {
				message += " or 301"
			}
			fixes = append(fixes, write(diag.Risky, f.valSet, word))
		}
		p.Report(f.valSet, message, fixes...)
	}
}
