package pattern

import "strings"

// Cost is how much backtracking a pattern can be driven to, with the text that does it.
//
// The text is proposed by the ambiguity of an automaton built from the tree: when a loop can be run through in two ways
// on the same word, the number of ways to match doubles with each further round (exponential ambiguity); loops one after
// another that all take the same byte share it out among them in polynomially many ways. The idea is that of Weideman,
// van der Merwe, Berglund and Watson, "Analyzing Matching Time Behavior of Backtracking Regular Expression Matchers by
// Using Ambiguity of NFA" (CIAA 2016), after Weber and Seidl, "On the degree of ambiguity of finite automata" (1991).
// What is proposed is then run, step by step, and not believed before the steps grow as they should.
type Cost struct {
	Exponential bool
	Degree      int // steps grow with this power of the length; 0 when Exponential

	Prefix, Pump, Suffix string // Pump is repeated
	Steps                int    // counted for Rounds rounds of the pump
	Rounds               int
}

// Attack is the text with n rounds of the pump.
func (c *Cost) Attack(n int) string { return c.Prefix + strings.Repeat(c.Pump, n) + c.Suffix }

// Cost looks for a text that drives a search by the tree to exponential backtracking, or polynomial of at least degree 3. ok is false
// when none was found and shown; a pattern that is too large to look at has none.
func (t *Tree) Cost() (c Cost, ok bool) {
	if t.foreign || t.utf || !t.mayLoop() {
		return Cost{}, false
	}
	n, ok := automatonOf(t)
	if !ok {
		return Cost{}, false
	}
	trial := trial{tree: t, left: stepsOfTrial}
	for _, p := range n.exponential() {
		if c, ok := trial.exponential(p); ok {
			return c, true
		}
	}
	for _, p := range n.polynomial(t) {
		if c, ok := trial.polynomial(p); ok {
			return c, true
		}
	}
	return Cost{}, false
}

// mayLoop tells whether a pattern has what it takes: a loop around more than one byte, or three loops of one byte, of which
// a search that may begin anywhere is one.
func (t *Tree) mayLoop() bool {
	loops, nested := 0, false
	Walk(t.Root, func(n Node) bool {
		r, ok := n.(*Repeat)
		if !ok || r.Max >= 0 && r.Max < 8 {
			return !nested
		}
		if _, single := singleByte(r.Body); single {
			loops++
		} else {
			nested = nested || hasChoice(r.Body)
		}
		return !nested
	})
	return nested || loops >= 3 || loops == 2 && !t.Anchored()
}

// hasChoice tells whether a body can match in more than one way or length.
func hasChoice(n Node) bool {
	found := false
	Walk(n, func(n Node) bool {
		switch n := n.(type) {
		case *Alternation:
			found = true
		case *Repeat:
			found = found || n.Min != n.Max
		}
		return !found
	})
	return found
}

// suffixes are ends that may make a match fail after a pump; what the pattern cannot do without is put behind, for the
// library looks for it before it begins.
func (t *Tree) suffixes() []string {
	required := ""
	if list := literalsOf(t.Root); len(list) > 0 {
		required = list[len(list)-1].text
	}
	var out []string
	for _, end := range []string{"!", "", "\x01", "~", "/", "..", " ", "0", "a", "-"} {
		out = append(out, end)
		if required != "" {
			out = append(out, end+required, end+required+"\x01")
		}
	}
	return out
}

const (
	// enoughSteps is a number of steps that shows what a text costs.
	enoughSteps = 100_000
	// stepsOfTrial bounds the steps of all runs for one pattern, some hundredths of a second.
	stepsOfTrial = 1_500_000
)

// trial runs proposals until its steps are used up.
type trial struct {
	tree *Tree
	left int
}

func (t *trial) run(subject string, limit int) (steps int, ok bool) {
	if t.left <= 0 {
		return 0, false
	}
	steps, known := t.tree.steps(subject, limit)
	t.left -= steps + 100
	if !known {
		t.left = 0
	}
	return steps, known
}

// exponential runs a proposal with one round of the pump more each time.
func (t *trial) exponential(p proposal) (Cost, bool) {
	for _, suffix := range t.tree.suffixes() {
		c := Cost{Exponential: true, Prefix: p.prefix, Pump: p.pump, Suffix: suffix}
		last, growing := 0, 0
		for rounds := 1; rounds <= 36; rounds++ {
			steps, ok := t.run(c.Attack(rounds), enoughSteps)
			if !ok {
				return Cost{}, false
			}
			if steps >= enoughSteps {
				if growing >= 4 {
					c.Steps, c.Rounds = steps, rounds
					return c, true
				}
				break
			}
			if steps*5 >= last*6 {
				growing++
			} else {
				growing = 0
			}
			if rounds >= 12 && growing < 4 {
				break
			}
			last = steps
		}
	}
	return Cost{}, false
}

// polynomial runs a proposal with twice as many rounds and compares.
func (t *trial) polynomial(p proposal) (Cost, bool) {
	for _, suffix := range t.tree.suffixes() {
		c := Cost{Degree: p.degree, Prefix: p.prefix, Pump: p.pump, Suffix: suffix}
		first, ok := t.run(c.Attack(24), enoughSteps)
		if !ok {
			return Cost{}, false
		}
		if first < 1000 || first >= enoughSteps {
			continue
		}
		second, ok := t.run(c.Attack(48), 10*enoughSteps)
		if ok && second < 10*enoughSteps && second >= 6*first {
			c.Steps, c.Rounds, c.Degree = second, 48, 3
			for first<<(c.Degree+1) <= second+second/4 {
				c.Degree++
			}
			return c, true
		}
	}
	return Cost{}, false
}

// Steps counts the steps of a search as Cost does, up to a limit. ok is false for patterns whose steps are not counted.
func (t *Tree) Steps(subject string, limit int) (n int, ok bool) { return t.steps(subject, limit) }

// MayCost tells whether Cost has something to look at; it is cheap.
func (t *Tree) MayCost() bool { return t.mayLoop() }
