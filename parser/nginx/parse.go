package nginx

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// maxDepth is how deep blocks are nested in the tree; a { beyond it opens nothing. nginx itself stops far
// earlier, because no context nests without end except location.
const maxDepth = 1000

// bufferSize is nginx's read buffer, in bytes: a token, or a comment, that does not fit is refused.
// Source: nginx src/core/ngx_conf_file.c, NGX_CONF_BUFFER.
const bufferSize = 4096

// fault is a diagnostic of the text with the place where nginx, reading on, comes upon it.
type fault struct {
	diag.Diagnostic
	order int32 // byte offset that nginx has reached
	line  int32 // byte offset whose line nginx names
}

// Parse reads one file. It never fails: whatever the text, there is a tree, and File.Diagnostics tells
// what is wrong with it. Reading goes on after a fault at the next newline, ; or }.
func Parse(f *source.File) *File {
	p := parser{file: f, out: &File{Source: f}, scan: scanner{text: string(f.Text)}}
	for p.scan.more() {
		lex, err := lexer.Upgrade(&p.scan)
		if err != nil {
			panic("nginx: the lexer is total: " + err.Error())
		}
		r, err := runParser().ParseFromLexer(lex)
		if err != nil {
			panic("nginx: every run of tokens is a list of statements: " + err.Error())
		}
		for i := range r.Statements {
			p.add(r.Statements[i].Tokens)
		}
	}
	p.finish()
	return p.out
}

type open struct {
	d     *Directive
	nodes []Node
}

type parser struct {
	file    *source.File
	out     *File
	scan    scanner
	stack   []open // blocks that are open, the file itself not included
	nodes   []Node // of the innermost open block
	over    int    // blocks open beyond maxDepth
	last    int32  // end of the last leaf
	words   []Word // slab
	dirs    []Directive
	comment []Comment
}

func tokenSpan(t *lexer.Token) source.Span {
	return source.NewSpan(t.Pos.Offset, t.Pos.Offset+len(t.Value))
}

// slab is how many nodes are made at once: at most so many, fewer for a text that cannot hold as many.
func (p *parser) slab(most int) int { return min(most, len(p.scan.text)/16+2) }

func (p *parser) newDirective() *Directive {
	if len(p.dirs) == 0 {
		p.dirs = make([]Directive, p.slab(256))
	}
	d := &p.dirs[0]
	p.dirs = p.dirs[1:]
	return d
}

func (p *parser) newComment(t *lexer.Token) *Comment {
	if len(p.comment) == 0 {
		p.comment = make([]Comment, p.slab(64))
	}
	c := &p.comment[0]
	p.comment = p.comment[1:]
	c.span = tokenSpan(t)
	p.checkLength(t)
	return c
}

// newWords gives room for n words.
func (p *parser) newWords(n int) []Word {
	if n > len(p.words) {
		p.words = make([]Word, max(p.slab(1024), n))
	}
	w := p.words[:n:n]
	p.words = p.words[n:]
	return w
}

// add takes one statement into the tree.
func (p *parser) add(tokens []lexer.Token) {
	lastToken := &tokens[len(tokens)-1]
	p.last = tokenSpan(lastToken).End
	switch tokens[0].Type {
	case tokComment:
		if len(tokens) == 1 {
			p.nodes = append(p.nodes, p.newComment(&tokens[0]))
			return
		}
	case tokClose:
		p.close(&tokens[0])
		return
	}
	d := p.newDirective()
	d.span = source.Span{Start: tokenSpan(&tokens[0]).Start, End: p.last}
	n, comments := 0, 0
	for i := range tokens {
		switch tokens[i].Type {
		case tokWord, tokQuoted, tokInvalid:
			n++
		case tokComment:
			comments++
		}
	}
	if comments > 0 {
		d.Comments = make([]*Comment, 0, comments)
	}
	words := p.newWords(n)[:0]
	for i := range tokens {
		t := &tokens[i]
		switch t.Type {
		case tokWord, tokQuoted, tokInvalid:
			words = append(words, p.word(tokens, i))
		case tokComment:
			d.Comments = append(d.Comments, p.newComment(t))
		case tokSemi:
			d.End = tokenSpan(t)
			if n == 0 {
				p.stray(t)
			}
		case tokOpen:
			d.End = tokenSpan(t)
			if n == 0 {
				p.stray(t)
			}
		case tokRaw:
			d.Raw, d.IsRaw = tokenSpan(t), true
		}
	}
	if n > 0 {
		d.Name, d.Args = words[0], words[1:]
	}
	p.nodes = append(p.nodes, d)
	switch {
	case d.IsRaw:
		if lastToken.Type != tokClose {
			p.unclosed(d, int32(len(p.file.Text)))
		}
	case lastToken.Type == tokOpen:
		p.open(d)
	case d.End.Len() == 0:
		p.unfinished(d)
	}
}

