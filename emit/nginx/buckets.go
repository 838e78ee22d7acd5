package nginx

// Long lists of patterned rules go into locations of their literal first segment, so that a request passes few of them.

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// Long lists of rules with patterns: nginx would try one regular expression after the other. Rules whose patterns begin with
// a whole path segment move into a location of that segment, so that only those are tried that may match.

const (
	bucketFrom   = 100       // rules with patterns at the server level
	bucketSize   = 32        // rules of a location that are worth a look at one segment more
	bucketDepth  = 4         // segments that locations may have
	bucketTrials = 2_000_000 // patterns tried on literal paths; what is not tried counts as a match
)

// bucket is the rules of one location.
type bucket struct {
	head  string // "/segment/", or a whole path
	exact bool
	units []*unit
}

// buckets moves rules from the server level into locations, as far as nobody can tell: a location is looked for when the
// script of the server is through, so no directive that stays may stand behind a rule that goes and take its requests.
func (g *attempt) buckets() {
	if g.layout != flat || len(g.server) < bucketFrom || len(g.areas) > 1 {
		return
	}
	front, fits := g.besideBuckets()
	if !fits {
		return
	}
	shared := g.namesSet()
	left := &later{}
	moves := map[*unit]string{}
	tail := g.tail(shared, len(front) > 0)
	for _, u := range slices.Backward(g.server) {
		if slices.Contains(tail, u) {
			continue
		}
		head, exact := u.literal()
		switch {
		case u.entries != nil:
			left.addBulk(u.entries)
		case !u.acts():
		case head == "":
			left.all = true
		case left.all:
		case !u.keyOf().Caseless && firstSegment(head, exact) != "" && u.selfContained(shared, len(front) > 0) && !left.overlaps(u, head):
			moves[u] = head
			continue
		default:
			left.addHead(u, head)
		}
		if left.all {
			break
		}
	}
	// a path that has a location never gets to another, and what ends the server's script does not end a location's
	ends, fits := g.ends()
	if !fits {
		return
	}
	keep := map[string]bool{}
	for u, head := range moves {
		first := firstSegment(head, u.wholePath())
		if _, known := keep[first]; !known {
			keep[first] = !slices.ContainsFunc(ends, func(h string) bool { return hasPrefixFold(h, first) || hasPrefixFold(first, h) })
		}
		if !keep[first] {
			delete(moves, u) // with all of its location: they may stand in each other's way
		}
	}
	if len(moves) < bucketFrom {
		return
	}
	var stay, moved []*unit
	for _, u := range g.server {
		if _, ok := moves[u]; ok {
			moved = append(moved, u)
		} else if !slices.Contains(tail, u) {
			stay = append(stay, u)
		}
	}
	g.server = stay
	var again []*unit // what is left, in every location
	for _, u := range tail {
		again = append(again, &unit{rule: u.rule, lines: u.lines})
	}
	var blocks []locationBlock
	for _, b := range split(moved, moves, 1) {
		head := "location " + word(b.head)
		if b.exact {
			head = "location = " + word(b.head)
		}
		blocks = append(blocks, locationBlock{head: head, lines: front, units: append(b.units[:len(b.units):len(b.units)], again...)})
	}
	if len(tail) > 0 {
		at := slices.IndexFunc(g.locations, func(l locationBlock) bool { return l.head == rootLocation })
		if at < 0 {
			at = 0
			g.locations = append([]locationBlock{{head: rootLocation}}, g.locations...)
		}
		g.locations[at].units = append(tail, g.locations[at].units...)
	}
	g.locations = append(blocks, g.locations...)
}

// rootLocation is that of all paths for which there is no other.
const rootLocation = "location /"

// mostTail is how many lines of every location may be alike.
const mostTail = 9

