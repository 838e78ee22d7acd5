package fix

import (
	"path"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// component is a set of inputs that include each other: what is edited in one is proved by those that read it.
type component struct {
	inputs  []int // indexes of its inputs, in order
	roots   []int // of them, those that no other one includes
	relates []int // inputs of the same site, which are linked with the roots
	changed bool  // by the last round
	quiet   bool  // nothing more is to be done
	rounds  int
	done    []map[string]edits // what each round did, by file
	applied []*applied
	left    []Left
	err     error
}

// applied is a fix of a past round on its way to the final text.
type applied struct {
	Applied
	file    string
	round   int
	edits   []source.Edit // in the text its round began with
	witness *diag.Witness
	refuses bool // the finding says that the server refuses the file
}

// maxRelatives bounds how many .htaccess files of one site are read again to prove a fix in one of them.
const maxRelatives = 64

// components finds which inputs belong together, and which of them reads a file.
func components(inputs []lint.Input, units []*lint.Unit) (out []*component, owner map[string]*component) {
	byName := map[string]int{}
	for i := range inputs {
		if _, ok := byName[inputs[i].File.Name]; !ok {
			byName[inputs[i].File.Name] = i
		}
	}
	group := make([]int, len(inputs))
	for i := range group {
		group[i] = i
	}
	var find func(i int) int
	find = func(i int) int {
		for group[i] != i {
			group[i] = group[group[i]]
			i = group[i]
		}
		return i
	}
	included := make([]bool, len(inputs))
	for i, u := range units {
		for _, f := range u.Files[1:] {
			if j, ok := byName[f.Name]; ok && j != i {
				included[j] = true
				if a, b := find(i), find(j); a != b {
					group[max(a, b)] = min(a, b)
				}
			}
		}
	}
	at := map[int]*component{}
	owner = map[string]*component{}
	for i := range inputs {
		if byName[inputs[i].File.Name] != i {
			continue // named twice
		}
		c := at[find(i)]
		if c == nil {
			c = &component{changed: true}
			at[find(i)] = c
			out = append(out, c)
		}
		c.inputs = append(c.inputs, i)
		if !included[i] {
			c.roots = append(c.roots, i)
		}
		for _, f := range units[i].Files {
			if j, ok := byName[f.Name]; !ok || j == i {
				owner[f.Name] = c
			}
		}
	}
	below := byFolder(inputs)
	for _, c := range out {
		if len(c.roots) == 0 {
			c.roots = c.inputs[:1] // they include each other
		}
		c.relates = below.relatives(inputs, c)
	}
	return out, owner
}

// folders are the .htaccess files that lie in a folder or below it, by folder.
type folders map[string][]int

func byFolder(inputs []lint.Input) folders {
	out := folders{}
	for i := range inputs {
		if in := &inputs[i]; in.Context == ir.ContextHtaccess && in.Dir != "" {
			for dir := path.Clean(in.Dir); ; dir = path.Dir(dir) {
				out[dir] = append(out[dir], i)
				if dir == path.Dir(dir) {
					break
				}
			}
		}
	}
	return out
}

// relatives are the .htaccess files above and below that of a component.
func (f folders) relatives(inputs []lint.Input, c *component) []int {
	in := &inputs[c.inputs[0]]
	if len(c.inputs) > 1 || in.Context != ir.ContextHtaccess || in.Dir == "" {
		return nil
	}
	own := path.Clean(in.Dir)
	var out []int
	for dir := own; ; dir = path.Dir(dir) {
		for _, i := range f[dir] {
			if i != c.inputs[0] && path.Clean(inputs[i].Dir) == dir && inputs[i].File.Name != in.File.Name {
				out = append(out, i)
			}
		}
		if dir == path.Dir(dir) {
			break
		}
	}
	below := 0
	for _, i := range f[own] {
		if path.Clean(inputs[i].Dir) != own && below < maxRelatives {
			out = append(out, i)
			below++
		}
	}
	return out
}

// run is one call of Apply.
type run struct {
	o      Options
	inputs []lint.Input
	text   map[string][]byte       // of each input, as it stands
	files  map[string]*source.File // the same as files
	groups []*component
	owner  map[string]*component // of each file that is read, inputs and included ones
	asked  *dialogue
}

func newRun(o Options, inputs []lint.Input) *run {
	r := &run{o: o, inputs: inputs, text: map[string][]byte{}, files: map[string]*source.File{}}
	for i := range inputs {
		f := inputs[i].File
		if r.text[f.Name] == nil {
			r.text[f.Name], r.files[f.Name] = f.Text, f
		}
	}
	if o.Decide != nil {
		r.asked = newDialogue(o.Decide)
	}
	return r
}

// input is an input with the text of a scene: its own and those it includes. over replaces texts of the run; it may be nil.
func (r *run) input(i int, over map[string]*source.File) lint.Input {
	in := r.inputs[i]
	current := func(f *source.File) *source.File {
		if g := over[f.Name]; g != nil {
			return g
		}
		if g := r.files[f.Name]; g != nil {
			return g
		}
		return f
	}
	in.File = current(in.File)
	if open := in.Open; open != nil {
		in.Open = func(name string) (*source.File, error) {
			f, err := open(name)
			if err != nil {
				return f, err
			}
			return current(f), nil
		}
	}
	return in
}

// load reads the roots of a component with texts in place of the current ones.
func (r *run) load(c *component, over map[string]*source.File) []*lint.Unit {
	units := make([]*lint.Unit, 0, len(c.roots)+len(c.relates))
	for _, i := range c.roots {
		units = append(units, lint.Load(r.input(i, over)))
	}
	for _, i := range c.relates {
		units = append(units, lint.Load(r.input(i, over)))
	}
	lint.LinkSites(units)
	return units[:len(c.roots)]
}
