package lint

import "sync"

// memo is one thing that a unit remembers.
type memo struct {
	once  sync.Once
	value any
}

// Memo is what make gives for a key, made once for a unit: what several rules work out of the same configuration. The key
// is of a type of the caller's own. Rules that do not ask the site share it with others that run at the same time: what
// they get is read only, or guards itself.
func (u *Unit) Memo(key any, make func() any) any {
	u.memoLock.Lock()
	m := u.memo[key]
	if m == nil {
		m = &memo{}
		if u.memo == nil {
			u.memo = map[any]*memo{}
		}
		u.memo[key] = m
	}
	u.memoLock.Unlock()
	m.once.Do(func() { m.value = make() })
	return m.value
}