// tail are the last units of the server level when they take any path: they are repeated behind the rules of each
// location. Not where other locations stand that would have to repeat them.
func (g *attempt) tail(shared map[string]bool, front bool) []*unit {
	for _, l := range g.locations {
		if l.head != rootLocation && !strings.HasPrefix(l.head, protectedLocation) && !strings.HasPrefix(l.head, "location @") {
			return nil
		}
	}
	var out []*unit
	n := 0 // directives
	for _, u := range slices.Backward(g.server) {
		if !u.acts() {
			continue // a setting keeps its place
		}
		n += len(u.lines)
		if head, _ := u.literal(); head != "" || u.rule == nil || u.entries != nil || u.try || u.apart || u.dropped != "" || n > mostTail || !u.selfContained(shared, front) {
			break
		}
		out = append(out, u)
	}
	slices.Reverse(out)
	return out
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// besideBuckets looks at the locations that are there: fits tells whether others may stand beside them, front is what
// a location for what is in the root has to say.
func (g *attempt) besideBuckets() (front []string, fits bool) {
	for _, l := range g.locations {
		switch {
		case strings.HasPrefix(l.head, protectedLocation) || strings.HasPrefix(l.head, "location = ") || strings.HasPrefix(l.head, "location @"):
		case l.head == rootLocation:
			lines := slices.Clone(l.lines)
			for _, u := range l.units {
				lines = append(lines, u.lines...)
			}
			for _, line := range lines {
				if !strings.HasPrefix(line, "try_files ") {
					return nil, false
				}
			}
			front = append(front, lines...)
		case !strings.HasPrefix(l.head, "location /"):
			return nil, false
		}
	}
	return front, len(front) < 2
}

// ends are the beginnings of paths that have locations of their own, or whose script ends before it is through. fits is false when
// that may be any path, or when a path becomes another within the server.
func (g *attempt) ends() (heads []string, fits bool) {
	for _, l := range g.locations {
		if path := strings.TrimPrefix(strings.TrimPrefix(l.head, "location "), "= "); l.head != rootLocation && strings.Contains(path, "/") && !strings.HasPrefix(l.head, protectedLocation) {
			heads = append(heads, strings.Trim(path, `"`))
		}
	}
	for _, u := range g.server {
		for _, l := range u.lines {
			switch l = strings.TrimSpace(l); {
			case strings.HasPrefix(l, "rewrite ") && !redirecting(l):
				return nil, false
			case l == "break;" || strings.HasPrefix(l, "break; "):
				head, _ := u.literal()
				if head == "" {
					return nil, false
				}
				heads = append(heads, head)
			}
		}
	}
	return heads, true
}

// redirecting tells whether a rewrite sends the client elsewhere.
func redirecting(line string) bool {
	line, _, _ = strings.Cut(line, "; #")
	line = strings.TrimSuffix(line, ";")
	return strings.HasSuffix(line, " permanent") || strings.HasSuffix(line, " redirect")
}

// namesSet are the variables that scripts of the server level set, and where groups of patterns get them: true when a
// unit uses one that another may have set.
func (g *attempt) namesSet() map[string]bool {
	out := map[string]bool{}
	for _, u := range g.server {
		for _, l := range u.lines {
			for _, mark := range [...]string{"set $", "(?<"} {
				for _, rest, found := strings.Cut(l, mark); found; _, rest, found = strings.Cut(rest, mark) {
					if name := rest[:wordEnd(rest)]; !out[name] {
						out[name] = false
					}
				}
			}
		}
	}
	for _, u := range g.server {
		own := map[string]bool{}
		for _, l := range u.lines {
			if rest, is := strings.CutPrefix(l, "set $"); is { // always run; a text without variables makes it new
				name := rest[:wordEnd(rest)]
				if !strings.Contains(rest, "$") {
					own[name] = true
				}
			}
			for _, rest, found := strings.Cut(l, "(?<"); found; _, rest, found = strings.Cut(rest, "(?<") {
				own[rest[:wordEnd(rest)]] = true
			}
			for name := range variables(l) {
				if _, is := out[name]; is && !own[name] {
					out[name] = true
				}
			}
		}
	}
	return out
}

// variables are the names behind dollar signs.
func variables(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, rest, found := strings.Cut(line, "$"); found; _, rest, found = strings.Cut(rest, "$") {
			rest = strings.TrimPrefix(rest, "{")
			if name := rest[:wordEnd(rest)]; name != "" && !yield(name) {
				return
			}
		}
	}
}

func wordEnd(s string) int {
	i := 0
	for i < len(s) && wordByte(s[i]) {
		i++
	}
	return i
}

