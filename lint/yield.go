package lint

import (
	"slices"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// yield drops findings of rules that have nothing to add to what another rule says of the same text (Rule.YieldsTo). What a
// dropped error says goes along with the finding that stays.
func (c *selection) yield(findings []diag.Diagnostic) []diag.Diagnostic {
	speakers := map[string]bool{}
	for _, r := range c.rules {
		for _, code := range r.YieldsTo {
			speakers[code] = true
		}
	}
	type key struct {
		file *source.File
		span source.Span
	}
	said := map[key][]int{}
	for i := range findings {
		if d := &findings[i]; speakers[d.Code] {
			k := key{d.File, d.Span}
			said[k] = append(said[k], i)
		}
	}
	if len(said) == 0 {
		return findings
	}
	drop := map[int]bool{}
	for i := range findings {
		d := &findings[i]
		r := c.byName[d.Code]
		if r == nil || len(r.YieldsTo) == 0 {
			continue
		}
		for _, k := range said[key{d.File, d.Span}] {
			if s := &findings[k]; k != i && slices.Contains(r.YieldsTo, s.Code) {
				drop[i] = true
				if d.Severity == diag.Error {
					s.Related = append(s.Related, diag.Related{File: d.File, Span: d.Span, Message: d.Message})
				}
				break
			}
		}
	}
	kept := findings[:0:0]
	for i := range findings {
		if !drop[i] {
			kept = append(kept, findings[i])
		}
	}
	return kept
}
