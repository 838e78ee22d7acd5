package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// hook is one entry of .pre-commit-hooks.yaml.
type hook struct {
	ID, Entry, Language, Files string
	Types                      []string
}

func hooks(t *testing.T) map[string]hook {
	t.Helper()
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []hook
	if err := yaml.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]hook{}
	for _, h := range list {
		out[h.ID] = h
	}
	return out
}

// The hooks take files by the names that servers and people give them.
func TestHookFiles(t *testing.T) {
	list := hooks(t)
	if len(list) != 2 {
		t.Fatalf("%d hooks", len(list))
	}
	for id, h := range list {
		files := regexp.MustCompile(h.Files)
		for _, name := range strings.Fields(".htaccess a/b/.htaccess prod.htaccess htaccess.txt htaccess _htaccess .htaccess.dist httpd.conf apache2.conf " +
			"etc/apache2/sites-available/000-default etc/apache2/conf-enabled/security.conf nginx.conf conf.d/site.conf nginx/conf.d/site my.nginx snippets/ssl a.vhost HTTPD.CONF") {
			if !files.MatchString(name) {
				t.Errorf("%s leaves out %s", id, name)
			}
		}
		for _, name := range strings.Fields("readme.md htaccess/readme.md config.yaml a.conf.md sites-available/a/b.md index.php myhtaccess") {
			if files.MatchString(name) {
				t.Errorf("%s takes %s", id, name)
			}
		}
	}
}

// The Git hook that README.md shows is the one that the story lint-git-hook tries.
func TestGitHook(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	story, err := os.ReadFile("../../testdata/cli/lint-git-hook.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, hook, ok := strings.Cut(string(readme), "```sh\n#!/bin/sh\n")
	hook, _, closed := strings.Cut(hook, "```\n")
	if !ok || !closed || !strings.Contains(string(story), "-- hook.sh --\n#!/bin/sh\n"+hook+"-- ") {
		t.Errorf("the hook of README.md is not the one that is tried:\n%s", hook)
	}
}

// TestPreCommit has the real pre-commit install the hooks from a clone and guard a scratch repository: a bad commit is stopped,
// the fix hook repairs it and says so, the good one passes. It builds the program once more, so it runs only where
// REWRIGHT_REQUIRE_SERVERS=1 asks for everything.
func TestPreCommit(t *testing.T) {
	if os.Getenv("REWRIGHT_REQUIRE_SERVERS") != "1" {
		t.Skip("REWRIGHT_REQUIRE_SERVERS=1 is not set")
	}
	for _, tool := range []string{"git", "go", "pre-commit"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(err)
		}
	}
	goEnv := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	env := append(os.Environ(), "PRE_COMMIT_HOME="+t.TempDir(), "PRE_COMMIT_COLOR=never", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		// what is here is enough: the hook's build needs no network
		"GOMODCACHE="+goEnv("GOMODCACHE"), "GOCACHE="+goEnv("GOCACHE"), "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	run := func(dir string, args ...string) (string, error) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(dir string, args ...string) string {
		t.Helper()
		out, err := run(dir, args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(out)
	}
	project := t.TempDir()
	copyProject(t, must("../..", "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), project)
	must(project, "git", "init", "-q")
	must(project, "git", "add", "-A")
	must(project, "git", "commit", "-qm", "hooks")
	rev := must(project, "git", "rev-parse", "HEAD")

	site := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(site, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".pre-commit-config.yaml", fmt.Sprintf("repos:\n  - repo: %s\n    rev: %s\n    hooks:\n      - id: rewright\n        language_version: system\n"+
		"      - id: rewright-fix\n        language_version: system\n        stages: [manual]\n", project, rev))
	write(".htaccess", "RewriteEngine On\nRewriteRule ^a$ /b [R=301, L]\n")
	write("app.conf", "[server]\nport = 80\n")
	must(site, "git", "init", "-q")
	must(site, "pre-commit", "install")
	must(site, "git", "add", "-A")
	out, err := run(site, "git", "commit", "-m", "bad")
	if err == nil || !strings.Contains(out, ".htaccess:2:20: error RD003 space-in-flags") || strings.Contains(out, "app.conf") {
		t.Fatalf("the bad commit: %v\n%s", err, out)
	}
	out, err = run(site, "pre-commit", "run", "--hook-stage", "manual", "rewright-fix")
	text, readErr := os.ReadFile(filepath.Join(site, ".htaccess"))
	if err == nil || !strings.Contains(out, "files were modified by this hook") || readErr != nil || !bytes.Contains(text, []byte("[R=301,L]")) {
		t.Fatalf("the fix hook: %v, %v\n%s\n%s", err, readErr, out, text)
	}
	must(site, "git", "add", "-A")
	if out, err = run(site, "git", "commit", "-m", "good"); err != nil {
		t.Fatalf("the good commit: %v\n%s", err, out)
	}
}

// copyProject copies what a build needs of the files that git names.
func copyProject(t *testing.T, names, to string) {
	t.Helper()
	for _, name := range strings.Split(strings.Trim(names, "\x00"), "\x00") {
		if strings.HasPrefix(name, "testdata/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
