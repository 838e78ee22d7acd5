package report

import (
	"unicode/utf8"

	"rewright/parser/source"
)

// place16 is a place with its column in UTF-16 units, both from 1. A byte that is no UTF-8 is one unit, as it is in the
// text a reader makes of the file.
type place16 struct{ line, column int }

// position16 is the place of a byte offset.
func position16(f *source.File, offset int32) place16 {
	p := f.Position(offset)
	text := f.Text[int(offset)-(p.Column-1) : min(int(offset), len(f.Text))]
	column := 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r >= 0x10000 {
			column++
		}
		column++
		text = text[size:]
	}
	return place16{p.Line, column}
}