// acts tells whether a unit has directives that decide about requests in the order in which they stand.
func (u *unit) acts() bool {
	return slices.ContainsFunc(u.lines, func(l string) bool {
		l = strings.TrimSpace(l)
		for _, d := range [...]string{"if ", "rewrite ", "return ", "break;"} {
			if strings.HasPrefix(l, d) {
				return true
			}
		}
		return false
	})
}

// literal is what every path begins with that a unit's rule takes, or all of it; empty: not known. In lower case when the
// rule is caseless.
func (u *unit) literal() (head string, exact bool) {
	k := u.keyOf()
	return k.Text, k.Exact
}

// unitKey is what a unit's rule can be found by, and what may follow it.
type unitKey struct {
	sim.Key
	next following
}

// keyOf looks once.
func (u *unit) keyOf() *unitKey {
	if u.key == nil {
		u.key = &unitKey{}
		u.findKey(u.key)
	}
	return u.key
}

func (u *unit) findKey(k *unitKey) {
	r := u.rule
	if r == nil || !u.sees || r.Negated || r.Chain || r.Skip > 0 || r.Pattern == nil || r.Pattern.Re == nil || u.try || u.front || u.apart || u.dropped != "" {
		return
	}
	if r.Action != ir.ActionRedirect && r.Action != ir.ActionRespond && r.Action != ir.ActionNone && (r.Action != ir.ActionRewrite || !isAbsolute(r.Target)) {
		return
	}
	below := r.Keyword == ir.RewriteRule && !u.wholeURL
	var sub subject
	if below {
		sub.prefix = "/"
	}
	t := sub.tree(r.Pattern)
	key := sim.PatternKey(t)
	if key.Text == "" {
		return
	}
	if below {
		key.Text = "/" + strings.TrimPrefix(key.Text, "/")
	}
	if !strings.HasPrefix(key.Text, "/") {
		return
	}
	k.Key = key
	if !key.Exact {
		k.next = behindPrefix(t)
	}
}

// wholePath tells whether the rule takes one path only.
func (u *unit) wholePath() bool {
	_, exact := u.literal()
	return exact
}

// selfContained tells whether the directives of a unit mean the same anywhere else: they send answers only, and use
// no variable that another unit sets for them. front tells that try_files follows: a location forgets it when an "if"
// in it holds and does not answer.
func (u *unit) selfContained(shared map[string]bool, front bool) bool {
	inside := false
	for _, line := range u.lines {
		l := strings.TrimSpace(line)
		switch name, _, _ := strings.Cut(l, " "); name {
		case "return", "#":
		case "if":
			inside = true
		case "}":
			inside = false
		case "set":
			if front && inside {
				return false
			}
		case "rewrite":
			if !redirecting(l) || front && inside {
				return false
			}
		default:
			return false
		}
		for name := range variables(l) {
			if shared[name] {
				return false
			}
		}
	}
	return true
}

// firstSegment is the first segment of a beginning with the slash behind it, or a whole path of one segment; empty when
// the beginning does not say it.
func firstSegment(head string, exact bool) string { return segmentsOf(head, exact, 1) }

// segmentsOf is the same for the first n segments.
func segmentsOf(head string, exact bool, n int) string {
	at := 0
	for range n {
		i := strings.IndexByte(head[at+1:], '/')
		if i < 0 {
			if exact {
				return head
			}
			return ""
		}
		at += i + 1
	}
	return head[:at+1]
}

// split groups units by their first n segments, in the order of the first of each. Where all units of a large group
// say one more, the group is split by that.
func split(list []*unit, heads map[*unit]string, n int) (out []bucket) {
	index := map[string]int{}
	for _, u := range list {
		key := segmentsOf(heads[u], u.wholePath(), n)
		i, known := index[key]
		if !known {
			i = len(out)
			index[key] = i
			out = append(out, bucket{head: key, exact: !strings.HasSuffix(key, "/")})
		}
		out[i].units = append(out[i].units, u)
	}
	if n == bucketDepth {
		return out
	}
	var finer []bucket
	for _, b := range out {
		deeper := !b.exact && len(b.units) > bucketSize
		for i := 0; deeper && i < len(b.units); i++ {
			deeper = !b.units[i].wholePath() && segmentsOf(heads[b.units[i]], false, n+1) != ""
		}
		if deeper {
			finer = append(finer, split(b.units, heads, n+1)...)
		} else {
			finer = append(finer, b)
		}
	}
	return finer
}