// word makes a Word of token i and looks whether the token may stand there.
func (p *parser) word(tokens []lexer.Token, i int) Word {
	t := &tokens[i]
	w := Word{Span: tokenSpan(t)}
	switch t.Type {
	case tokWord:
		w.Text = decode(t.Value)
	case tokQuoted:
		w.Text, w.Quote = decode(t.Value[1:len(t.Value)-1]), t.Value[0]
	case tokInvalid:
		w.Text, w.Quote = decode(t.Value[1:]), t.Value[0]
		p.unclosedQuote(t)
	}
	if i > 0 && t.Value[0] != ')' {
		if before := &tokens[i-1]; before.Type == tokQuoted && before.Pos.Offset+len(before.Value) == t.Pos.Offset {
			p.glued(before, t)
		}
	}
	p.checkLength(t)
	return w
}

func (p *parser) open(d *Directive) {
	if len(p.stack) >= maxDepth {
		p.over++
		return
	}
	d.Block = &Block{}
	p.stack = append(p.stack, open{d, p.nodes})
	p.nodes = nil
}

// close takes a }.
func (p *parser) close(t *lexer.Token) {
	n := len(p.stack)
	if n == 0 || p.over > 0 {
		d := p.newDirective()
		d.span, d.End = tokenSpan(t), tokenSpan(t)
		p.nodes = append(p.nodes, d)
		if p.over > 0 {
			p.over--
			return
		}
		p.stray(t)
		return
	}
	top := p.stack[n-1]
	p.stack = p.stack[:n-1]
	top.d.Block.Nodes, top.d.Block.Close, top.d.Block.Closed = p.nodes, tokenSpan(t), true
	top.d.span.End = p.last
	p.nodes = top.nodes
}

// finish closes what the end of the file leaves open.
func (p *parser) finish() {
	end := int32(len(p.file.Text))
	for n := len(p.stack) - 1; n >= 0; n-- {
		top := p.stack[n]
		top.d.Block.Nodes, top.d.span.End = p.nodes, p.last
		p.nodes = top.nodes
		p.unclosed(top.d, end)
	}
	p.out.Nodes = p.nodes
	p.out.Tail = source.Span{Start: p.last, End: end}
	for i := range p.out.faults {
		p.out.Diagnostics = append(p.out.Diagnostics, p.out.faults[i].Diagnostic)
	}
	inOrder := slices.IsSortedFunc(p.out.Diagnostics, func(a, b diag.Diagnostic) int { return int(a.Span.Start) - int(b.Span.Start) })
	if !inOrder {
		diag.Sort(p.out.Diagnostics)
	}
}

// maxFaults is how many faults of one file are kept: a text with more is no configuration.
const maxFaults = 10000

func (p *parser) fault(order, line int32, d diag.Diagnostic) {
	if len(p.out.faults) >= maxFaults {
		return
	}
	d.File, d.Refuses, d.Severity = p.file, true, diag.Error
	p.out.faults = append(p.out.faults, fault{d, order, line})
}

func (p *parser) stray(t *lexer.Token) {
	s := tokenSpan(t)
	help := "remove it"
	switch t.Type {
	case tokOpen:
		help = "write the name of the block before it"
	case tokClose:
		help = "remove it, or open the block that it should close"
	}
	p.fault(s.Start, s.Start, diag.Diagnostic{
		Code: "RD029", Name: "refused-argument", Span: s, Help: help,
		Message:       "`" + t.Value + "` stands where a directive should begin; nginx will not start",
		ServerMessage: `unexpected "` + t.Value + `"`,
	})
}

func (p *parser) glued(before, t *lexer.Token) {
	s := tokenSpan(t)
	p.fault(s.Start, s.Start, diag.Diagnostic{
		Code: "RD029", Name: "refused-argument", Span: s,
		Message:       "text directly after a closing quote; nginx will not start",
		Help:          "put all of the word into the quotes, or a blank between",
		ServerMessage: `unexpected "` + t.Value[:1] + `"`,
		Related:       []diag.Related{{File: p.file, Span: tokenSpan(before), Message: "the quoted word ends here"}},
	})
}

