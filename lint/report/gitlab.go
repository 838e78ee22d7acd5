package report

import (
	"io"

	"rewright/parser/diag"
)

// GitLab is the report of GitLab's merge requests: a code quality artifact, one JSON array.
// Source: GitLab Docs, "Code Quality", report format.
type GitLab struct {
	w      io.Writer
	o      Options
	n      int
	prints fingerprinter
}

// NewGitLab makes a report on w.
func NewGitLab(w io.Writer, o Options) *GitLab { return &GitLab{w: w, o: o} }

type gitLabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitLabLocation `json:"location"`
}

type gitLabLocation struct {
	Path  string      `json:"path"`
	Lines gitLabLines `json:"lines"`
}

type gitLabLines struct {
	Begin int `json:"begin"`
	End   int `json:"end"`
}

var gitLabSeverities = [...]string{diag.Style: "info", diag.Info: "minor", diag.Warning: "major", diag.Error: "critical"}

func (g *GitLab) Write(d diag.Diagnostic) error {
	severity := gitLabSeverities[d.Severity]
	if d.Refuses {
		severity = "blocker"
	}
	text, err := compact(gitLabIssue{d.Code + " " + d.Name + ": " + prose(&d), d.Code, g.prints.hash(&d, &g.o), severity,
		gitLabLocation{g.o.path(&d), gitLabLines{d.File.Line(d.Span.Start), d.File.Line(d.Span.End)}}})
	if err != nil {
		return err
	}
	opening := ",\n"
	if g.n == 0 {
		opening = "[\n"
	}
	g.n++
	_, err = io.WriteString(g.w, opening+text)
	return err
}

// Close ends the array.
func (g *GitLab) Close() error {
	end := "\n]\n"
	if g.n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(g.w, end)
	return err
}
