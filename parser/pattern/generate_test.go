package pattern

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes patterns of every construct, mostly well formed, over a small alphabet so that they match.
type generator struct {
	*rand.Rand
	groups int
	names  []string
}

func newGenerator(seed uint64) *generator { return &generator{Rand: rand.New(rand.NewPCG(seed, 1))} }

func (g *generator) pick(choices ...string) string { return choices[g.IntN(len(choices))] }

// pattern makes one pattern; one in eight is damaged.
func (g *generator) pattern() string {
	g.groups, g.names = 0, nil
	s := g.alternation(3)
	switch g.IntN(6) {
	case 0:
		s = "^" + s
	case 1:
		s = "^" + s + "$"
	case 2:
		s += "$"
	}
	if g.IntN(30) == 0 {
		s = g.pick("(*UTF)", "(*NO_JIT)", "(*LIMIT_MATCH=100000)", "(*ANYCRLF)", "(*BSR_ANYCRLF)", "(*LF)", "(*LIMIT_MATCH=", "(*UCP)", "(?i)", "(?x)", "(?U)", "(?m)", "(?s)", "(?-s)", "(?J)", "(?n)", "(?xx)") + s
	}
	if g.IntN(8) == 0 {
		s = g.damage(s)
	}
	if strings.HasPrefix(s, "(*UTF") { // the library's messages about bad UTF-8 are not ours to give
		s = strings.Map(func(r rune) rune { return min(r, '~') }, strings.ToValidUTF8(s, "~"))
	}
	return s
}

func (g *generator) damage(s string) string {
	b := []byte(s)
	for range 1 + g.IntN(2) {
		if len(b) == 0 {
			break
		}
		i := g.IntN(len(b))
		switch g.IntN(4) {
		case 0:
			b = append(b[:i:i], b[i+1:]...)
		case 1:
			b = b[:i]
		case 2:
			const odd = `()[]{}|*+?\^$.-:=!<>#&',P01RC` + "\"\x00\xff~kgxocpQEN_"
			b[i] = odd[g.IntN(len(odd))]
		case 3:
			insert := g.pick("(", ")", "[", "]", "{2}", "{2,1}", "{70000}", "{,3}", "*", "+", "?", "\\", "(?", "(*", "(?<", "(?P", "[:alpha:]", "[[:foo:]]", "[.a.]", "(?(", "\\Q", "\\E", "#", "(?#", "-", "\\x{", "\\o{", "\\c", "\\g{", "\\k<", "(?C", "(?&", "\\N{", "\\8", "\\p{")
			b = append(b[:i:i], append([]byte(insert), b[i:]...)...)
		}
	}
	return string(b)
}

func (g *generator) alternation(depth int) string {
	n := 1
	if g.IntN(3) == 0 {
		n += 1 + g.IntN(2)
	}
	var parts []string
	for range n {
		parts = append(parts, g.concat(depth))
	}
	return strings.Join(parts, "|")
}

func (g *generator) concat(depth int) string {
	s := ""
	n := g.IntN(4)
	if depth == 3 {
		n++
	}
	for range n {
		s += g.quantified(depth)
	}
	return s
}

func (g *generator) quantified(depth int) string {
	s := g.atom(depth)
	if g.IntN(3) == 0 {
		s += g.pick("*", "+", "?", "*", "+", "?", "{2}", "{0,1}", "{1,3}", "{2,}", "{0}", "{1}", "{,2}", "{0,}")
		s += g.pick("", "", "", "", "?", "+", "?")
	}
	return s
}

