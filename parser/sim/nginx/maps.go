package nginx

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// mapVar is a map, geo or split_clients ready for look-ups.
type mapVar struct {
	block *ir.MapBlock
	exact map[string]*ir.MapEntry
	head  []*ir.MapEntry // *.x and .x
	tail  []*ir.MapEntry // x.*
	regex []*ir.MapEntry
	nets  []geoNet
	parts []splitPart
}

type netPrefix struct {
	prefix   netip.Prefix
	all, bad bool
	unix     bool
}

type geoNet struct {
	from, to netip.Addr
	prefix   netip.Prefix
	entry    *ir.MapEntry
}

type splitPart struct {
	upTo  uint32
	entry *ir.MapEntry
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
	return netPrefix{bad: true}
}

func (n netPrefix) contains(a netip.Addr) bool {
	return n.all || n.prefix.IsValid() && n.prefix.Contains(a)
}

func compileMap(b *ir.MapBlock) *mapVar {
	m := &mapVar{block: b, exact: map[string]*ir.MapEntry{}}
	var sum uint64
	for i := range b.Entries {
		e := &b.Entries[i]
		switch b.Kind {
		case "geo":
			if b.Ranges {
				lo, hi, ok := strings.Cut(e.Key, "-")
				if !ok {
					hi = lo
				}
				a, err1 := netip.ParseAddr(lo)
				z, err2 := netip.ParseAddr(hi)
				if err1 == nil && err2 == nil {
					m.nets = append(m.nets, geoNet{from: a, to: z, entry: e})
				}
			} else if p := parsePrefix(e.Key); p.prefix.IsValid() {
				m.nets = append(m.nets, geoNet{prefix: p.prefix, entry: e})
			}
		case "split_clients":
			if e.Key == "*" {
				m.parts = append(m.parts, splitPart{0, e})
				continue
			}
			f := strings.TrimSuffix(e.Key, "%")
			whole, frac, _ := strings.Cut(f, ".")
			frac = (frac + "00")[:2]
			n, _ := strconv.ParseUint(whole+frac, 10, 32)
			sum += n
			if sum == 10000 {
				m.parts = append(m.parts, splitPart{0, e})
			} else {
				m.parts = append(m.parts, splitPart{uint32(sum * math.MaxUint32 / 10000), e})
			}
		default:
			key := asciiLower(e.Key)
			switch {
			case e.Pattern != nil:
				m.regex = append(m.regex, e)
			case b.Hostnames && (strings.HasPrefix(key, "*.") || strings.HasPrefix(key, ".") && len(key) > 1):
				m.head = append(m.head, e)
				if key[0] == '.' {
					m.exact[key[1:]] = e
				}
			case b.Hostnames && strings.HasSuffix(key, ".*"):
				m.tail = append(m.tail, e)
			default:
				if m.exact[key] == nil {
					m.exact[key] = e
				}
			}
		}
	}
	return m
}

// mapValue looks a map up; the value is kept for the request unless the map is volatile.
func (r *request) mapValue(m *mapVar) string {
	name := m.block.Variable
	if v, ok := r.mapCache[name]; ok && !m.block.Volatile {
		return v
	}
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > 50 {
		r.doubt("maps that look each other up do not end")
		return ""
	}
	if m.block.Incomplete != "" {
		r.doubt("%s $%s: %s", m.block.Kind, name, m.block.Incomplete)
	}
	v, entry := r.lookUp(m)
	if r.mapCache == nil {
		r.mapCache = map[string]string{}
	}
	r.mapCache[name] = v
	if r.trace {
		st := sim.Step{Kind: sim.StepSet, Origin: m.block.Origin, Name: m.block.Kind, Input: "$" + name, Result: v, Note: "default"}
		if entry != nil {
			st.Origin, st.Note, st.Pattern = entry.Origin, "", entry.Key
		}
		r.note(st)
	}
	return v
}

func (r *request) lookUp(m *mapVar) (string, *ir.MapEntry) {
	b := m.block
	switch b.Kind {
	case "geo":
		text := r.clientAddr()
		if b.Source != nil {
			text = r.expand(b.Source)
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			a = netip.AddrFrom4([4]byte{255, 255, 255, 255})
		}
		var best *geoNet
		for i := range m.nets {
			n := &m.nets[i]
			if n.prefix.IsValid() {
				if n.prefix.Contains(a.Unmap()) && (best == nil || n.prefix.Bits() >= best.prefix.Bits()) {
					best = n
				}
			} else if n.from.Compare(a) <= 0 && a.Compare(n.to) <= 0 {
				best = n
			}
		}
		if best != nil {
			return r.expand(best.entry.Value), best.entry
		}
		return r.expand(b.Default), nil
	case "split_clients":
		h := murmur2(r.expand(b.Source))
		for i := range m.parts {
			if p := &m.parts[i]; h < p.upTo || p.upTo == 0 {
				return r.expand(p.entry.Value), p.entry
			}
		}
		return "", nil
	}
	src := r.expand(b.Source)
	key := asciiLower(src)
	if b.Hostnames {
		key = strings.TrimSuffix(key, ".")
	}
	if e := m.find(key); e != nil {
		return r.expand(e.Value), e
	}
	if src != "" {
		for _, e := range m.regex {
			if e.Pattern.Re != nil && r.match(e.Pattern.Re, src, nil) {
				return r.expand(e.Value), e
			}
		}
	}
	return r.expand(b.Default), nil
}

func (m *mapVar) find(key string) *ir.MapEntry {
	if e := m.exact[key]; e != nil {
		return e
	}
	best, size := (*ir.MapEntry)(nil), 0
	for _, e := range m.head {
		suffix := strings.TrimPrefix(asciiLower(e.Key), "*")
		if strings.HasSuffix(key, suffix) && len(key) > len(suffix) && len(suffix) > size {
			best, size = e, len(suffix)
		}
	}
	if best != nil {
		return best
	}
	for _, e := range m.tail {
		prefix := strings.TrimSuffix(asciiLower(e.Key), "*")
		if strings.HasPrefix(key, prefix) && len(key) > len(prefix) && len(prefix) > size {
			best, size = e, len(prefix)
		}
	}
	return best
}

// murmur2 is the hash of split_clients. Source: nginx src/core/ngx_murmurhash.c.
func murmur2(data string) uint32 {
	n := uint32(len(data))
	h := n
	for len(data) >= 4 {
		k := uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24
		k *= 0x5bd1e995
		k ^= k >> 24
		k *= 0x5bd1e995
		h *= 0x5bd1e995
		h ^= k
		data = data[4:]
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
		h *= 0x5bd1e995
	}
	h ^= h >> 13
	h *= 0x5bd1e995
	return h ^ h>>15
}
