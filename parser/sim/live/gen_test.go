package live

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"

	"rewright/parser/sim"
)

// gen draws from grammars; the same seed draws the same things.
type gen struct{ *rand.Rand }

func newGen(seed uint64) gen { return gen{rand.New(rand.NewPCG(seed, 0x5eed))} }

// chance is true in p of 100 cases.
func (g gen) chance(p int) bool { return g.IntN(100) < p }

// pick takes one of several.
func (g gen) pick(of ...string) string { return of[g.IntN(len(of))] }

// some takes each with the probability p (of 100), in order.
func (g gen) some(p int, of ...string) []string {
	var out []string
	for _, s := range of {
		if g.chance(p) {
			out = append(out, s)
		}
	}
	return out
}

var (
	lookAround = regexp.MustCompile(`\(\?<?[!=](?:[^()\\]|\\.|\([^()]*\))*\)`)
	possessive = regexp.MustCompile(`([+*?}])\+`)
	nginxGroup = regexp.MustCompile(`\(\?'(\w+)'`)
)

// sample makes a string that the PCRE pattern probably matches; whether it really does is the servers' business.
func (g gen) sample(pattern string) string {
	p := lookAround.ReplaceAllString(pattern, "")
	p = strings.ReplaceAll(possessive.ReplaceAllString(p, "$1"), "(?>", "(?:")
	p = nginxGroup.ReplaceAllString(p, "(?P<$1>")
	re, err := syntax.Parse(p, syntax.Perl)
	if err != nil {
		if re, err = syntax.Parse(regexp.QuoteMeta(pattern), syntax.Perl); err != nil {
			return "a"
		}
	}
	var b strings.Builder
	begin, end := g.emit(&b, re, 0)
	s := b.String()
	if !begin && g.chance(30) {
		s = g.pick("x", "a/", "old-", "/") + s
	}
	if !end && g.chance(30) {
		s += g.pick("x", "/a", ".html", "/", "1")
	}
	return s
}

// emit writes a match of re and tells whether it met an anchor at its start and end.
func (g gen) emit(b *strings.Builder, re *syntax.Regexp, depth int) (begin, end bool) {
	times := func(least, most int) {
		for range least + g.IntN(most-least+1) {
			g.emit(b, re.Sub[0], depth+1)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			s := string(r)
			if re.Flags&syntax.FoldCase != 0 && g.chance(40) {
				s = strings.ToUpper(s)
			}
			b.WriteString(s)
		}
	case syntax.OpCharClass:
		b.WriteString(g.classMember(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString(g.pick("a", "b", "c", "x", "1", "2", "/", "-", ".", "_", "a", "b", "é", " ", "?", "%", "+", "&"))
	case syntax.OpStar:
		times(0, 4)
	case syntax.OpPlus:
		times(1, 4)
	case syntax.OpQuest:
		times(0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + 2
		}
		times(re.Min, max(re.Min, min(most, re.Min+3)))
	case syntax.OpConcat:
		for i, sub := range re.Sub {
			x, y := g.emit(b, sub, depth+1)
			begin = begin || i == 0 && x
			end = i == len(re.Sub)-1 && y
		}
		return begin, end
	case syntax.OpAlternate:
		return g.emit(b, re.Sub[g.IntN(len(re.Sub))], depth+1)
	case syntax.OpCapture:
		return g.emit(b, re.Sub[0], depth+1)
	case syntax.OpBeginText, syntax.OpBeginLine:
		return true, false
	case syntax.OpEndText, syntax.OpEndLine:
		return false, true
	}
	return false, false
}

// classMember takes a member of a character class, a common character if it has one.
func (g gen) classMember(ranges []rune) string {
	in := func(r rune) bool {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= r && r <= ranges[i+1] {
				return true
			}
		}
		return false
	}
	for range 20 {
		if r := []rune("abcxyz012ABC-_./ ")[g.IntN(17)]; in(r) {
			return string(r)
		}
	}
	for r := rune(0x21); r < 0x7f; r++ {
		if in(r) {
			return string(r)
		}
	}
	if len(ranges) > 0 {
		return string(ranges[0])
	}
	return "a"
}

// encodePath writes decoded bytes as a request path, with a needless escape now and then.
func (g gen) encodePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`#?%"<>\^{|}`+"`", c) >= 0 && !(c == '?' && g.chance(20)):
			fmt.Fprintf(&b, "%%%02X", c)
		case c != '/' && g.chance(1):
			fmt.Fprintf(&b, "%%%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (g gen) query() string {
	switch {
	case g.chance(60):
		return ""
	case g.chance(10):
		return "?"
	}
	return "?" + g.pick("x=1", "a=b&c=d", "q=%20x", "x", "x=1&x=2", "id=7", "id=7&page=2", "p=a/b", "a=1?b=2", "q=a+b", "x=%26y", "q=%C3%A9", "&a=1", "a=1&", "X=1", "page=old")
}

