package rules

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestCorpus runs all rules over a folder of real configurations, when REWRIGHT_CORPUS names one: no file that the
// server accepts may have a finding that says it is refused, and a refused file must have an error. With
// REWRIGHT_CORPUS_OUT set the findings are written there, one a line, and the counts for testdata/rules.tsv beside it.
//
// The folder holds apache-accepts.tsv and nginx-accepts.tsv: file, "ok" or "error", … (see columns below).
func TestCorpus(t *testing.T) {
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configurations")
	}
	type file struct {
		name, message, class string
		accepted             bool
	}
	var files []file
	var inputs []lint.Input
	read := func(list string, context func(cells []string) (ir.Server, ir.Context), message, class int) {
		f, err := os.Open(filepath.Join(root, list))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			cells := strings.Split(lines.Text(), "\t")
			if len(cells) < 5 || cells[0] == "file" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, cells[0]))
			if err != nil {
				t.Fatal(err)
			}
			server, where := context(cells)
			if where == "" {
				continue
			}
			if len(cells) > 2 && cells[2] == "main+events" {
				text = append(text, "\nevents {}\n"...)
			}
			files = append(files, file{cells[0], cells[message], cells[class], cells[1] == "ok"})
			inputs = append(inputs, lint.Input{File: source.NewFile(cells[0], text), Server: server, Context: where})
		}
	}
	read("apache-accepts.tsv", func(c []string) (ir.Server, ir.Context) {
		if c[3] == "htaccess" {
			return ir.Apache, ir.ContextHtaccess
		}
		return ir.Apache, ir.ContextServer
	}, 2, 4)
	read("nginx-accepts.tsv", func(c []string) (ir.Server, ir.Context) {
		switch c[2] {
		case "http":
			return ir.Nginx, ir.ContextHTTP
		case "server":
			return ir.Nginx, ir.ContextServer
		case "location":
			return ir.Nginx, ir.ContextLocation
		case "types":
			return ir.Nginx, ""
		}
		return ir.Nginx, ir.ContextMain
	}, 3, 4)
	r, err := lint.Run(context.Background(), lint.Options{Rules: All()}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	byFile := map[string][]diag.Diagnostic{}
	counts, inFiles := map[string]int{}, map[string]int{}
	for _, d := range r.Findings {
		first := true
		for _, e := range byFile[d.File.Name] {
			first = first && e.Code != d.Code
		}
		if first {
			inFiles[d.Code]++
		}
		byFile[d.File.Name] = append(byFile[d.File.Name], d)
		counts[d.Code]++
	}
	var out, missed strings.Builder
	wrong, refused, caught := 0, 0, 0
	for _, f := range files {
		says := 0
		for _, d := range byFile[f.name] {
			if d.Refuses {
				says++
			}
			if d.Refuses != saysRefused(d) {
				t.Errorf("%s: refuses is %v, but the message says: %s", f.name, d.Refuses, describe(d))
			}
			fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%v\t%s\t%s\n", f.name, d.File.Position(d.Span.Start), d.Code, d.Severity, d.Refuses,
				strings.TrimSpace(d.File.Slice(d.File.LineSpan(d.File.Line(d.Span.Start)))), d.Message)
		}
		if f.accepted && says > 0 {
			wrong++
			t.Errorf("%s is accepted, but: %s", f.name, describe(firstRefusal(byFile[f.name])))
		}
		if !f.accepted {
			refused++
			if says > 0 {
				caught++
			} else {
				fmt.Fprintf(&missed, "%s\t%s\t%s\n", f.name, f.class, f.message)
			}
		}
	}
	t.Logf("%d files, %d wrongly called refused; %d of %d refused files named", len(files), wrong, caught, refused)
	var tsv strings.Builder
	for _, code := range sortedCodes(counts) {
		fmt.Fprintf(&tsv, "%s\t%d\t%d\n", code, counts[code], inFiles[code])
	}
	if path := os.Getenv("REWRIGHT_CORPUS_OUT"); path != "" {
		for suffix, text := range map[string]string{"": out.String(), ".missed": missed.String(), ".counts": tsv.String()} {
			if err := os.WriteFile(path+suffix, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func firstRefusal(list []diag.Diagnostic) diag.Diagnostic {
	for _, d := range list {
		if d.Refuses {
			return d
		}
	}
	return diag.Diagnostic{}
}
