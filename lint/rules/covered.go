package rules

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// cover knows the rules of one list that end it for what they match, and finds those that take everything a later one
// would. Look-ups cost as much as the literal text they begin with is long, whatever the length of the list.
type cover struct {
	all     *ir.Rule            // takes everything, always
	same    map[string]*ir.Rule // by pattern and conditions
	exact   map[string]*ir.Rule // by conditions and the one subject
	prefix  map[string]*ir.Rule // by conditions and what all subjects begin with
	general []*ir.Rule          // other patterns without conditions
	space   *pattern.Space
	left    int // comparisons of languages
}

// maxGeneral bounds the patterns whose languages are compared with a later rule.
const maxGeneral = 48

func newCover() *cover {
	c := &cover{left: 2000}
	c.forget()
	return c
}

// forget drops what holds only while the URL stays as it is: a rule behind has changed it.
func (c *cover) forget() {
	c.same, c.exact, c.prefix, c.general = map[string]*ir.Rule{}, map[string]*ir.Rule{}, map[string]*ir.Rule{}, nil
}

// conditionsKey names the conditions of a rule when they stay what they are while rules run; ok is false otherwise.
func conditionsKey(r *ir.Rule) (key string, ok bool) {
	var b strings.Builder
	for _, c := range r.Conditions {
		if c.Test == nil || c.Kind == ir.CondExpr {
			return "", false
		}
		for i := range c.Test.Parts {
			p := &c.Test.Parts[i]
			if p.Kind != ir.Literal && p.Kind != ir.Variable || p.Space != "" && p.Space != "HTTP" {
				return "", false
			}
		}
		b.WriteString(c.Test.Text + "\x00" + c.Op + "\x00")
		if c.Negated {
			b.WriteString("!")
		}
		if c.Pattern != nil {
			b.WriteString(c.Pattern.Text)
		}
		if text, constant := c.Operand.Constant(); constant {
			b.WriteString(text)
		}
		if c.IgnoreCase {
			b.WriteString("\x00i")
		}
		if c.Or {
			b.WriteString("\x00or")
		}
		b.WriteString("\x01")
	}
	return b.String(), true
}

// patternKey names what a rule matches.
func patternKey(r *ir.Rule) string {
	if r.Match == ir.MatchSegment {
		return "=" + r.Path
	}
	if r.Pattern == nil {
		return ""
	}
	key := "~" + r.Pattern.Text
	if r.Pattern.Options.IgnoreCase {
		key += "\x00i"
	}
	if r.Negated {
		key = "!" + key
	}
	return key
}

// matched is what can be told of the subjects of a rule without an automaton.
type matched struct {
	text       string // literal text they begin with
	exact, all bool   // text alone; everything that begins with text
	segments   bool   // all: and goes on with a slash or not at all
	caseless   bool
}

func matchedBy(r *ir.Rule) (m matched, ok bool) {
	switch {
	case r.Match == ir.MatchSegment:
		return matched{text: strings.TrimSuffix(r.Path, "/"), all: !strings.HasSuffix(r.Path, "/"), segments: true}, r.Path != ""
	case r.Match != ir.MatchRegex || r.Negated || r.Pattern == nil || r.Pattern.Re == nil:
		return m, false
	}
	t := r.Pattern.Re.Tree()
	if t.MatchesEverything() {
		return matched{all: true}, true
	}
	if text, caseless, ok := t.Exact(); ok {
		return matched{text: text, exact: true, caseless: caseless}, true
	}
	text, caseless := t.Prefix()
	return matched{text: text, caseless: caseless, all: takesAllBehind(t)}, true
}

// takesAllBehind tells whether a pattern is a literal text at the start and then anything: ^old, ^old(.*)$, ^old.*.
func takesAllBehind(t *pattern.Tree) bool {
	root, ok := t.Root.(*pattern.Concat)
	if !ok || len(root.Parts) < 2 || len(root.Parts) > 4 {
		return false
	}
	a, ok := root.Parts[0].(*pattern.Anchor)
	if !ok || a.Kind != pattern.SubjectStart {
		return false
	}
	if _, ok := root.Parts[1].(*pattern.Literal); !ok {
		return false
	}
	for i, p := range root.Parts[2:] {
		if a, ok := p.(*pattern.Anchor); ok && i > 0 && (a.Kind == pattern.SubjectEnd || a.Kind == pattern.SubjectEndOrNewline) {
			continue
		}
		if g, ok := p.(*pattern.Group); ok && (g.Kind == pattern.Capturing || g.Kind == pattern.NonCapturing) {
			p = g.Body
		}
		rep, ok := p.(*pattern.Repeat)
		if !ok || rep.Min != 0 || rep.Max >= 0 || rep.Mode == pattern.Possessive {
			return false
		}
		if _, ok := rep.Body.(*pattern.Any); !ok { // nginx's dot takes no newline, which no address of people has
			return false
		}
	}
	return true
}

