package nginx

import (
	"strings"

	"rewright/emit/check"
	"rewright/parser/ir"
)

// loopsEnd finds rules that httpd asks again and again when the file is missing that they lead to, until it answers
// 500 (LimitInternalRecursion), and writes the missing file into them. It keeps what helps.
func (c *conversion) loopsEnd(t *trial) *trial {
	loops := map[*ir.Rule]bool{}
	_, first := c.wrap(t)
	for i := range t.diffs {
		d := &t.diffs[i]
		if !endsLess(d) {
			continue
		}
		for _, r := range t.blame(d, first) {
			if r.Action == ir.ActionRewrite && r.Target != nil && !isAbsolute(r.Target) {
				loops[r] = true
			}
		}
	}
	if len(loops) == 0 {
		return t
	}
	c.loops = loops
	next := c.try(t.layout, t.forms)
	if next.refused == nil && len(next.diffs) < len(t.diffs) && next.endless() < t.endless() {
		return next
	}
	c.loops = nil
	return t
}

// endsLess tells whether httpd goes round until it gives up where nginx finds no file.
func endsLess(d *check.Difference) bool {
	return d.Before.Status == 500 && d.Before.Location == nil && (d.After.Status == 404 || d.After.Status == 403)
}

// endless counts such differences.
func (t *trial) endless() (n int) {
	for i := range t.diffs {
		if endsLess(&t.diffs[i]) {
			n++
		}
	}
	return n
}

// missingLoops answers 500 where the file of a constant result is missing and httpd would ask the rule about it for ever.
func (b *builder) missingLoops(parts []part, groups []group) {
	path := constantPath(parts)
	if !b.c.loops[b.source] || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "$?#") {
		return
	}
	b.refuse(test{op: "-e", operand: "$document_root" + decodeOnce(path, b.c.server), negated: true}, "return 500; # httpd comes back to this rule for ever", groups)
}

// ownResult keeps a rule from its own result: httpd leaves a path as it is that a rule of a directory would only make
// once more, where nginx would go round. Source: mod_rewrite.c, hook_fixup, "initial URL equal rewritten URL".
func (b *builder) ownResult(parts []part) (groups []group) {
	path := constantPath(parts)
	if b.f != faithful || !b.c.inLoc || b.c.server || !strings.HasPrefix(path, b.c.sub.prefix) || strings.ContainsAny(path, "$?#%") {
		return nil
	}
	if takes, err := b.r.Pattern.Re.MatchBool(path[len(b.c.sub.prefix):]); err == nil && takes == b.r.Negated {
		return nil
	}
	for _, g := range b.groups {
		for _, t := range g {
			if t.variable == "$uri" && t.negated && t.operand == path {
				return nil
			}
		}
	}
	return []group{{test{variable: "$uri", op: "=", operand: path, negated: true}}}
}
