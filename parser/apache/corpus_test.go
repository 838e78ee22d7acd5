package apache

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// elsewhere are refusals that the text alone cannot tell: files, modules and directories of the server that was asked.
var elsewhere = regexp.MustCompile(`Could not open|Mutex directory|No matches for the wildcard|Cannot find module|used on line`)

// TestCorpus reads real files, kept outside the project: folder of REWRIGHT_CORPUS, with apache-accepts.tsv saying what
// httpd said of each.
func TestCorpus(t *testing.T) {
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS is not set")
	}
	table, err := os.Open(filepath.Join(root, "apache-accepts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	r := csv.NewReader(table)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused, told, alarms := 0, 0, 0, 0
	lineOf := regexp.MustCompile(`^line (\d+): `)
	for _, row := range rows[1:] {
		name, status, message, context := row[0], row[1], row[2], row[3]
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		tree := Parse(source.NewFile(name, text))
		if !bytes.Equal(tree.Print(), text) {
			t.Errorf("%s does not print back", name)
		}
		env := Env{Context: ir.ContextHtaccess}
		if context != "htaccess" {
			env.Context = ir.ContextServer
		}
		if context == "Directory" {
			file := source.NewFile(name, text)
			env.Open = func(string) (*source.File, error) { return file, nil }
			tree = Parse(source.NewFile("", []byte("<Directory /tmp>\nInclude it\n</Directory>\n")))
		}
		cfg := Read(tree, env)
		first := firstRefusal(cfg)
		if status == "ok" {
			accepted++
			if first != nil {
				alarms++
				t.Errorf("%s: httpd takes it, reading says line %d: %s (%s)", name, first.File.Line(first.Span.Start), first.ServerMessage, first.Name)
			}
			continue
		}
		if elsewhere.MatchString(message) {
			continue
		}
		refused++
		want, line := message, 0
		if m := lineOf.FindStringSubmatch(message); m != nil {
			line, _ = strconv.Atoi(m[1])
			want = message[len(m[0]):]
		}
		switch {
		case first == nil:
			t.Logf("%s: httpd says %q, reading takes it", name, message)
		case line != 0 && first.File.Line(first.Span.Start) != line && first.File.Line(first.Span.End) != line:
			t.Logf("%s: httpd says %q, reading says line %d: %s", name, message, first.File.Line(first.Span.Start), first.ServerMessage)
		default:
			told++
			if first.ServerMessage != want && !strings.Contains(want, "was not closed") {
				t.Logf("%s: httpd says %q, reading says %q", name, want, first.ServerMessage)
			}
		}
	}
	t.Logf("%d accepted files, %d false alarms; %d refused ones, %d told at their line", accepted, alarms, refused, told)
	if told*100 < refused*95 {
		t.Errorf("only %d of %d refusals are told at their line", told, refused)
	}
}
