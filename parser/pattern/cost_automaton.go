package pattern

import "slices"

// An automaton has a state for each place of a pattern that takes a byte (Glushkov 1961), and counts in how many ways
// one follows another: two ways without a byte between them are an ambiguity too.
type automaton struct {
	sets  []ByteSet
	edges [][]edge
	start []edge
	steps int // work done
}

type edge struct {
	to   int
	ways uint8 // 1, or 2 for more than one
}

const (
	// maxStates bounds the automata that are looked at.
	maxStates = 300
	// maxWork bounds the work on one automaton, in pairs of edges.
	maxWork = 2_000_000
)

// fragment is a part of an automaton: where it begins and ends, and in how many ways it takes nothing.
type fragment struct {
	first, last []edge
	empty       uint8
}

func automatonOf(t *Tree) (*automaton, bool) {
	a := &automaton{}
	f, ok := a.build(t.Root)
	a.start = f.first
	return a, ok && len(a.sets) > 0
}

func capped(a, b uint8) uint8 { return min(a*b, 2) }

// join is a set of edges added to another, times over.
func join(list, more []edge, times uint8) []edge {
	if times == 0 {
		return list
	}
next:
	for _, e := range more {
		for i := range list {
			if list[i].to == e.to {
				list[i].ways = min(list[i].ways+capped(e.ways, times), 2)
				continue next
			}
		}
		list = append(list, edge{e.to, capped(e.ways, times)})
	}
	return list
}

func (a *automaton) connect(from, to []edge) bool {
	for _, f := range from {
		a.edges[f.to] = join(a.edges[f.to], to, f.ways)
		if a.steps += len(to) + len(a.edges[f.to]); a.steps > maxWork {
			return false
		}
	}
	return true
}

func (a *automaton) byteOf(set ByteSet) (fragment, bool) {
	if len(a.sets) >= maxStates || set.Empty() {
		return fragment{}, false
	}
	a.sets = append(a.sets, set)
	a.edges = append(a.edges, nil)
	one := edge{len(a.sets) - 1, 1}
	return fragment{first: []edge{one}, last: []edge{one}}, true
}

func (a *automaton) concat(x, y fragment) (fragment, bool) {
	if !a.connect(x.last, y.first) {
		return fragment{}, false
	}
	return fragment{first: join(slices.Clone(x.first), y.first, x.empty), last: join(slices.Clone(y.last), x.last, y.empty),
		empty: capped(x.empty, y.empty)}, true
}

var nothing = fragment{empty: 1}

func (a *automaton) build(n Node) (f fragment, ok bool) {
	switch n := n.(type) {
	case *Literal:
		f, ok = nothing, true
		for i := 0; i < len(n.Text) && ok; i++ {
			var set ByteSet
			set.Add(n.Text[i])
			if n.Caseless {
				set = set.foldCase()
			}
			var one fragment
			if one, ok = a.byteOf(set); ok {
				f, ok = a.concat(f, one)
			}
		}
		return f, ok
	case *Any, *Class:
		set, ok := singleByte(n)
		if !ok {
			return f, false
		}
		return a.byteOf(set)
	case *Newline:
		return a.byteOf(n.Set)
	case *Grapheme:
		return a.byteOf(allBytes)
	case *Concat:
		f = nothing
		for _, p := range n.Parts {
			one, ok := a.build(p)
			if !ok {
				return f, false
			}
			if f, ok = a.concat(f, one); !ok {
				return f, false
			}
		}
		return f, true
	case *Alternation:
		for _, b := range n.Branches {
			one, ok := a.build(b)
			if !ok {
				return f, false
			}
			f.first, f.last, f.empty = join(f.first, one.first, 1), join(f.last, one.last, 1), min(f.empty+one.empty, 2)
		}
		return f, true
	case *Group:
		return a.build(n.Body)
	case *Repeat:
		return a.repeat(n)
	}
	return nothing, true
}

// repeat writes out the rounds that are sure; many optional ones are taken for any number.
func (a *automaton) repeat(n *Repeat) (f fragment, ok bool) {
	if n.Max == 0 {
		return nothing, true
	}
	f = nothing
	least := min(n.Min, 3)
	open := n.Max < 0 || n.Max-n.Min > 3
	if open && least > 0 {
		least-- // the loop is the last of them
	}
	for range least {
		one, ok := a.build(n.Body)
		if !ok {
			return f, false
		}
		if f, ok = a.concat(f, one); !ok {
			return f, false
		}
	}
	if open {
		loop, ok := a.build(n.Body)
		if !ok || !a.connect(loop.last, loop.first) {
			return f, false
		}
		if n.Min == 0 {
			loop.empty = 1
		}
		return a.concat(f, loop)
	}
	for range n.Max - n.Min {
		one, ok := a.build(n.Body)
		if !ok {
			return f, false
		}
		one.empty = 1
		if f, ok = a.concat(f, one); !ok {
			return f, false
		}
	}
	return f, true
}

// components numbers the strongly connected components of a graph (Tarjan 1972, without recursion); a state of a
// component of its own without an edge to itself loops nowhere.
func components(n int, next func(v int) []int) []int {
	index, low, comp := make([]int, n), make([]int, n), make([]int, n)
	for i := range comp {
		comp[i] = -1
	}
	type frame struct {
		v  int
		to []int
	}
	var stack []int
	onStack := make([]bool, n)
	count, found := 0, 0
	for root := range n {
		if index[root] != 0 {
			continue
		}
		frames := []frame{{v: root, to: next(root)}}
		count++
		index[root], low[root] = count, count
		stack, onStack[root] = append(stack, root), true
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			if len(f.to) > 0 {
				w := f.to[0]
				f.to = f.to[1:]
				if index[w] == 0 {
					count++
					index[w], low[w] = count, count
					stack, onStack[w] = append(stack, w), true
					frames = append(frames, frame{v: w, to: next(w)})
				} else if onStack[w] {
					low[f.v] = min(low[f.v], index[w])
				}
				continue
			}
			v := f.v
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				u := frames[len(frames)-1].v
				low[u] = min(low[u], low[v])
			}
			if low[v] == index[v] {
				for {
					w := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					onStack[w] = false
					comp[w] = found
					if w == v {
						break
					}
				}
				found++
			}
		}
	}
	return comp
}
