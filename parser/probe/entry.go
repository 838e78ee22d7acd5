package probe

import (
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// Entry are requests for which the source of an nginx map is what its entry i asks for. Whether a variable of the map is used
// for them is not looked into.
func (s *Site) Entry(b *ir.MapBlock, i int) []Probe {
	if b.Kind != "map" || b.Source == nil || s.Spent() {
		return nil
	}
	v := &solver{s: s, sp: space(), prefix: "/", root: s.world.DocumentRoot, texts: map[string]pattern.Language{}}
	defer func() { s.spent += derivationWork * v.sp.Size() }()
	e := &b.Entries[i]
	var key pattern.Language
	switch {
	case e.Pattern != nil:
		var ok bool
		if key, ok = v.subjects(e.Pattern); !ok {
			return nil
		}
		v.proposals = Samples(e.Pattern, perApart)
	case b.Hostnames:
		key = v.hostKey(e.Key)
	default:
		key = v.sp.Text(e.Key)
		v.proposals = []string{e.Key}
	}
	w := &want{vars: map[string]pattern.Language{varPath: v.re(`^/`)}}
	var out []Probe
	for _, way := range v.template(w, b.Source, key, 0) {
		for p := range v.probes(way, perApart) {
			if out = append(out, p); len(out) >= perApart {
				return out
			}
		}
	}
	return out
}
