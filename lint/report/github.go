package report

import (
	"fmt"
	"io"
	"strings"

	"rewright/parser/diag"
)

// GitHub is the report of GitHub Actions: one workflow command a line, which becomes an annotation of the file.
// Source: GitHub Docs, "Workflow commands", and the runner's ActionCommand for what is escaped.
type GitHub struct {
	w io.Writer
	o Options
}

// NewGitHub makes a report on w.
func NewGitHub(w io.Writer, o Options) *GitHub { return &GitHub{w, o} }

var gitHubCommands = [...]string{diag.Style: "notice", diag.Info: "notice", diag.Warning: "warning", diag.Error: "error"}

// In a message line ends and percent signs are escaped; in a property also what parts properties.
var (
	gitHubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	gitHubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func (g *GitHub) Write(d diag.Diagnostic) error {
	from, to := position16(d.File, d.Span.Start), position16(d.File, d.Span.End)
	place := fmt.Sprintf("line=%d,col=%d,endLine=%d", from.line, from.column, to.line)
	if from.line == to.line { // endColumn is for one line only
		place += fmt.Sprintf(",endColumn=%d", to.column)
	}
	_, err := fmt.Fprintf(g.w, "::%s file=%s,%s,title=%s::%s\n", gitHubCommands[d.Severity], gitHubProperty.Replace(g.o.path(&d)), place,
		gitHubProperty.Replace(d.Code+" "+d.Name), gitHubMessage.Replace(prose(&d)))
	return err
}

// Close has nothing to write.
func (g *GitHub) Close() error { return nil }
