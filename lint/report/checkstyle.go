package report

import (
	"io"
	"strconv"

	"rewright/parser/diag"
)

// Checkstyle is the report that Jenkins, reviewdog and many editors read: Checkstyle's XML. Columns count bytes.
// Source: checkstyle, XMLLogger.
type Checkstyle struct {
	xmlWriter
	o    Options
	file string // that is open
	some bool
}

// NewCheckstyle makes a report on w.
func NewCheckstyle(w io.Writer, o Options) *Checkstyle {
	return &Checkstyle{xmlWriter: xmlWriter{w: w}, o: o}
}

var checkstyleSeverities = [...]string{diag.Style: "info", diag.Info: "info", diag.Warning: "warning", diag.Error: "error"}

func (c *Checkstyle) begin() {
	if !c.some {
		c.raw(xmlHead, "<checkstyle version=\"10.0\">\n")
		c.some = true
	}
}

const xmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

func (c *Checkstyle) Write(d diag.Diagnostic) error {
	c.begin()
	if name := c.o.path(&d); name != c.file {
		if c.file != "" {
			c.raw("  </file>\n")
		}
		c.file = name
		c.open("  ", "file", ">\n", "name", name)
	}
	p := d.File.Position(d.Span.Start)
	c.open("    ", "error", "/>\n", "line", strconv.Itoa(p.Line), "column", strconv.Itoa(p.Column), "severity", checkstyleSeverities[d.Severity],
		"message", prose(&d), "source", "rewright."+d.Code+"."+d.Name)
	return c.err
}

// Close ends the document.
func (c *Checkstyle) Close() error {
	c.begin()
	if c.file != "" {
		c.raw("  </file>\n")
	}
	c.raw("</checkstyle>\n")
	return c.err
}
