package nginx

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// mapBlock is a map, geo or split_clients ready for look-ups.
type mapBlock struct {
	block     *ir.MapBlock
	source    *template
	names     nameTable[*mapEntry]
	regexes   []*mapEntry
	ranges    []geoRange
	prefixes  map[netip.Prefix]*mapEntry
	parts     []splitPart
	otherwise *mapEntry // default; nil: the empty string
}

type mapEntry struct {
	origin  ir.Origin
	key     string
	pattern *regex
	value   *template
}

type netPrefix struct {
	prefix    netip.Prefix
	all, unix bool
	bad       bool
}

type geoRange struct {
	from, to netip.Addr
	entry    *mapEntry
}

type splitPart struct {
	below uint32 // 0: all that is left
	entry *mapEntry
}

func parsePrefix(s string) netPrefix {
	switch s {
	case "all":
		return netPrefix{all: true}
	case "unix:":
		return netPrefix{unix: true}
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return netPrefix{prefix: p.Masked()}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netPrefix{prefix: netip.PrefixFrom(a, a.BitLen())}
	}
	if host, mask, ok := strings.Cut(s, "/"); ok {
		a, err1 := netip.ParseAddr(host)
		m, err2 := netip.ParseAddr(mask)
		if err1 == nil && err2 == nil && a.Is4() && m.Is4() {
			b := m.As4()
			bits := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
			ones := 0
			for ; bits&(1<<31) != 0; bits <<= 1 {
				ones++
			}
			if bits == 0 {
				return netPrefix{prefix: netip.PrefixFrom(a, ones).Masked()}
			}
		}
	}
	return netPrefix{bad: true}
}

func (n netPrefix) contains(a netip.Addr) bool {
	return n.all || n.prefix.IsValid() && n.prefix.Contains(a.Unmap())
}

// mapBlock compiles a block and defines its variable.
func (c *compiler) mapBlock(b *ir.MapBlock) {
	m := &mapBlock{block: b}
	if b.Source != nil {
		m.source = c.template(b.Source)
	} else if b.Kind == "geo" {
		m.source = c.template(&ir.Template{Text: "$remote_addr", Parts: []ir.Part{{Kind: ir.Variable, Name: "remote_addr"}}})
	}
	d := c.registry.declare(b.Variable, false)
	d.block = m
	d.get = func(r *request) value { return r.lookUp(m) }
	d.noCache = d.noCache || b.Volatile
	if b.Default != nil {
		m.otherwise = &mapEntry{origin: b.Origin, key: "default", value: c.template(b.Default)}
	}
	var sum uint64
	var last uint32
	for i := range b.Entries {
		e := &b.Entries[i]
		in := &mapEntry{origin: e.Origin, key: e.Key, value: c.template(e.Value)}
		switch b.Kind {
		case "geo":
			m.addNet(e.Key, in, b.Ranges)
		case "split_clients":
			if e.Key == "*" {
				m.parts = append(m.parts, splitPart{0, in})
				continue
			}
			whole, frac, _ := strings.Cut(strings.TrimSuffix(e.Key, "%"), ".")
			n, _ := strconv.ParseUint(whole+(frac + "00")[:2], 10, 32)
			sum += n
			last += uint32(n * math.MaxUint32 / 10000)
			m.parts = append(m.parts, splitPart{last, in})
		default:
			switch {
			case e.Pattern != nil:
				in.pattern = c.regex(e.Pattern, e.Origin)
				if in.pattern != nil {
					m.regexes = append(m.regexes, in)
				}
			case b.Hostnames:
				m.names.addName(e.Key, in)
			default:
				put(&m.names.exact, asciiLower(e.Key), in)
			}
		}
	}
}