func (g *generator) atom(depth int) string {
	if depth > 0 && g.IntN(3) == 0 {
		return g.group(depth - 1)
	}
	switch g.IntN(26) {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		return g.pick("a", "b", "ab", "/", "c", "A", "k", "1", "\\.", "-", "_", "aB", "\xe9", " ")
	case 8, 9, 10:
		return "."
	case 11, 12:
		return g.pick(`\d`, `\w`, `\s`, `\h`, `\v`, `\D`, `\W`, `\S`, `\H`, `\V`, `\N`, `\R`, `\C`, `\X`, `\p{L}`, `\PL`, `\p{^Lu}`, `\p{Any}`)
	case 13, 14, 15:
		return g.class()
	case 16:
		return g.pick(`\A`, `\z`, `\Z`, `\b`, `\B`, `\G`, "^", "$", `\K`)
	case 17:
		return g.pick(`\n`, `\t`, `\x41`, `\x{62}`, `\141`, `\o{142}`, `\cA`, `\e`, `\x`, `\0`, `\/`, `\-`, `\xe9`, `\_`, `\r`)
	case 18:
		return `\Q` + g.pick("a.b", "a", "", "*", "(", `\`) + `\E`
	case 19:
		return g.pick("(?i)", "(?s)", "(?m)", "(?x)", "(?-i)", "(?-s)", "(?U)", "(?^)", "(?im-s)", "(?xx)", "(?n)", "(?J)", "(?#note)", "(?-x)", "(?)")
	case 20, 21:
		return g.reference()
	case 22:
		return g.pick("(*F)", "(*FAIL)", "(*ACCEPT)", "(*COMMIT)", "(*PRUNE)", "(*SKIP)", "(*THEN)", "(*MARK:a)", "(*:a)", "(*PRUNE:x)", "(?R)", "(?1)", "(?C)", "(?C1)", "(?C'a')", "(?-1)", "(?+1)", "[[:<:]]", "[[:>:]]")
	case 23:
		return g.pick("# b\n", " ", "x", "{", "}", "]", ",", "\n")
	}
	return g.pick("a", "b", "c")
}

func (g *generator) reference() string {
	if len(g.names) > 0 && g.IntN(2) == 0 {
		n := g.names[g.IntN(len(g.names))]
		return fmt.Sprintf(g.pick(`\k<%s>`, `\k'%s'`, `\k{%s}`, `\g{%s}`, `(?P=%s)`, `(?&%s)`, `(?P>%s)`, `\g<%s>`), n)
	}
	n := 1 + g.IntN(max(1, g.groups))
	return fmt.Sprintf(g.pick(`\%d`, `\g{%d}`, `\g%d`, `\g{-%d}`, `\g<%d>`, `(?%d)`), n)
}

func (g *generator) class() string {
	s := "["
	if g.IntN(4) == 0 {
		s += "^"
	}
	if g.IntN(12) == 0 {
		s += "]"
	}
	for range 1 + g.IntN(3) {
		s += g.pick("a", "b", "A", "/", "-", ".", "a-c", "A-Z", "0-9", "a-z", `\d`, `\w`, `\s`, `\D`, `\W`, `\h`, `\V`, "[:alpha:]", "[:^digit:]", "[:upper:]",
			"[:punct:]", "[:space:]", "[:xdigit:]", `\n`, `\x41-\x43`, `\]`, `\\`, "^", "\xe0-\xef", `\b`, "_", `\Qa-c\E`, "[", " ", `\p{Ll}`, `\-`, `\141`, "é", "&&", "A-z", `\x{e9}`, "[:word:]", "[:print:]", "[:lower:]")
	}
	return s + "]"
}

func (g *generator) group(depth int) string {
	body := func() string { return g.alternation(depth) }
	switch g.IntN(24) {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		g.groups++
		return "(" + body() + ")"
	case 8, 9, 10:
		return "(?:" + body() + ")"
	case 11:
		return g.pick("(?i:", "(?s:", "(?m:", "(?-i:", "(?x:", "(?^:", "(?i-s:", "(?n:", "(?U:") + body() + ")"
	case 12:
		return "(?>" + body() + ")"
	case 13, 14:
		return g.pick("(?=", "(?!", "(?!", "(*pla:", "(*nla:") + body() + ")"
	case 15, 16:
		return g.pick("(?<=", "(?<!", "(*plb:") + g.fixed(depth) + ")"
	case 17:
		return "(?<=" + body() + ")"
	case 18:
		return "(?|" + body() + "|" + body() + ")"
	case 19, 20:
		g.groups++
		name := g.pick("n", "m", "n1", "R", "R1")
		if g.IntN(3) > 0 {
			name = fmt.Sprintf("n%d", g.groups)
		}
		g.names = append(g.names, name)
		return fmt.Sprintf(g.pick("(?<%s>", "(?'%s'", "(?P<%s>"), name) + body() + ")"
	case 21:
		return "(?(" + g.pick("1", "2", "-1", "+1", "<n1>", "'n1'", "R", "R1", "R&n1", "n1", "DEFINE", "VERSION>=10.4", "VERSION=10.42") + ")" + g.concat(depth) + g.pick("", "|"+g.concat(depth), "|b|c") + ")"
	case 22:
		return "(?(" + g.pick("?=", "?!", "?<=", "?<!", "*pla:", "?C1)(?=") + g.fixed(0) + ")" + g.concat(depth) + "|" + g.concat(depth) + ")"
	default:
		return g.pick("(?*", "(?<*", "(*napla:", "(*atomic:", "(*sr:", "(*asr:", "(*foo:") + body() + ")"
	}
}

// fixed writes branches of fixed length.
func (g *generator) fixed(depth int) string {
	branch := func() string {
		s := ""
		for range g.IntN(3) {
			switch g.IntN(7) {
			case 0:
				s += "."
			case 1:
				s += g.class()
			case 2:
				g.groups++
				s += "(" + g.pick("a", "b|c", "ab") + ")"
			case 3:
				s += g.pick("a{2}", "(?:ab){2}", "(a){2}", "^", `\b`, "$", "(?=a)", "(?<=b)")
			default:
				s += g.pick("a", "b", "/", "1")
			}
		}
		return s
	}
	s := branch()
	for range g.IntN(2) {
		s += "|" + branch()
	}
	return s
}

// subject makes a text that the pattern is likely to match, or nearly.
func (g *generator) subject(t *Tree) string {
	s := ""
	if t != nil && g.IntN(4) > 0 {
		var b strings.Builder
		g.sample(&b, t.Root, 0)
		s = b.String()
	}
	for g.IntN(3) == 0 && len(s) < 60 {
		c := g.pick("a", "b", "c", "A", "B", "k", "K", "1", "/", "\n", "\r\n", "_", " ", "-", ".", "\xe9", "\x85", "\u212a", "aa", "ab", "\x00", "#")
		i := 0
		if s != "" {
			i = g.IntN(len(s) + 1)
		}
		s = s[:i] + c + s[i:]
	}
	return s
}

func (g *generator) sample(b *strings.Builder, n Node, depth int) {
	if b.Len() > 40 || depth > 40 {
		return
	}
	one := func(s ByteSet) {
		var all []byte
		s.Ranges(func(lo, hi byte) {
			for c := int(lo); c <= int(hi); c++ {
				if strings.IndexByte("abcABkK1/\n\r_ -.\xe9", byte(c)) >= 0 {
					all = append(all, byte(c))
				}
			}
		})
		if len(all) == 0 {
			if c, ok := s.First(); ok {
				all = []byte{c}
			} else {
				return
			}
		}
		b.WriteByte(all[g.IntN(len(all))])
	}
	switch n := n.(type) {
	case *Literal:
		s := n.Text
		if n.Caseless && g.IntN(2) == 0 {
			s = strings.ToUpper(s)
		}
		b.WriteString(s)
	case *Any:
		if n.Newline {
			one(allBytes)
		} else {
			one(newlineSet.Not())
		}
	case *Class:
		one(n.Set)
	case *Newline, *Grapheme:
		b.WriteString(g.pick("\n", "\r\n", "\r", "\x85"))
	case *Anchor:
		if (n.Kind == SubjectEndOrNewline || n.Kind == LineEnd) && g.IntN(3) == 0 {
			b.WriteString("\n")
		}
	case *Group:
		if n.Kind != NegativeLookahead && n.Kind != NegativeLookbehind && (!n.Kind.IsLookaround() || g.IntN(3) == 0) {
			g.sample(b, n.Body, depth+1)
		}
	case *Concat:
		for _, p := range n.Parts {
			g.sample(b, p, depth+1)
		}
	case *Alternation:
		g.sample(b, n.Branches[g.IntN(len(n.Branches))], depth+1)
	case *Repeat:
		for range min(n.Min, 5) + g.IntN(3) {
			g.sample(b, n.Body, depth+1)
		}
	case *BackReference:
		b.WriteString(g.pick("a", "b", "ab", "aa", ""))
	case *Conditional:
		if n.No != nil && g.IntN(2) == 0 {
			g.sample(b, n.No, depth+1)
		} else {
			g.sample(b, n.Yes, depth+1)
		}
	}
}