// scenario is what requests to a site are drawn from.
type scenario struct {
	paths    []string // decoded paths that mean something to it, with their leading slash
	patterns []string // regular expressions, for paths
	perDir   bool     // patterns have no leading slash
	headers  [][2]string
}

// request draws a request.
func (g gen) request(sc scenario) sim.Request {
	r := sim.Request{Method: "GET", Scheme: "http", Host: "example.test"}
	var path string
	switch n := g.IntN(10); {
	case n < 4 && len(sc.patterns) > 0:
		path = g.sample(sc.patterns[g.IntN(len(sc.patterns))])
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
			if g.chance(15) {
				path = g.pick("/sub", "/d", "/a", "/dir") + path
			}
		}
	case n < 8 && len(sc.paths) > 0:
		path = sc.paths[g.IntN(len(sc.paths))]
		if g.chance(20) {
			path += g.pick("/", "x", "/x", ".html", "/a/b", "//")
		}
	default:
		path = g.pick("/", "/a", "/b", "/a/b", "/a/b/c", "/x", "/dir", "/dir/", "/index.html", "/page.php", "/old/1", "/a b", "/é", "/none/x", "/sub/", "/d/")
	}
	r.Target = g.encodePath(path)
	if g.chance(4) {
		i := g.IntN(len(r.Target))
		r.Target = r.Target[:i] + g.pick("//", "/./", "/../", "%2e", "%2F", "%25", "%3f", "%zz", "%", "%20", "+", "/%2e%2e/", "%00", ";x", "%23", "\xc3\xa9", "~", "=", "&", "'", "%41", "%0a", "|") + r.Target[i:]
		if r.Target[0] != '/' {
			r.Target = "/" + r.Target
		}
	}
	r.Target += g.query()
	if g.chance(1) {
		r.Target = g.pick("http://example.test"+r.Target, "http://other.test/a?x=1", "*", "http://example.test")
	}
	if g.chance(12) {
		r.Method = g.pick("POST", "HEAD", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")
	}
	if g.chance(20) {
		r.Host = g.pick("www.example.test", "other.test", "EXAMPLE.test", "example.test:8080", "example.test:80", "example.test.", "old.example.test", "127.0.0.1", "m.example.test")
	}
	if g.chance(8) {
		r.Scheme = "https"
	}
	if g.chance(2) {
		r.Version = "1.0"
		if g.chance(50) {
			r.NoHost, r.Host = true, ""
		}
	}
	for range g.IntN(3) {
		if g.chance(40) {
			switch {
			case len(sc.headers) > 0 && g.chance(60):
				r.Header = append(r.Header, sc.headers[g.IntN(len(sc.headers))])
			default:
				r.Header = append(r.Header, [][2]string{{"User-Agent", "Mozilla/5.0 (bot)"}, {"User-Agent", "curl/8"},
					{"Accept", "text/html,*/*;q=0.8"}, {"Accept", "image/webp"}, {"Cookie", "lang=de; id=7"}, {"Referer", "http://example.test/a"},
					{"Referer", "http://evil.test/"}, {"X-A", "1"}, {"X-A", "abc"}, {"Accept-Language", "de"}, {"X-Forwarded-Proto", "https"}}[g.IntN(11)])
			}
		}
	}
	// A header sent twice is joined by httpd and may be refused by nginx: one of a name is enough.
	seen := map[string]bool{}
	kept := r.Header[:0]
	for _, h := range r.Header {
		if name := strings.ToLower(h[0]); !seen[name] {
			seen[name] = true
			kept = append(kept, h)
		}
	}
	r.Header = kept
	return r
}
