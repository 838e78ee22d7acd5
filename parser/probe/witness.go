package probe

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/sim"
)

// Witness makes the witness of a finding from a chain: its first request, and a line for each hop with the place of
// the rule that made it.
func (s *Site) Witness(c *Chain) *diag.Witness {
	if len(c.Hops) == 0 {
		return nil
	}
	p := &c.Hops[0].Probe
	w := &diag.Witness{Method: p.Request.Method, URL: URL(p.Request)}
	for _, h := range p.Request.Header {
		if w.Header == nil {
			w.Header = map[string]string{}
		}
		w.Header[h[0]] = h[1]
	}
	if given := s.assumptions(p); given != "" {
		w.Steps = append(w.Steps, given)
	}
	for i := range c.Hops {
		w.Steps = append(w.Steps, s.Line(&c.Hops[i]))
	}
	switch c.End {
	case EndCycle:
		w.Steps = append(w.Steps, c.Next+" was asked before: the circle is closed")
	case EndLimit:
		w.Steps = append(w.Steps, "… and so on to "+c.Next)
	}
	return w
}

// assumptions says what a probe assumes of the document tree and the client.
func (s *Site) assumptions(p *Probe) string {
	var parts []string
	add := func(part string) {
		if !slices.Contains(parts, part) { // a file and the folder of its name are one to a reader
			parts = append(parts, part)
		}
	}
	for _, f := range p.Exists {
		add(s.Relative(f) + " exists")
	}
	for _, f := range p.Missing {
		add(s.Relative(f) + " does not exist")
	}
	if p.Client != "" {
		parts = append(parts, "the client is "+p.Client)
	}
	if len(parts) == 0 {
		return ""
	}
	return "given that " + strings.Join(parts, ", ")
}

// Relative is a path of the server's world as seen from the document root; one that lies elsewhere begins with two slashes.
func (s *Site) Relative(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if rest, ok := strings.CutPrefix(p, s.world.DocumentRoot+"/"); ok {
		return "/" + rest
	}
	if strings.HasPrefix(p, "/") && p != s.world.DocumentRoot {
		return "/" + p
	}
	return p
}

// Line says of one hop what was asked and answered, and the place of the rule behind it:
// "GET http://h/a → 301 http://h/b (site.conf:3)".
func (s *Site) Line(h *Hop) string {
	text := h.Probe.Request.Method + " " + URL(h.Probe.Request) + " → " + Answer(&h.Outcome)
	if r := h.Rule(); r != nil && r.File != nil {
		text += " (" + PlaceOf(r.Origin) + ")"
	}
	return text
}

// PlaceOf is "file:line", the file without its folders.
func PlaceOf(o ir.Origin) string {
	if o.File == nil {
		return ""
	}
	return path.Base(o.File.Name) + ":" + strconv.Itoa(o.Line())
}

// Answer is an outcome in a few words: "301 http://h/b", "500", "passed on to …".
func Answer(o *sim.Outcome) string {
	switch {
	case !o.Known:
		return "not known"
	case o.Closed:
		return "connection closed"
	case o.PassedTo != "" && o.Status == 0:
		return "passed on to " + o.PassedTo
	case o.Location != nil:
		return strconv.Itoa(o.Status) + " " + *o.Location
	}
	return strconv.Itoa(o.Status)
}

// Replay is the command line that shows a probe: "rewright trace --follow --exists index.php CONFIG URL".
func (s *Site) Replay(p Probe, config string, follow bool) string {
	words := []string{"rewright", "trace"}
	if follow {
		words = append(words, "--follow")
	}
	if m := p.Request.Method; m != "" && m != "GET" {
		words = append(words, "-X", m)
	}
	for _, h := range p.Request.Header {
		words = append(words, "-H", h[0]+": "+h[1])
	}
	if v := p.Request.Version; v != "" && v != "1.1" {
		words = append(words, "--http-version", v)
	}
	for _, f := range p.Exists {
		words = append(words, "--exists", declared(s.Relative(f)))
	}
	for _, f := range p.Missing {
		words = append(words, "--missing", declared(s.Relative(f)))
	}
	if p.Client != "" {
		words = append(words, "--client", p.Client)
	}
	words = append(words, config, URL(p.Request))
	for i, w := range words {
		words[i] = shellWord(w)
	}
	return strings.Join(words, " ")
}

// declared is a path as the options of trace take it.
func declared(p string) string {
	if strings.HasPrefix(p, "//") {
		return p
	}
	return strings.TrimPrefix(p, "/")
}

// shellWord quotes a word for a POSIX shell where that is needed.
func shellWord(w string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
