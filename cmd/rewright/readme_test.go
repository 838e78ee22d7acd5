package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rewright/lint"
	"rewright/lint/rules"
)

// TestReadme runs the commands of README.md's console blocks in the root of the project and compares what they
// print with what stands there. With -update the README is rewritten.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const open, shut = "```console\n", "\n```"
	rest, out, ran := string(text), "", 0
	for {
		before, after, ok := strings.Cut(rest, open)
		if !ok {
			out += rest
			break
		}
		block, tail, ok := strings.Cut(after, shut)
		if !ok {
			t.Fatal("a console block is not closed")
		}
		command, _, _ := strings.Cut(block, "\n")
		args, ok := strings.CutPrefix(command, "$ rewright ")
		if !ok {
			t.Fatalf("a console block begins with %q", command)
		}
		var got bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &got, err: &got, now: func() time.Time { return time.Unix(0, 0) }}
		a.run(strings.Fields(args))
		printed := strings.TrimRight(command+"\n"+got.String(), "\n")
		if diff := cmp.Diff(block, printed); diff != "" && !*update {
			t.Errorf("%s prints something else (-README +now):\n%s", command, diff)
		}
		out += before + open + printed + shut
		rest = tail
		ran++
	}
	if ran < 3 {
		t.Errorf("README.md has %d console blocks, at least 3 are expected", ran)
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadmeConfig reads the .rewright.yaml that README.md shows.
func TestReadmeConfig(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "```yaml\nhosts:")
	block, _, closed := strings.Cut(after, "```")
	if !ok || !closed {
		t.Fatal("README.md shows no .rewright.yaml")
	}
	c, err := lint.ParseConfig("README.md", []byte("hosts:"+block), rules.All())
	if err != nil {
		t.Fatal(err)
	}
	if s := c.For("shop/a/.htaccess"); len(s.Hosts) != 1 || s.MaxHops != 1 || !s.FilesComplete {
		t.Errorf("%+v", s)
	}
}

var update = flag.Bool("update", false, "rewrite the expected output")
