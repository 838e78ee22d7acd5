package rules

import (
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/value"
)

const (
	// budgetOfConditions bounds the reasoning that shares one pattern.Space.
	budgetOfConditions = 20000
	// maxConditions bounds how many conditions of one rule are reasoned about together.
	maxConditions = 64
	// maxReasoned bounds how many different conditions of a configuration are reasoned about; conditions of plain text cost
	// next to nothing and do not count. Beyond it nothing is found, which is said in no other way.
	maxReasoned = 20000
)

// reasoner answers about conditions of one configuration.
type reasoner struct {
	server ir.Server
	values *value.Values
	memo   map[conditionKey]judgement
	tested map[string]tested // by text of the template; of the Values at hand
	w      witnesses
}

type tested struct {
	sure, usual pattern.Language
	known       bool
	some        string // a usual value
}

type conditionKey struct {
	test, op, operand string
	kind              ir.CondKind
	negated, fold     bool
}

func newReasoner(server ir.Server) *reasoner {
	r := &reasoner{server: server, memo: map[conditionKey]judgement{}}
	r.renew()
	return r
}

func (r *reasoner) renew() {
	r.values = value.New(r.server, budgetOfConditions)
	r.tested = map[string]tested{}
}

// verdict is what is known of a condition.
type verdict uint8

const (
	sometimes verdict = iota
	neverTrue
	alwaysTrue
)

// judgement is a verdict. With usually set it holds for requests as people send them, and odd is a value of the test string
// for which it does not hold.
type judgement struct {
	verdict
	usually bool
	odd     string
}

// of is the set of values of a test string.
func (r *reasoner) of(t *ir.Template) tested {
	if l, ok := r.tested[t.Text]; ok {
		return l
	}
	v := r.values
	var l tested
	v.Usual = false
	l.sure, _, l.known = v.Text(t, nil)
	v.Usual = true
	l.usual, _, _ = v.Text(t, nil)
	v.Usual = false
	l.some, _, _ = v.Space.Shortest(l.usual)
	if len(r.tested) < 1000 {
		r.tested[t.Text] = l
	}
	return l
}

// judge tells whether a condition is never or always true.
func (r *reasoner) judge(c *ir.Condition) judgement {
	if c.Test == nil || constantOf(c.Test) || len(c.Test.Parts) > 8 {
		return judgement{}
	}
	k := conditionKey{test: c.Test.Text, op: c.Op, kind: c.Kind, negated: c.Negated, fold: c.IgnoreCase}
	switch {
	case c.Kind == ir.CondRegex && c.Pattern != nil && c.Pattern.Re != nil:
		k.operand = c.Pattern.Text
	case c.Kind == ir.CondString && c.Operand != nil:
		k.operand = c.Operand.Text
	case c.Kind == ir.CondTruth:
	default:
		return judgement{}
	}
	if len(k.operand) > 4000 || r.values.Space.Exhausted() {
		r.renew()
	}
	l := r.of(c.Test)
	if !l.known {
		return judgement{}
	}
	// A plain text that the variable can have: now and then it has, now and then it has not.
	if text, ok := plainOperand(c); ok {
		if yes, known := r.values.Space.Contains(l.usual, text); yes && known {
			return judgement{}
		}
	}
	if j, ok := r.memo[k]; ok {
		return j
	}
	if r.plainlySometimes(c, l) {
		return judgement{}
	}
	if len(r.memo) >= maxReasoned {
		return judgement{}
	}
	j := r.reason(c, l)
	r.memo[k] = j
	return j
}

// plainlySometimes finds without much reasoning a value that a pattern matches and one that it does not.
func (r *reasoner) plainlySometimes(c *ir.Condition, l tested) bool {
	if c.Kind != ir.CondRegex {
		return false
	}
	t := c.Pattern.Re.Tree()
	text, ok := t.Example()
	if !ok {
		return false
	}
	if yes, known := r.values.Space.Contains(l.usual, text); !yes || !known {
		return false
	}
	yes, known := t.Finds(l.some, 4096)
	return known && !yes
}

func (r *reasoner) reason(c *ir.Condition, l tested) judgement {
	holds, ok := r.values.Holds(c)
	if !ok {
		return judgement{}
	}
	s := r.values.Space
	if v := compare(s, l.sure, holds); v != sometimes {
		return judgement{verdict: v}
	}
	v := compare(s, l.usual, holds)
	if v == sometimes {
		return judgement{}
	}
	rest := holds
	if v == alwaysTrue {
		rest = s.Not(holds)
	}
	odd, _, known := s.Overlap(l.sure, rest)
	if !known {
		return judgement{}
	}
	return judgement{v, true, odd}
}

// impossible tells whether no text at all matches a pattern.
func (r *reasoner) impossible(p *ir.Pattern) bool {
	l, ok := r.values.Subjects(p)
	if !ok {
		return false
	}
	_, some, known := r.values.Space.Shortest(l)
	return known && !some
}

// compare tells whether two sets exclude each other, or the first is part of the second.
func compare(s *pattern.Space, values, holds pattern.Language) verdict {
	if _, some, known := s.Overlap(values, holds); !known {
		return sometimes
	} else if !some {
		return neverTrue
	}
	if _, some, known := s.Overlap(values, s.Not(holds)); known && !some {
		return alwaysTrue
	}
	return sometimes
}

// plainOperand is the one text that a condition compares with, without regard to "!".
func plainOperand(c *ir.Condition) (string, bool) {
	switch c.Kind {
	case ir.CondString:
		text, ok := c.Operand.Constant()
		return text, ok && c.Op == "="
	case ir.CondRegex:
		text, _, ok := c.Pattern.Re.Tree().Exact()
		return text, ok
	}
	return "", false
}

func constantOf(t *ir.Template) bool {
	_, ok := t.Constant()
	return ok
}

// usesConditionGroups tells whether a rule's texts refer to groups of its conditions.
func usesConditionGroups(r *ir.Rule) bool {
	found := false
	each := func(t *ir.Template) {
		eachPart(t, func(p *ir.Part) { found = found || p.Kind == ir.CondRef })
	}
	each(r.Target)
	for i := range r.Env {
		each(r.Env[i].Value)
		each(r.Env[i].Raw)
	}
	for _, t := range r.Cookies {
		each(t)
	}
	each(r.Handler)
	each(r.MIMEType)
	for _, c := range r.Conditions {
		each(c.Test)
	}
	return found
}

// eachPart calls f for every part of a template, those of map keys and defaults included.
func eachPart(t *ir.Template, f func(p *ir.Part)) {
	if t == nil {
		return
	}
	for i := range t.Parts {
		f(&t.Parts[i])
		eachPart(t.Parts[i].Key, f)
		eachPart(t.Parts[i].Default, f)
	}
}