// of is the earlier rule that takes everything a rule would; nil when none is known. Twin is set when both match the same by
// the same text.
func (c *cover) of(r *ir.Rule) (by *ir.Rule, twin bool) {
	key, ok := conditionsKey(r)
	if ok {
		if f := c.same[key+"\x02"+patternKey(r)]; f != nil {
			return f, true
		}
	}
	if c.all != nil {
		return c.all, false
	}
	m, known := matchedBy(r)
	if !known {
		return nil, false
	}
	keys := []string{""}
	if ok && key != "" {
		keys = append(keys, key)
	}
	for _, k := range keys {
		if f := c.literal(k, m); f != nil {
			return f, false
		}
	}
	return c.byLanguage(r, m), false
}

func (c *cover) literal(key string, m matched) *ir.Rule {
	if m.exact && !m.caseless {
		if f := c.exact[key+"\x02"+m.text]; f != nil {
			return f
		}
	}
	if m.exact {
		if f := c.exact[key+"\x02i"+strings.ToLower(m.text)]; f != nil {
			return f
		}
	}
	lower := strings.ToLower(m.text)
	for n := 0; n <= len(m.text) && n <= 256; n++ {
		if !m.caseless {
			if f := c.prefix[key+"\x02"+m.text[:n]]; f != nil && endsSegment(f, m, n) {
				return f
			}
		}
		if f := c.prefix[key+"\x02i"+lower[:n]]; f != nil {
			return f
		}
	}
	return nil
}

// endsSegment tells whether a prefix of n bytes covers what is matched: that of Redirect ends with a segment.
func endsSegment(f *ir.Rule, m matched, n int) bool {
	if f.Match != ir.MatchSegment {
		return true
	}
	if n == len(m.text) {
		return m.exact || m.segments
	}
	return m.text[n] == '/'
}

// byLanguage compares with the patterns that have no simple form.
func (c *cover) byLanguage(r *ir.Rule, m matched) *ir.Rule {
	if len(c.general) == 0 || r.Match != ir.MatchRegex {
		return nil
	}
	var own *pattern.Language
	for _, f := range c.general {
		if c.left <= 0 {
			return nil
		}
		text, caseless := f.Pattern.Re.Tree().Prefix()
		if !caseless && !m.caseless && !strings.HasPrefix(m.text, text) {
			continue
		}
		if m.exact && !m.caseless {
			if hit, err := f.Pattern.Re.MatchBool(m.text); err == nil && hit {
				return f
			}
			continue
		}
		c.left--
		if c.space == nil {
			c.space = pattern.NewSpace(200_000)
		}
		if own == nil {
			l, ok := c.space.Subjects(r.Pattern.Re.Tree())
			if !ok {
				return nil
			}
			own = &l
		}
		wide, ok := c.space.Subjects(f.Pattern.Re.Tree())
		if !ok {
			continue
		}
		if yes, _, known := c.space.Includes(wide, *own); known && yes {
			if some, found, known := c.space.Shortest(*own); known && found && some != "\x00" {
				return f
			}
		}
	}
	return nil
}

// keep remembers a rule that ends its list for everything it matches.
func (c *cover) keep(r *ir.Rule) {
	key, ok := conditionsKey(r)
	if !ok {
		return
	}
	if k := key + "\x02" + patternKey(r); c.same[k] == nil {
		c.same[k] = r
	}
	m, known := matchedBy(r)
	if !known {
		return
	}
	fold := ""
	text := m.text
	if m.caseless {
		fold, text = "i", strings.ToLower(text)
	}
	put := func(list map[string]*ir.Rule) {
		if k := key + "\x02" + fold + text; list[k] == nil {
			list[k] = r
		}
	}
	switch {
	case m.all && text == "" && !m.segments || m.segments && text == "":
		if key != "" {
			put(c.prefix)
		} else if c.all == nil {
			c.all = r
		}
	case m.exact:
		put(c.exact)
	case m.all:
		put(c.prefix)
	case key == "" && !m.segments && len(c.general) < maxGeneral:
		c.general = append(c.general, r)
	}
}
