package diff

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
)

// Options say how a patch is written. The zero value is what git diff prints, without the line "diff --git".
type Options struct {
	Context int  // unchanged lines around a change; 0: Context. Negative: none
	Colour  bool // for a terminal; what changes inside of a line stands out
	// Note gives the lines to write above a hunk; they are put behind "# " and cleaned of what could end a line.
	// With it every hunk has a header of its own, since neither git apply nor patch takes text between the hunks of one file,
	// and line numbers count in the text that the hunks before have made, as both expect it of a file that comes again.
	Note func(h Hunk) []string
}

// Write writes the unified diff of a file, nothing when both texts are equal. The name is a slash-separated path from
// where the patch will be applied; it is quoted as git quotes it. Errors are those of w.
func Write(w io.Writer, name string, before, after []byte, o Options) error {
	context := o.Context
	switch {
	case context == 0:
		context = Context
	case context < 0:
		context = 0
	}
	p := newPainter(o.Colour)
	var b bytes.Buffer
	for i, h := range Hunks(before, after, context) {
		old := h.Before
		if o.Note != nil {
			old = h.After
			for _, line := range o.Note(h) {
				b.WriteString(p.note("# " + oneLine(line)))
				b.WriteByte('\n')
			}
		}
		if i == 0 || o.Note != nil {
			b.WriteString(p.head("--- " + fileName("a/", name)))
			b.WriteByte('\n')
			b.WriteString(p.head("+++ " + fileName("b/", name)))
			b.WriteByte('\n')
		}
		b.WriteString(p.place(fmt.Sprintf("@@ -%s +%s @@", lineRange(old, h.BeforeLen), lineRange(h.After, h.AfterLen))))
		b.WriteByte('\n')
		p.lines(&b, h.Lines)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// lineRange is a place in a hunk's head: the first line from 1, or the line before when there is none, and how many.
func lineRange(start, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", start)
	case 1:
		return fmt.Sprint(start + 1)
	}
	return fmt.Sprintf("%d,%d", start+1, n)
}

// oneLine takes out of a note what would end its line or move the cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// fileName is a name in a header line as git writes it: in quotes with C escapes when it holds a control character, a
// quote, a backslash or a byte above 127, and with a tab behind when it holds a blank.
// Source: git quote.c, quote_c_style; diff.c, builtin_diff.
func fileName(prefix, name string) string {
	name = prefix + strings.TrimPrefix(strings.TrimLeft(name, "/"), "./")
	plain := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			plain = false
		}
	}
	if plain {
		if strings.Contains(name, " ") {
			name += "\t"
		}
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(name); i++ {
		c := name[i]
		if k := strings.IndexByte("\a\b\t\n\v\f\r\"\\", c); k >= 0 {
			b.WriteByte('\\')
			b.WriteByte(`abtnvfr"\`[k])
		} else if c < ' ' || c >= 0x7f {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// painter colours the parts of a patch; without colour it gives them back as they are.
type painter struct {
	note, head, place      func(string) string
	removed, added         func(string) string
	removedWord, addedWord func(string) string
}

func newPainter(on bool) *painter {
	paint := func(attributes ...color.Attribute) func(string) string {
		if !on {
			return func(s string) string { return s }
		}
		c := color.New(attributes...)
		c.EnableColor()
		return func(s string) string { return c.Sprint(s) }
	}
	p := &painter{note: paint(color.FgYellow), head: paint(color.Bold), place: paint(color.FgCyan),
		removed: paint(color.FgRed), added: paint(color.FgGreen)}
	if on {
		p.removedWord, p.addedWord = paint(color.FgRed, color.ReverseVideo), paint(color.FgGreen, color.ReverseVideo)
	}
	return p
}

// lines writes the lines of a hunk.
func (p *painter) lines(b *bytes.Buffer, lines []Line) {
	for i := 0; i < len(lines); {
		j, k := i, i
		for j < len(lines) && lines[j].Op == Delete {
			j++
		}
		for k = j; k < len(lines) && lines[k].Op == Insert; k++ {
		}
		if k == i {
			p.line(b, lines[i], "", nil, nil)
			i++
			continue
		}
		for n := i; n < k; n++ {
			partner, plain, word := "", p.removed, p.removedWord
			if n >= j {
				plain, word = p.added, p.addedWord
			}
			if j-i == k-j { // as many as before: each line is one of them changed
				if n < j {
					partner = lines[n+j-i].Text
				} else {
					partner = lines[n-(j-i)].Text
				}
			}
			p.line(b, lines[n], partner, plain, word)
		}
		i = k
	}
}

// line writes one line; of a changed one what its partner has not stands out.
func (p *painter) line(b *bytes.Buffer, l Line, partner string, plain, word func(string) string) {
	text, ended := strings.CutSuffix(l.Text, "\n")
	switch {
	case l.Op == Keep:
		b.WriteByte(' ')
		b.WriteString(text)
	case partner == "" || word == nil:
		b.WriteString(plain(string(l.Op) + text))
	default:
		from, to := changedPart(text, strings.TrimSuffix(partner, "\n"))
		b.WriteString(plain(string(l.Op) + text[:from]))
		if from < to {
			b.WriteString(word(text[from:to]))
		}
		if to < len(text) {
			b.WriteString(plain(text[to:]))
		}
	}
	b.WriteByte('\n')
	if !ended {
		b.WriteString("\\ No newline at end of file\n")
	}
}

// changedPart is what lies between the common beginning and the common end of two texts, in bytes of the first; no
// character is cut.
func changedPart(s, t string) (from, to int) {
	for from < min(len(s), len(t)) && s[from] == t[from] {
		from++
	}
	for from > 0 && from < len(s) && !utf8.RuneStart(s[from]) {
		from--
	}
	n := 0
	for n < min(len(s), len(t))-from && s[len(s)-1-n] == t[len(t)-1-n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(s[len(s)-n]) {
		n--
	}
	return from, len(s) - n
}