// later is what stays at the server level behind a rule.
type later struct {
	all    bool                   // something that may take any request
	heads  map[string][]following // beginnings of what other rules take, in lower case
	stems  map[string]bool        // what those begin with
	whole  []*entry               // of maps, sorted by path
	below  map[string]struct{}    // paths of Redirect in maps: they take what lies below as well
	trials int
}

func (l *later) addHead(u *unit, head string) {
	if l.heads == nil {
		l.heads, l.stems = map[string][]following{}, map[string]bool{}
	}
	next := u.keyOf().next
	if len(head) > maxHead {
		next = following{all: true}
	}
	head = headOf(head)
	if list := l.heads[head]; !slices.Contains(list, next) {
		l.heads[head] = append(list, next)
	}
	for i := len(head); i > 0 && !l.stems[head[:i]]; i-- {
		l.stems[head[:i]] = true
	}
}

func (l *later) addBulk(list []entry) {
	if l.below == nil {
		l.below = map[string]struct{}{}
	}
	for i := range list {
		e := &list[i]
		l.whole = append(l.whole, e)
		if !e.whole {
			l.below[strings.TrimSuffix(e.path, "/")] = struct{}{}
		}
	}
	slices.SortFunc(l.whole, func(a, b *entry) int { return cmp.Compare(a.path, b.path) })
}

// overlaps tells whether anything of it may take a request that the rule takes.
func (l *later) overlaps(u *unit, head string) bool {
	next := u.keyOf().next
	low := headOf(head)
	for i := 1; i <= len(low) && len(l.heads) > 0; i++ {
		for _, f := range l.heads[low[:i]] {
			if i == len(low) || f.hasFold(low[i]) {
				return true
			}
		}
	}
	if len(head) > maxHead-1 || next.all {
		if l.stems[low] {
			return true
		}
	} else {
		for c := range 256 {
			if next.set.Has(byte(c)) && l.stems[headOf(low+string([]byte{byte(c)}))] {
				return true
			}
		}
	}
	if len(l.whole) == 0 {
		return false
	}
	for i := 1; i <= len(head); i++ {
		if i == len(head) || head[i] == '/' {
			if _, is := l.below[head[:i]]; is {
				return true
			}
		}
	}
	if next.all {
		return l.overlapsFrom(u, head)
	}
	if l.overlapsAt(u, head) {
		return true
	}
	for c := range 256 {
		if next.set.Has(byte(c)) && l.overlapsFrom(u, head+string([]byte{byte(c)})) {
			return true
		}
	}
	return false
}

// overlapsAt looks at the redirects of one path.
func (l *later) overlapsAt(u *unit, path string) bool {
	i := sort.Search(len(l.whole), func(i int) bool { return l.whole[i].path >= path })
	return i < len(l.whole) && l.whole[i].path == path && l.takes(u, l.whole[i])
}

// overlapsFrom looks at the redirects of paths that begin with text.
func (l *later) overlapsFrom(u *unit, text string) bool {
	i := sort.Search(len(l.whole), func(i int) bool { return l.whole[i].path >= text })
	for ; i < len(l.whole) && strings.HasPrefix(l.whole[i].path, text); i++ {
		if l.takes(u, l.whole[i]) {
			return true
		}
	}
	return false
}

// takes tells whether a rule may take a request that a redirect of a map takes, too.
func (l *later) takes(u *unit, e *entry) bool {
	if l.trials++; l.trials > bucketTrials || !e.whole {
		return true
	}
	path := e.path
	if u.rule.Keyword == ir.RewriteRule && !u.wholeURL {
		path = strings.TrimPrefix(path, "/")
	}
	matched, err := u.rule.Pattern.Re.MatchBool(path)
	return matched || err != nil
}

// hasFold tells whether a letter, given in lower case, or another byte can follow.
func (f *following) hasFold(c byte) bool {
	return f.all || f.set.Has(c) || c >= 'a' && c <= 'z' && f.set.Has(c-'a'+'A')
}
