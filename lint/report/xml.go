package report

import (
	"encoding/xml"
	"io"
	"strings"
)

// xmlWriter writes elements by hand, so that a report can be written while findings come.
type xmlWriter struct {
	w   io.Writer
	err error
}

func (x *xmlWriter) raw(parts ...string) {
	for _, p := range parts {
		if x.err == nil {
			_, x.err = io.WriteString(x.w, p)
		}
	}
}

// open writes a start tag; attributes are names and values in turn. end is ">" or "/>".
func (x *xmlWriter) open(indent, name, end string, attributes ...string) {
	x.raw(indent, "<", name)
	for i := 0; i+1 < len(attributes); i += 2 {
		x.raw(" ", attributes[i], `="`, xmlText(attributes[i+1]), `"`)
	}
	x.raw(end)
}

// xmlText is text as XML 1.0 can hold it; what it cannot becomes U+FFFD.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// xmlBody is xmlText between tags, where line ends may stand as they are.
func xmlBody(s string) string { return strings.ReplaceAll(xmlText(s), "&#xA;", "\n") }
