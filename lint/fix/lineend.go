package fix

import (
	"bytes"
	"strings"

	"rewright/parser/source"
)

// lineEnds gives the lines that edits add the ending of the lines they stand among: CR LF where the line of the edit, or
// the one before it at the end of the file, ends so.
func lineEnds(text []byte, list []source.Edit) []source.Edit {
	var out []source.Edit
	for i, e := range list {
		if !strings.Contains(e.Text, "\n") || !endsInCRLF(text, e.Span) {
			continue
		}
		if out == nil {
			out = append(out, list...)
		}
		e.Text = strings.ReplaceAll(strings.ReplaceAll(e.Text, "\r\n", "\n"), "\n", "\r\n")
		if i := int(e.Span.Start); i > 0 && text[i-1] == '\r' && strings.HasPrefix(e.Text, "\r\n") {
			e.Text = e.Text[1:] // the CR stands before the edit already
		}
		out[i] = e
	}
	if out == nil {
		return list
	}
	return out
}

func endsInCRLF(text []byte, s source.Span) bool {
	at := bytes.IndexByte(text[s.Start:], '\n')
	if at >= 0 {
		at += int(s.Start)
	} else {
		at = bytes.LastIndexByte(text, '\n')
	}
	return at > 0 && text[at-1] == '\r'
}
