package httpd

// entry is one header field or environment variable.
type entry struct{ key, val string }

// table is an ordered list of entries whose keys compare without regard to letter case, as apr_table_t.
// Source: apr tables/apr_tables.c.
type table []entry

// get gives the first value of a key.
func (t table) get(key string) (string, bool) {
	for i := range t {
		if equalFold(t[i].key, key) {
			return t[i].val, true
		}
	}
	return "", false
}

// set gives a key one value: in the place of its first entry, or at the end; other entries of the key go.
func (t *table) set(key, val string) {
	for i := range *t {
		if equalFold((*t)[i].key, key) {
			(*t)[i] = entry{key, val}
			t.drop(key, i+1)
			return
		}
	}
	*t = append(*t, entry{key, val})
}

// add appends an entry and leaves others of the key alone.
func (t *table) add(key, val string) { *t = append(*t, entry{key, val}) }

// merge appends ", val" to the first entry of the key, or adds one.
func (t *table) merge(key, val string) {
	for i := range *t {
		if equalFold((*t)[i].key, key) {
			(*t)[i].val += ", " + val
			return
		}
	}
	t.add(key, val)
}

func (t *table) unset(key string) { t.drop(key, 0) }

func (t *table) drop(key string, from int) {
	out := (*t)[:from]
	for _, e := range (*t)[from:] {
		if !equalFold(e.key, key) {
			out = append(out, e)
		}
	}
	*t = out
}

func (t table) clone() table { return append(table(nil), t...) }

// overlay puts the entries of base behind those of t, so that t's are found first. Neither is changed.
func (t table) overlay(base table) table {
	out := make(table, 0, len(t)+len(base))
	return append(append(out, t...), base...)
}

// equalFold compares ASCII without regard to letter case, as httpd does.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func toLower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

func toUpper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c &^ 0x20
		}
	}
	return string(b)
}

func hasPrefixFold(s, prefix string) bool { return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix) }

// atoi is C's: blanks, a sign, digits; the rest is ignored.
func atoi(s string) int {
	i := 0
	for i < len(s) && (s[i] == ' ' || '\t' <= s[i] && s[i] <= '\r') {
		i++
	}
	negative := false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	n := int64(0)
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n < 1<<59 {
			n = n*10 + int64(s[i]-'0')
		} else {
			n = 1<<63 - 1
			break
		}
	}
	if negative {
		n = -n
	}
	return int(n)
}

// cInt is what C's atoi makes of text: the low 32 bits of strtol.
func cInt(s string) int { return int(int32(atoi(s))) }
