package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var unknownFileTest = lint.Rule{
	Code: "RD028", ID: "unknown-file-test", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "there is no such file test",
		Text: "mod_rewrite knows `-f -d -s -l -L -h -x -U -F`. Any other letter makes a regular expression of two characters: " +
			"`!-e` asks whether the text `-e` is not in the file's name, which holds for files that exist as well. " +
			"nginx knows `-f -d -e -x` and refuses others.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-e\nRewriteRule ^ /index.php [L]\n",
				After: "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule ^ /index.php [L]\n"},
			{Server: ir.Nginx, Before: "if (!-s $request_filename) {\n    return 404;\n}\n", After: "if (!-e $request_filename) {\n    return 404;\n}\n"},
		},
		Source: "httpd mod_rewrite.c, cmd_rewritecond; nginx ngx_http_rewrite_module.c, ngx_http_rewrite_if_condition",
	},
	Explains: []string{"RD028", "RD021", "RD029"}, Precedence: 54,
	Explain:   explainFileTest,
	Directive: checkFileTest,
}

// fileTests are the letters of mod_rewrite's file tests. Source: httpd mod_rewrite.c, cmd_rewritecond.
const fileTests = "fdslLhxUF"

func checkFileTest(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Apache || d.Refused || !d.Is("RewriteCond") || len(d.Args) < 2 || strings.EqualFold(d.Arg(0), "expr") {
		return
	}
	w := d.Args[1]
	text, ok := plain(p, w)
	if !ok {
		return
	}
	test, negated := strings.CutPrefix(text, "!")
	filename := strings.Contains(strings.ToUpper(d.Arg(0)), "FILENAME}") || strings.Contains(strings.ToUpper(d.Arg(0)), "DOCUMENT_ROOT}")
	at := w.Inner()
	switch {
	case len(test) == 2 && test[0] == '-' && isLetters(test[1:]) && strings.IndexByte(fileTests, test[1]) < 0:
		message := "httpd has no " + quote(test) + " test; it searches the text \"" + test + "\" in the test string"
		if negated {
			message += ", so this is true for files that exist too"
		} else {
			message += ", so this is as good as never true"
		}
		p.Report(at, message, fileTestFixes(p, d, at, test[1], negated)...)
	case filename && len(test) == 1 && (test == "f" || test == "d" || test == "s" || test == "l") && w.Quote == 0:
		right := "-" + test
		if negated {
			right = "!" + right
		}
		p.Report(at, "without a dash this is no file test: httpd searches the letter "+quote(test)+" in the file's name",
			write(diag.Risky, at, right))
	}
}

// fileTestFixes writes -e as tests for a file and a directory, and a letter in the wrong case as the right one.
func fileTestFixes(p *lint.Pass, d *lint.Directive, at source.Span, letter byte, negated bool) []diag.Fix {
	if letter == 'D' || letter == 'S' || letter == 'X' {
		right := "-" + strings.ToLower(string(letter))
		if negated {
			right = "!" + right
		}
		return []diag.Fix{write(diag.Risky, at, right)}
	}
	line := raw(p, d.Line)
	if letter != 'e' || strings.Contains(line, "\n") {
		return nil
	}
	// Both conditions keep the flags; the first needs OR when either will do.
	before, after := raw(p, source.Span{Start: d.Line.Start, End: at.Start}), raw(p, source.Span{Start: at.End, End: d.Line.End})
	if !negated && strings.Contains(after, "[") {
		return nil
	}
	if negated && strings.Contains(strings.ToUpper(after), "OR") {
		return nil
	}
	first, second := before+"!-f"+after, before+"!-d"+after
	title := "test for a file and for a directory"
	if !negated {
		first, second = before+"-f [OR]"+after, before+"-d"+after
	}
	return []diag.Fix{{Title: title, Safety: diag.Risky,
		Edits: source.Replace(d.Line, first+newline(p.File, d.Line.Start)+indentation(p.File, d.Line.Start)+second)}}
}

func explainFileTest(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil || at.Server != ir.Nginx || !at.Is("if") || len(at.Args) == 0 {
		return d, false
	}
	w := at.Args[0]
	text := raw(p, w.Span)
	i := strings.IndexByte(text, '-')
	if i < 0 || strings.Trim(text[:i], "(!") != "" || len(text) != i+2 || !isLetters(text[i+1:]) || strings.IndexByte("fdex", text[i+1]) >= 0 {
		return d, false
	}
	start := w.Span.Start + int32(i)
	d.Span = source.Span{Start: start, End: start + 2}
	d.Message = "nginx has no file test " + quote(text[i:]) + "; it knows -f, -d, -e and -x; " + p.Refusal()
	if text[i+1] == 's' || text[i+1] == 'r' {
		d.Fixes = []diag.Fix{write(diag.Risky, d.Span, "-e")}
	}
	return d, true
}
