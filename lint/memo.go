package lint

// Memo is what make gives for a key, made once for a unit: what several rules work out of the same configuration. The key
// is of a type of the caller's own. It is for the goroutine that checks the unit.
func (u *Unit) Memo(key any, make func() any) any {
	v, ok := u.memo[key]
	if !ok {
		v = make()
		if u.memo == nil {
			u.memo = map[any]any{}
		}
		u.memo[key] = v
	}
	return v
}
