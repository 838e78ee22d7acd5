package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"rewright/parser/probe"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	askedLine  = regexp.MustCompile(`^# .*:\d+ RD\d{3} [a-z0-9-]+: .+ \((safe|risky)\)$`)
	changeLine = regexp.MustCompile(`^#   (([A-Z]+ \S+.*: .+ → .+)|no request that was tried is answered otherwise|the server refuses the file still, .+)$`)
)

// patchFiles are configurations with something to fix: the firing fixtures of the rules, and at most as many of the folder that
// REWRIGHT_CORPUS names, evenly.
func patchFiles(t *testing.T, most int) []string {
	t.Helper()
	fixtures, err := filepath.Glob("../../testdata/rules/*/firing*")
	if err != nil || len(fixtures) == 0 {
		t.Fatal("no fixtures", err)
	}
	out := probe.Spread(fixtures, most)
	if root := os.Getenv("REWRIGHT_CORPUS"); root != "" {
		var real []string
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && (strings.HasSuffix(path, "htaccess") || strings.HasSuffix(path, ".conf")) {
				real = append(real, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, probe.Spread(real, most)...)
	}
	return out
}

// TestPatches holds the patches of rewright fix against git: it takes each, and above every hunk stands which rule asked for it
// and, where a fix is named first, what it changes for which request.
func TestPatches(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	var names []string
	for _, f := range patchFiles(t, 60) {
		abs, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, abs)
	}
	t.Chdir(t.TempDir())
	if out, err := exec.Command(git, "init", "-q", ".").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	patches, hunks, changes := 0, 0, 0
	for _, from := range names {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(from)
		switch filepath.Ext(name) { // what lint goes by
		case ".htaccess", ".conf":
		case ".vhost", ".httpd":
			name = "httpd-" + strings.TrimSuffix(name, filepath.Ext(name)) + ".conf"
		default:
			name = "nginx-" + strings.TrimSuffix(name, filepath.Ext(name)) + ".conf"
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		var patch, errs bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &patch, err: &errs, now: time.Now}
		status := a.run([]string{"fix", "--unsafe", name})
		if patch.Len() == 0 {
			if status == exitFindings {
				t.Errorf("%s: status 1 and no patch", from)
			}
			os.Remove(name)
			continue
		}
		patches++
		check := exec.Command(git, "apply", "--check", "-")
		check.Stdin = bytes.NewReader(patch.Bytes())
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: git apply --check: %s\n%s", from, out, patch.Bytes())
		}
		h, c, problem := readPatch(patch.String())
		if problem != "" {
			t.Errorf("%s: %s\n%s", from, problem, patch.Bytes())
		}
		hunks, changes = hunks+h, changes+c
		os.Remove(name)
	}
	t.Logf("%d patches of %d files, %d hunks, %d requests that are answered otherwise", patches, len(names), hunks, changes)
	if patches < 30 || changes < patches/2 {
		t.Errorf("%d patches with %d changes: too few to say anything", patches, changes)
	}
}

// readPatch counts the hunks of a patch and the changes of answers that are told, and says what is missing above one.
func readPatch(patch string) (hunks, changes int, problem string) {
	var above []string
	var told []string
	left := [2]int{} // lines of the hunk that are still to come
	for _, line := range strings.Split(patch, "\n") {
		switch {
		case left[0] > 0 || left[1] > 0:
			if line == "" || line[0] == ' ' || line[0] == '-' {
				left[0]--
			}
			if line == "" || line[0] == ' ' || line[0] == '+' {
				left[1]--
			}
		case strings.HasPrefix(line, "# "):
			above = append(above, line)
		case strings.HasPrefix(line, "@@ "):
			hunks++
			left = hunkLengths(line)
			asked := false
			for i, a := range above {
				if !askedLine.MatchString(a) {
					continue
				}
				asked = true
				if slices.Contains(told, a) {
					continue
				}
				told = append(told, a)
				n := 0
				for _, c := range above[i+1:] {
					if askedLine.MatchString(c) {
						break
					}
					if !changeLine.MatchString(c) {
						return hunks, changes, "this tells no change: " + c
					}
					n++
					if strings.Contains(c, " → ") {
						changes++
					}
				}
				if n == 0 {
					return hunks, changes, "nothing is told of " + a
				}
			}
			if !asked {
				return hunks, changes, "no rule is named above " + line
			}
			above = nil
		}
	}
	return hunks, changes, ""
}

// hunkLengths are the lines before and after of "@@ -1,4 +1,5 @@".
func hunkLengths(head string) (n [2]int) {
	for i, f := range strings.Fields(head)[1:3] {
		n[i] = 1
		if _, length, ok := strings.Cut(f, ","); ok {
			n[i] = 0
			for _, c := range length {
				n[i] = n[i]*10 + int(c-'0')
			}
		}
	}
	return n
}
