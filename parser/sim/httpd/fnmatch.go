package httpd

// isWild tells whether a name has wildcards. Source: apr strings/apr_fnmatch.c, apr_fnmatch_test.
func isWild(s string) bool {
	nesting := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '?', '*':
			return true
		case '\\':
			i++
		case '[':
			nesting = true
		case ']':
			if nesting {
				return true
			}
		}
	}
	return false
}

// fnmatch compares a name with wildcards: * and ? and [sets], \ takes the meaning away. With pathname set, a slash
// is matched by a slash only. Work is bounded by the product of both lengths.
// Source: apr strings/apr_fnmatch.c.
func fnmatch(pat, s string, pathname, fold bool) bool {
	p, i := 0, 0
	starP, starI := -1, 0
	for {
		if p < len(pat) && pat[p] == '*' {
			starP, starI = p, i
			p++
			continue
		}
		if i == len(s) {
			if p == len(pat) {
				return true
			}
		} else if p < len(pat) {
			if n, ok := fnmatchOne(pat[p:], s[i], pathname, fold); ok {
				p, i = p+n, i+1
				continue
			}
		}
		if starP < 0 || starI >= len(s) || pathname && s[starI] == '/' {
			return false
		}
		starI++
		p, i = starP+1, starI
	}
}

// fnmatchOne compares one byte with the first item of a pattern and tells how long the item is.
func fnmatchOne(pat string, c byte, pathname, fold bool) (n int, ok bool) {
	same := func(a, b byte) bool { return a == b || fold && lowerByte(a) == lowerByte(b) }
	switch pat[0] {
	case '?':
		return 1, !pathname || c != '/'
	case '\\':
		if len(pat) > 1 {
			return 2, same(pat[1], c)
		}
		return 1, c == '\\'
	case '[':
		j, negated := 1, false
		if j < len(pat) && (pat[j] == '!' || pat[j] == '^') {
			negated = true
			j++
		}
		found := false
		for start := j; j < len(pat); j++ {
			if pat[j] == ']' && j > start {
				return j + 1, found != negated && (!pathname || c != '/')
			}
			if pathname && pat[j] == '/' {
				break
			}
			lo := pat[j]
			if lo == '\\' && j+1 < len(pat) {
				j++
				lo = pat[j]
			}
			hi := lo
			if j+2 < len(pat) && pat[j+1] == '-' && pat[j+2] != ']' {
				j += 2
				hi = pat[j]
				if hi == '\\' && j+1 < len(pat) {
					j++
					hi = pat[j]
				}
			}
			if lo <= c && c <= hi || fold && lowerByte(lo) <= lowerByte(c) && lowerByte(c) <= lowerByte(hi) {
				found = true
			}
		}
		return 1, c == '['
	}
	return 1, same(pat[0], c)
}

// wildcard compares a name with * and ? as ServerAlias and -strmatch do. Work is bounded by the product of both
// lengths. Source: httpd server/util.c, ap_strcmp_match and ap_strcasecmp_match.
func wildcard(pat, s string, fold bool) bool {
	p, i := 0, 0
	starP, starI := -1, 0
	for {
		switch {
		case p < len(pat) && pat[p] == '*':
			starP, starI = p, i
			p++
			continue
		case i == len(s):
			if p == len(pat) {
				return true
			}
			return false
		case p < len(pat) && (pat[p] == '?' || pat[p] == s[i] || fold && lowerByte(pat[p]) == lowerByte(s[i])):
			p, i = p+1, i+1
			continue
		}
		if starP < 0 {
			return false
		}
		starI++
		p, i = starP+1, starI
	}
}