func (p *parser) unclosedQuote(t *lexer.Token) {
	s, end := tokenSpan(t), int32(len(p.file.Text))
	if int(s.Start)+1+bufferSize < len(p.file.Text) {
		return // checkLength says so
	}
	p.fault(s.Start, end, diag.Diagnostic{
		Code: "RD029", Name: "refused-argument", Span: source.Span{Start: s.Start, End: s.Start + 1},
		Message:       "this quote is never closed; nginx will not start",
		Help:          "close the quote",
		ServerMessage: `unexpected end of file, expecting ";" or "}"`,
	})
}

// unfinished is a directive without ; before a } or the end of the file.
func (p *parser) unfinished(d *Directive) {
	last := d.Name.Span
	if n := len(d.Args); n > 0 {
		last = d.Args[n-1].Span
	}
	at := source.Span{Start: last.End, End: last.End}
	out := diag.Diagnostic{
		Code: "RD019", Name: "missing-semicolon", Span: at,
		Message: "`" + d.Name.Text + "` has no `;` at its end; nginx will not start",
		Help:    "end the directive with `;`",
		Fixes:   []diag.Fix{{Title: "insert `;`", Safety: diag.Safe, Edits: source.Insert(last.End, ";")}},
	}
	order := int32(p.scan.nextByte(int(p.last)))
	if int(order) < len(p.file.Text) {
		out.ServerMessage = `unexpected "}"`
		out.Related = []diag.Related{{File: p.file, Span: source.Span{Start: order, End: order + 1}, Message: "nginx notices it here"}}
	} else {
		out.ServerMessage = `unexpected end of file, expecting ";" or "}"`
	}
	p.fault(order, order, out)
}

// nextByte is the offset of the first byte at or after at that is no blank.
func (s *scanner) nextByte(at int) int {
	for at < len(s.text) && isBlank(s.text[at]) {
		at++
	}
	return at
}

func (p *parser) unclosed(d *Directive, end int32) {
	head := d.Head()
	name := strings.TrimSpace(d.Name.Text)
	p.fault(end, end, diag.Diagnostic{
		Code: "RD023", Name: "unclosed-section", Span: head,
		Message:       "`" + name + " {` is never closed; nginx will not start",
		Help:          "add the missing `}`",
		ServerMessage: `unexpected end of file, expecting "}"`,
	})
}

// Head is the span of a directive from its name to the last word before ; or {.
func (d *Directive) Head() source.Span {
	s := d.Name.Span
	if n := len(d.Args); n > 0 {
		s.End = d.Args[n-1].Span.End
	}
	if s.Len() == 0 {
		return d.End
	}
	return s
}

// checkLength finds tokens and comments for which nginx's buffer is too small: the byte 4096 after the
// start of the token's text must not be needed while the token is still being read.
func (p *parser) checkLength(t *lexer.Token) {
	if len(t.Value) < bufferSize-2 {
		return
	}
	start := t.Pos.Offset
	needed := start + len(t.Value) // offset of the last byte read with the token still held
	switch t.Type {
	case tokQuoted:
		start++
		if needed < len(p.file.Text) && isBlank(p.file.Text[needed]) {
			needed++
		}
	case tokInvalid:
		start++
		needed = len(p.file.Text)
	case tokWord:
		if needed < len(p.file.Text) && isBlank(p.file.Text[needed]) {
			needed++
		}
	case tokComment:
		for needed < len(p.file.Text) && p.file.Text[needed] != '\n' {
			needed++
		}
		needed++
	}
	if needed < start+bufferSize || len(p.file.Text) <= start+bufferSize {
		return
	}
	s := tokenSpan(t)
	out := diag.Diagnostic{
		Code: "RD029", Name: "refused-argument", Span: source.Span{Start: s.Start, End: s.Start + 10},
		Message: "longer than the 4096 bytes that nginx can read at once; nginx will not start",
		Help:    "shorten it or split it",
	}
	if t.Type == tokQuoted || t.Type == tokInvalid {
		out.ServerMessage = `too long parameter, probably missing terminating "` + t.Value[:1] + `" character`
	} else {
		out.ServerMessage = `too long parameter "` + t.Value[:10] + `..." started`
	}
	p.fault(s.Start, s.Start, out)
}
