package pattern

// proposal is a text that may be costly: Prefix leads to a loop, Pump runs through it.
type proposal struct {
	prefix, pump string
	degree       int
}

// maxProposals bounds how many are tried.
const maxProposals = 6

// plainest is the byte of a set that is chosen for attacks: one that stands in a URL as it is, if there is one.
func plainest(s ByteSet) byte { return nicest(s) }

// exponential proposes loops that can be run through in two ways on the same word.
func (a *automaton) exponential() []proposal {
	n := len(a.sets)
	comp := components(n, func(v int) []int {
		out := make([]int, len(a.edges[v]))
		for i, e := range a.edges[v] {
			out[i] = e.to
		}
		return out
	})
	var out []proposal
	for v := range n {
		for _, e := range a.edges[v] {
			if e.ways > 1 && comp[e.to] == comp[v] {
				// One byte in two ways, then back to where it began.
				if back, ok := a.path(e.to, v, comp[v], comp); ok {
					out = append(out, proposal{prefix: a.prefix(e.to), pump: back + string([]byte{plainest(a.sets[e.to])})})
				}
			}
		}
		if len(out) >= maxProposals {
			return out
		}
	}
	return append(out, a.pairs(comp)...)
}

// pairs looks for a state that two different ways on the same word lead back to, in the square of each component.
func (a *automaton) pairs(comp []int) []proposal {
	members := map[int][]int{}
	for v, c := range comp {
		members[c] = append(members[c], v)
	}
	var out []proposal
	for _, list := range ordered(members, len(a.sets)) {
		m := len(list)
		if m < 2 || len(out) >= maxProposals || a.steps > maxWork {
			continue
		}
		at := make(map[int]int, m)
		for i, v := range list {
			at[v] = i
		}
		next := func(p int) []int {
			x, y := list[p/m], list[p%m]
			var to []int
			for _, e := range a.edges[x] {
				i, ok := at[e.to]
				if !ok {
					continue
				}
				for _, f := range a.edges[y] {
					j, ok := at[f.to]
					if a.steps++; ok && !a.sets[e.to].And(a.sets[f.to]).Empty() {
						to = append(to, i*m+j)
					}
				}
			}
			if a.steps > maxWork {
				return nil
			}
			return to
		}
		square := components(m*m, next)
		if a.steps > maxWork {
			break
		}
		diagonal := map[int]int{} // component of the square to a state on its diagonal
		for i := range m {
			diagonal[square[i*m+i]] = i
		}
		done := map[int]bool{}
		for p, c := range square {
			i, ok := diagonal[c]
			if p/m == p%m || !ok || done[c] {
				continue
			}
			done[c] = true
			inside := func(q int) []int {
				var to []int
				for _, w := range next(q) {
					if square[w] == c {
						to = append(to, w)
					}
				}
				return to
			}
			letter := func(q int) byte { return plainest(a.sets[list[q/m]].And(a.sets[list[q%m]])) }
			there, ok1 := walkTo(i*m+i, p, m*m, inside, letter)
			back, ok2 := walkTo(p, i*m+i, m*m, inside, letter)
			if ok1 && ok2 {
				out = append(out, proposal{prefix: a.prefix(list[i]), pump: there + back})
			}
		}
	}
	return out
}

// ordered are the components by their first state.
func ordered(members map[int][]int, n int) [][]int {
	first := make([][]int, n)
	for _, list := range members {
		first[list[0]] = list
	}
	var out [][]int
	for _, list := range first {
		if list != nil {
			out = append(out, list)
		}
	}
	return out
}

