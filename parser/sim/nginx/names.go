package nginx

import "strings"

// nameTable looks names up as nginx's combined hash does: exact, longest *.x, longest x.*. Keys are in lower case.
// Source: nginx src/core/ngx_hash.c, ngx_hash_find_combined.
type nameTable[T any] struct {
	exact map[string]T
	head  map[string]T    // of *.x and .x, by ".x"
	tail  map[string]T    // of x.*, by "x"
	lost  map[string]bool // exact names of a .x that came to nothing: nobody else can have them
}

func put[T any](m *map[string]T, key string, v T) {
	if *m == nil {
		*m = map[string]T{}
	}
	if _, taken := (*m)[key]; !taken {
		(*m)[key] = v
	}
}

// addName adds a name that may be a wildcard. The first of two equal names stays. A .x claims x before it is found
// to be in conflict with an earlier *.x, and x belongs to nobody then. Source: ngx_hash_add_key.
func (t *nameTable[T]) addName(name string, v T) {
	name = asciiLower(name)
	switch {
	case len(name) > 1 && name[0] == '.':
		if _, taken := t.exact[name[1:]]; taken || t.lost[name[1:]] {
			return
		}
		if _, taken := t.head[name]; taken {
			put(&t.lost, name[1:], true)
			return
		}
		put(&t.head, name, v)
		put(&t.exact, name[1:], v)
	case len(name) > 2 && strings.HasPrefix(name, "*."):
		put(&t.head, name[1:], v)
	case len(name) > 2 && strings.HasSuffix(name, ".*"):
		put(&t.tail, name[:len(name)-2], v)
	case !t.lost[name]:
		put(&t.exact, name, v)
	}
}

func (t *nameTable[T]) find(name string) (v T, ok bool) {
	if v, ok = t.exact[name]; ok || name == "" {
		return v, ok
	}
	if t.head != nil {
		for i := 0; i < len(name); i++ {
			if name[i] == '.' {
				if v, ok = t.head[name[i:]]; ok {
					return v, true
				}
			}
		}
	}
	if t.tail != nil {
		for i := len(name) - 1; i > 0; i-- {
			if name[i] == '.' {
				if v, ok = t.tail[name[:i]]; ok {
					return v, true
				}
			}
		}
	}
	return v, false
}
