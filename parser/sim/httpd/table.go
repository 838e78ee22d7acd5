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
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
