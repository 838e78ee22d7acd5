package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// action is what action.yml says, as far as it is tried here.
type action struct {
	Inputs map[string]struct{ Description, Default string }
	Runs   struct {
		Using string
		Steps []struct {
			Name, ID, Uses, Shell, Run string
			Env                        map[string]string
			Dir                        string `yaml:"working-directory"`
		}
	}
}

// TestAction runs the steps of the GitHub action in a scratch folder as a runner would, and shellcheck over them.
func TestAction(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if a.Runs.Using != "composite" || len(a.Runs.Steps) != 3 {
		t.Fatalf("%+v", a.Runs)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	lint := a.Runs.Steps[2]
	if a.Runs.Steps[1].Dir != "${{ github.action_path }}" {
		t.Errorf("built in %q", a.Runs.Steps[1].Dir)
	}
	if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
		build := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", a.Runs.Steps[1].Run)
		build.Dir, build.Env = root, append(os.Environ(), "RUNNER_TEMP="+temp)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	} else { // this test is the program; a build takes its time
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		script := "#!/bin/sh\n" + asProgram + "=1 exec '" + self + "' \"$@\"\n"
		if err := os.WriteFile(filepath.Join(temp, "rewright"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		inputs map[string]string
		fails  bool
		out    string
		report string // file of the SARIF report; empty: none
	}{
		{"bad", nil, true, "::error file=bad/.htaccess,line=1,", "rewright.sarif"},
		{"good", map[string]string{"paths": "good\nwith blank\n"}, false, "", "rewright.sarif"},
		{"arguments", map[string]string{"args": "--ignore RD003 --no-config", "sarif-file": ""}, false, "", ""},
		{"never", map[string]string{"fail-on": "never", "sarif-file": "out.sarif"}, false, "::error file=bad/.htaccess", "out.sarif"},
		{"a path that is none", map[string]string{"paths": "nowhere"}, true, "nowhere", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"bad/.htaccess": "RewriteRule ^a$ /b [R=301, L]\n", "good/.htaccess": "RewriteEngine On\n", "with blank/.htaccess": "RewriteEngine On\n"} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			output := filepath.Join(t.TempDir(), "output")
			cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lint.Run)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+output)
			for name, value := range lint.Env {
				input := strings.TrimSuffix(strings.TrimPrefix(value, "${{ inputs."), " }}")
				in, ok := a.Inputs[input]
				if !ok {
					t.Fatalf("%s is made of %q, which is no input", name, value)
				}
				value = in.Default
				if said, ok := c.inputs[input]; ok {
					value = said
				}
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			out, err := cmd.CombinedOutput()
			if (err != nil) != c.fails || !strings.Contains(string(out), c.out) {
				t.Errorf("%v\n%s", err, out)
			}
			report, readErr := os.ReadFile(filepath.Join(dir, c.report))
			if c.report != "" && (readErr != nil || !strings.Contains(string(report), `"2.1.0"`)) {
				t.Errorf("no SARIF: %v", readErr)
			}
			if said, _ := os.ReadFile(output); c.report != "" && string(said) != "sarif-file="+c.report+"\n" {
				t.Errorf("outputs %q", said)
			}
		})
	}
	t.Run("shellcheck", func(t *testing.T) {
		if _, err := exec.LookPath("shellcheck"); err != nil {
			if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		for _, s := range a.Runs.Steps[1:] {
			cmd := exec.Command("shellcheck", "-s", "bash", "-")
			cmd.Stdin = strings.NewReader(s.Run)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", s.Name, err, out)
			}
		}
	})
}
