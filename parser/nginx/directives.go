package nginx

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// Spec is an entry of the directive table: one directive in one set of contexts.
type Spec struct {
	Name     string
	Contexts string // letters, see contextLetters; "*" is everywhere
	Block    bool   // takes { }
	Flag     bool   // takes on or off
	Min, Max int    // arguments without the name; Max -1: no limit
	Since    string // first release that has it; empty: 1.22.1 or before
	Until    string // first release without it; empty: none
	Module   string // dynamic module that brings it and is not loaded by itself ("geoip"); empty: built in
	Kind     string // how the value is read: "size", "msec", "enum:a|b", …; see values.go
}

// contextLetters maps the names of contexts to the letters of the table.
var contextLetters = map[string]byte{
	"main": 'M', "events": 'E', "http": 'H', "server": 'S', "if-server": 's', "location": 'L',
	"if-location": 'l', "limit_except": 'X', "upstream": 'U',
}

// AllowedIn tells whether the directive may stand in a context (a ConfigDirective.Context).
func (s *Spec) AllowedIn(context string) bool {
	return s.Contexts == "*" || strings.IndexByte(s.Contexts, contextLetters[context]) >= 0
}

// directives.txt holds one directive per line: name, contexts, {} for a block, arguments (on|off, N, N-M, N+,
// several), then >=release, <release, @module and the kind of its value.
// Source: command tables of nginx 1.22.1 and 1.31.4, src/core, src/event, src/http.
//
//go:embed directives.txt
var directiveText string

var directiveTable = sync.OnceValue(func() map[string][]*Spec {
	table := make(map[string][]*Spec, 800)
	for line := range strings.Lines(directiveText) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		s := &Spec{Name: fields[0], Contexts: fields[1], Min: -1}
		for _, f := range fields[2:] {
			switch {
			case f == "{}":
				s.Block = true
			case f == "on|off":
				s.Flag, s.Min, s.Max = true, 1, 1
			case strings.HasPrefix(f, ">="):
				s.Since = f[2:]
			case strings.HasPrefix(f, "<"):
				s.Until = f[1:]
			case f[0] == '@':
				s.Module = f[1:]
			case '0' <= f[0] && f[0] <= '9':
				s.arguments(f)
			default:
				s.Kind = f
			}
		}
		if s.Min < 0 {
			panic("nginx: directives.txt: no arguments for " + s.Name)
		}
		table[s.Name] = append(table[s.Name], s)
	}
	return table
})

func (s *Spec) arguments(f string) {
	low, high, ranged := strings.Cut(strings.TrimSuffix(f, "+"), "-")
	n, err := strconv.Atoi(low)
	if err != nil {
		panic("nginx: directives.txt: bad arguments for " + s.Name)
	}
	if s.Min < 0 {
		s.Min = n
	}
	s.Max = n
	if ranged {
		s.Max, _ = strconv.Atoi(high)
	}
	if strings.HasSuffix(f, "+") {
		s.Max = -1
	}
}

// Specs are the entries of the table for a directive name, of all releases; nil when no release has it.
func Specs(name string) []*Spec { return directiveTable()[name] }

// versionBefore tells whether release a is older than b; "1.22.1" and the like. Empty is oldest, AnyRelease newest.
func versionBefore(a, b string) bool {
	if a == AnyRelease || b == AnyRelease {
		return b == AnyRelease && a != b
	}
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(x)
		n, _ := strconv.Atoi(y)
		if m != n {
			return m < n
		}
	}
	return false
}