// polynomial proposes bytes that three loops or more one behind another all take. A search that may begin anywhere is
// a loop too.
func (a *automaton) polynomial(t *Tree) []proposal {
	var out []proposal
	tried := map[byte]bool{}
	for v := range a.sets {
		loops := false
		for _, e := range a.edges[v] {
			loops = loops || e.to == v
		}
		if !loops {
			continue
		}
		for _, c := range []byte{plainest(a.sets[v]), 'a', '/'} {
			if !a.sets[v].Has(c) || tried[c] {
				continue
			}
			tried[c] = true
			from, most := a.longest(c)
			if !t.Anchored() {
				most++
			}
			if most >= 3 {
				out = append(out, proposal{prefix: a.prefixBefore(from, c), pump: string([]byte{c}), degree: most})
			}
		}
		if len(out) >= maxProposals {
			break
		}
	}
	return out
}

// longest is the largest number of loops on one byte that lie on one way, and the state of the first of them.
func (a *automaton) longest(c byte) (from, most int) {
	n := len(a.sets)
	next := func(v int) []int {
		var to []int
		for _, e := range a.edges[v] {
			if a.sets[v].Has(c) && a.sets[e.to].Has(c) {
				to = append(to, e.to)
			}
		}
		return to
	}
	comp := components(n, next)
	count := 0
	for _, k := range comp {
		count = max(count, k+1)
	}
	loops, first := make([]int, count), make([]int, count)
	for v := range n {
		first[comp[v]] = v
		for _, w := range next(v) {
			if comp[w] == comp[v] {
				loops[comp[v]] = 1
			}
		}
	}
	// Tarjan numbers a component after those it leads to.
	best := make([]int, count)
	out := make([][]int, count)
	for v := range n {
		for _, w := range next(v) {
			if comp[w] != comp[v] {
				out[comp[v]] = append(out[comp[v]], comp[w])
			}
		}
	}
	for k := range count {
		for _, to := range out[k] {
			best[k] = max(best[k], best[to])
		}
		best[k] += loops[k]
		if loops[k] > 0 && best[k] > most {
			from, most = first[k], best[k]
		}
	}
	return from, most
}

// prefix is a shortest text that leads from the start to a state, its own byte included.
func (a *automaton) prefix(to int) string {
	n := len(a.sets)
	start := func(q int) []int {
		list := a.start
		if q < n {
			list = a.edges[q]
		}
		out := make([]int, len(list))
		for i, e := range list {
			out[i] = e.to
		}
		return out
	}
	text, _ := walkTo(n, to, n+1, start, func(q int) byte { return plainest(a.sets[q]) })
	return text
}

// prefixBefore is prefix without the last byte, when that is the pump itself.
func (a *automaton) prefixBefore(to int, c byte) string {
	text := a.prefix(to)
	for len(text) > 0 && text[len(text)-1] == c {
		text = text[:len(text)-1]
	}
	if text == "" {
		return ""
	}
	if a.sets[to].Has(text[len(text)-1]) {
		return text[:len(text)-1]
	}
	return text
}

// path is a shortest text from a state to another one inside of a component; empty when they are the same.
func (a *automaton) path(from, to, c int, comp []int) (string, bool) {
	if from == to {
		return "", true
	}
	return walkTo(from, to, len(a.sets), func(q int) []int {
		var out []int
		for _, e := range a.edges[q] {
			if comp[e.to] == c {
				out = append(out, e.to)
			}
		}
		return out
	}, func(q int) byte { return plainest(a.sets[q]) })
}

// walkTo is the bytes on a shortest way from a vertex to another one, of at least one step.
func walkTo(from, to, n int, next func(q int) []int, letter func(q int) byte) (string, bool) {
	before := make([]int, n)
	for i := range before {
		before[i] = -1
	}
	queue := []int{from}
	for i := 0; i < len(queue); i++ {
		for _, w := range next(queue[i]) {
			if before[w] >= 0 {
				continue
			}
			before[w] = queue[i]
			if w == to {
				var b []byte
				for v := to; ; {
					b = append(b, letter(v))
					if v = before[v]; v == from {
						break
					}
				}
				for l, r := 0, len(b)-1; l < r; l, r = l+1, r-1 {
					b[l], b[r] = b[r], b[l]
				}
				return string(b), true
			}
			queue = append(queue, w)
		}
	}
	return "", false
}
