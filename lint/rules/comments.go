package rules

import (
	"strings"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// commentIndex finds the comments that belong to a directive by their lines.
type commentIndex struct {
	above  map[*source.File]map[int]*lint.Comment // own comments by their last line
	behind map[*source.File]map[int]*lint.Comment // nginx: comments at the end of a line, by line
	parts  map[*lint.Directive]int                // sections by the number of redirects in them
	nested map[*lint.Directive]bool               // sections that hold other sections
}

type commentKey struct{}

// commentsOf is the index of a unit, made once.
func commentsOf(u *lint.Unit) *commentIndex {
	return u.Memo(commentKey{}, func() any {
		x := &commentIndex{above: map[*source.File]map[int]*lint.Comment{}, behind: map[*source.File]map[int]*lint.Comment{},
			parts: map[*lint.Directive]int{}, nested: map[*lint.Directive]bool{}}
		put := func(m map[*source.File]map[int]*lint.Comment, line int, c *lint.Comment) {
			if m[c.File] == nil {
				m[c.File] = map[int]*lint.Comment{}
			}
			m[c.File][line] = c
		}
		for _, c := range u.Comments {
			if c.Own {
				put(x.above, c.File.Line(max(c.Span.Start, c.Span.End-1)), c)
			} else {
				put(x.behind, c.File.Line(c.Span.Start), c)
			}
		}
		for _, d := range u.Directives {
			if d.Section && d.Parent != nil {
				x.nested[d.Parent] = true
			}
			if writesRedirect(d) {
				for s := d.Parent; s != nil; s = s.Parent {
					x.parts[s]++
				}
			}
		}
		return x
	}).(*commentIndex)
}

// writesRedirect tells whether a directive looks like one that answers or rewrites a request.
func writesRedirect(d *lint.Directive) bool {
	if d.Server == ir.Apache {
		return d.Is("RewriteRule", "Redirect", "RedirectMatch", "RedirectPermanent", "RedirectTemp")
	}
	return d.Is("return", "rewrite", "try_files", "proxy_pass", "fastcgi_pass")
}

// maxCommentLines bounds how far up a comment is read.
const maxCommentLines = 40

// linesAbove are the comment lines directly above a line, without a blank line between them, first line first.
func (x *commentIndex) linesAbove(f *source.File, line int) []intent.Line {
	index := x.above[f]
	if len(index) == 0 {
		return nil
	}
	var out []intent.Line
	for len(out) < maxCommentLines {
		c := index[line-1]
		if c == nil {
			break
		}
		out = append(out, commentText(c))
		line = f.Line(c.Span.Start)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// commentText is the first line of a comment behind its sign.
func commentText(c *lint.Comment) intent.Line {
	text := c.File.Slice(c.Span)
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	body := strings.TrimLeft(text, "# \t")
	return intent.Line{Text: strings.TrimRight(body, "\r"), Start: c.Span.Start + int32(len(text)-len(body))}
}

// commentOn are the lines of the comment that speaks of a directive: directly above it, above the conditions of a rule,
// above what only prepares it (RewriteEngine), above the block whose only redirect it is; in nginx at the end of its line.
func (x *commentIndex) commentOn(d *lint.Directive) []intent.Line {
	if d.Server == ir.Nginx {
		if c := x.behind[d.File][d.File.Line(d.Line.End)]; c != nil && c.Span.Start >= d.Line.End {
			return []intent.Line{commentText(c)}
		}
	}
	for {
		line := d.File.Line(headStart(d))
		if lines := x.linesAbove(d.File, line); len(lines) > 0 {
			return lines
		}
		prev := d.PrevPtr
		switch {
		case prev == nil:
			return nil
		case prev == d.Parent || d.Parent != nil && d.Server == ir.Nginx && x.parts[d.Parent] == 1 && prev.Parent == d.Parent && !writesRedirect(prev) && !prev.Section:
			if d.Parent == nil || x.parts[d.Parent] != 1 || x.nested[d.Parent] && d.Parent.Is("server", "VirtualHost", "http", "Directory") {
				return nil
			}
			d = d.Parent
			if d.Is("VirtualHost", "http") {
				return nil
			}
		case prev.Parent == d.Parent && prepares(prev) && d.File.Line(prev.Line.End) == line-1:
			d = prev
		default:
			return nil
		}
	}
}

// prepares tells whether a directive belongs to the rule behind it: a condition, or what switches rules on.
func prepares(d *lint.Directive) bool {
	return d.Server == ir.Apache && d.Is("RewriteCond", "RewriteEngine", "RewriteBase", "Options")
}

// headStart is where a directive or the head of a section begins.
func headStart(d *lint.Directive) int32 { return min(d.Line.Start, d.Name.Span.Start) }