func (m *mapBlock) addNet(key string, e *mapEntry, ranges bool) {
	if ranges {
		low, high, ok := strings.Cut(key, "-")
		if !ok {
			high = low
		}
		a, err1 := netip.ParseAddr(low)
		z, err2 := netip.ParseAddr(high)
		if err1 == nil && err2 == nil {
			m.ranges = append(m.ranges, geoRange{a, z, e})
		}
		return
	}
	if p := parsePrefix(key); p.prefix.IsValid() {
		if m.prefixes == nil {
			m.prefixes = map[netip.Prefix]*mapEntry{}
		}
		m.prefixes[p.prefix] = e
	}
}

// runsRegex tells whether looking the block up may replace the captures.
func (m *mapBlock) runsRegex() bool {
	if len(m.regexes) > 0 {
		return true
	}
	uses := func(t *template) bool {
		if t != nil {
			for i := range t.parts {
				if v := t.parts[i].v; v != nil && v.regex {
					return true
				}
			}
		}
		return false
	}
	if uses(m.source) || m.otherwise != nil && uses(m.otherwise.value) {
		return true
	}
	for _, t := range []map[string]*mapEntry{m.names.exact, m.names.head, m.names.tail} {
		for _, e := range t {
			if uses(e.value) {
				return true
			}
		}
	}
	return false
}

// lookUp evaluates the variable of a block. Source: ngx_http_map_variable, ngx_http_geo_cidr_variable,
// ngx_http_split_clients_variable.
func (r *request) lookUp(m *mapBlock) value {
	b := m.block
	source := r.eval(m.source, evalValue, false)
	if source.why != "" {
		return unknownValue(source.why)
	}
	var e *mapEntry
	switch b.Kind {
	case "geo":
		e = m.net(source.s)
	case "split_clients":
		h := murmur2(source.s)
		for i := range m.parts {
			if p := &m.parts[i]; p.below == 0 || h < p.below {
				e = p.entry
				break
			}
		}
	default:
		e = r.mapEntry(m, source.s)
	}
	if b.Incomplete != "" && (e == nil || e.pattern != nil || e == m.otherwise || b.Kind != "map") {
		return unknownValue(b.Kind + " $" + b.Variable + ": " + b.Incomplete)
	}
	var t text
	if e != nil {
		t = r.eval(e.value, evalValue, false)
	}
	if r.trace {
		st := sim.Step{Kind: sim.StepSet, Origin: b.Origin, Name: b.Kind, Input: source.s, Result: "$" + b.Variable + " = " + t.s,
			Note: "no entry"}
		if e != nil {
			st.Origin, st.Pattern, st.Note = e.origin, e.key, ""
		}
		r.note(st)
	}
	return value{text: t, valid: true}
}

func (r *request) mapEntry(m *mapBlock, source string) *mapEntry {
	if m.block.Hostnames {
		source = strings.TrimSuffix(source, ".")
	}
	if e, ok := m.names.find(asciiLower(source)); ok {
		return e
	}
	if source != "" {
		for _, e := range m.regexes {
			if r.exec(e.pattern, source, nil) {
				return e
			}
		}
	}
	return m.otherwise
}

// net finds the entry of an address; a text that is none stands for 255.255.255.255.
func (m *mapBlock) net(text string) *mapEntry {
	a, err := netip.ParseAddr(text)
	if err != nil {
		a = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	a = a.Unmap()
	if m.block.Ranges && !a.Is4() {
		a = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	for bits := a.BitLen(); bits >= 0 && m.prefixes != nil; bits-- {
		p, _ := a.Prefix(bits)
		if e := m.prefixes[p]; e != nil {
			return e
		}
	}
	best := m.otherwise
	for i := range m.ranges {
		// A range that stands later covers those before it.
		if n := &m.ranges[i]; n.from.Compare(a) <= 0 && a.Compare(n.to) <= 0 {
			best = n.entry
		}
	}
	return best
}

// murmur2 is the hash of split_clients. Source: nginx src/core/ngx_murmurhash.c.
func murmur2(data string) uint32 {
	const m = 0x5bd1e995
	h := uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24
		k *= m
		k ^= k >> 24
		k *= m
		h *= m
		h ^= k
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
