package intent

import "strings"

// PathSense is what a word in a path says of the redirect that leads there.
type PathSense uint8

const (
	PathTemporary   PathSense = iota + 1 // maintenance, summer-sale
	PathMaintenance                      // the same, and the site is down
	PathResult                           // the page behind a form: thanks, success
	PathMethod                           // a place that is sent to, not fetched: api, webhook
)

// PathWord is a word of a path with its weight.
type PathWord struct {
	Sense  PathSense
	Word   string // as it stands in the path, lower case
	Points int
}

// temporaryWords are what whole segments of paths say, and their points.
var temporaryWords = map[string]int{
	"maintenance": 3, "wartung": 3, "wartungsarbeiten": 3, "mantenimiento": 3, "manutenzione": 3, "manutencao": 3, "onderhoud": 3,
	"coming-soon": 3, "comingsoon": 3, "under-construction": 3, "underconstruction": 3, "outage": 3, "downtime": 3, "be-right-back": 3, "black-friday": 3,
	"blackfriday": 3, "cyber-monday": 3, "temp": 3, "tmp": 3, "temporary": 3,
	"holding": 2, "holding-page": 2, "sale": 2, "promo": 2, "deal": 2, "campaign": 2, "contest": 2, "giveaway": 2,
	"xmas": 2, "christmas": 2, "easter": 2, "summer-sale": 2, "winter-sale": 2, "ab-test": 2, "variant-b": 2, "placeholder": 2,
}

var maintenanceWords = set(`maintenance wartung wartungsarbeiten mantenimiento manutenzione manutencao onderhoud coming-soon comingsoon under-construction
	underconstruction outage downtime be-right-back`)

var resultWords = set("thanks thank-you thankyou thank_you danke merci gracias grazie success done confirmation confirm receipt ok welcome")

// methodWords are segments of paths that are sent to.
var methodWords = map[string]int{
	"api": 3, "graphql": 3, "webhook": 3, "webhooks": 3, "callback": 3, "ipn": 3, "rpc": 3, "wp-json": 3, "xmlrpc.php": 3, "upload": 3, "token": 3,
	"hook": 2, "hooks": 2, "oauth": 2, "soap": 2, "submit": 2, "checkout": 2, "cart": 2, "payment": 2, "order": 2, "orders": 2, "login": 2, "form": 2,
	"contact": 2, "subscribe": 2, "comment": 2, "comments": 2,
}

// Segments are the segments of a path in lower case, without a query or fragment, a scheme and host.
func Segments(path string) []string {
	if i := strings.Index(path, "://"); i >= 0 {
		path = path[i+3:]
		if j := strings.IndexByte(path, '/'); j >= 0 {
			path = path[j:]
		} else {
			path = ""
		}
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	var out []string
	for _, s := range strings.Split(path, "/") {
		if s != "" {
			out = append(out, strings.ToLower(s))
		}
	}
	return out
}

// TemporaryIn finds the segment of a path that speaks of something that passes; other is the path at the other end of
// the redirect, and a word that both have, in one form or another, is a name and says nothing.
func TemporaryIn(path, other []string) (PathWord, bool) {
	var best PathWord
	for _, s := range path {
		word, points := temporary(s)
		if points <= best.Points || has(other, word) {
			continue
		}
		best = PathWord{PathTemporary, word, points}
		if maintenanceWords[word] {
			best.Sense = PathMaintenance
		}
	}
	return best, best.Points > 0
}

// temporary reads one segment: the whole of it, or one of its two parts; in a longer slug a word is only mentioned.
func temporary(segment string) (string, int) {
	s := segment
	if i := strings.LastIndexByte(s, '.'); i > 0 {
		s = s[:i]
	}
	s = strings.ReplaceAll(s, "_", "-")
	if p := temporaryWords[s]; p > 0 {
		return s, p
	}
	parts := strings.Split(s, "-")
	switch len(parts) {
	case 2:
		for _, p := range parts {
			if points := temporaryWords[p]; points > 0 {
				if p == "temp" || p == "tmp" || p == "temporary" || p == "deal" || p == "holding" || p == "contest" {
					return "", 0 // temp-agency, deal-breakers
				}
				return p, points
			}
		}
	case 3:
		for _, pair := range []string{parts[0] + "-" + parts[1], parts[1] + "-" + parts[2]} {
			if points := temporaryWords[pair]; points > 0 {
				return pair, points
			}
		}
	}
	return "", 0
}

// has tells whether a word or one that begins like it stands anywhere in a path.
func has(path []string, word string) bool {
	stem := word
	if len(stem) > 4 {
		stem = strings.TrimSuffix(stem, "s")
	}
	for _, s := range path {
		if strings.Contains(strings.ReplaceAll(s, "_", "-"), stem) {
			return true
		}
	}
	return false
}

// ResultIn finds the segment that names the page behind a form.
func ResultIn(path []string) (string, bool) {
	for _, s := range path {
		if i := strings.LastIndexByte(s, '.'); i > 0 {
			s = s[:i]
		}
		if resultWords[s] {
			return s, true
		}
	}
	return "", false
}

// MethodIn finds the segment that is sent to. A version like v1 counts beside api only, where it adds nothing.
func MethodIn(path []string) (PathWord, bool) {
	var best PathWord
	for _, s := range path {
		if p := methodWords[s]; p > best.Points {
			best = PathWord{PathMethod, s, p}
		}
	}
	return best, best.Points > 0
}

// aliases are names for whatever is newest.
var aliases = set("latest current stable now today newest nightly")

// AliasOf tells whether a path ends in a name for the newest of something and the other in a version or a year.
func AliasOf(from, to []string) (alias, version string, ok bool) {
	if len(from) == 0 || len(to) == 0 {
		return "", "", false
	}
	for i, s := range from {
		if !aliases[s] {
			continue
		}
		for j := len(to) - 1; j >= 0; j-- {
			if isVersion(to[j]) && !contains(from, to[j]) && !contains(to, s) {
				return from[i], to[j], true
			}
		}
	}
	return "", "", false
}

func contains(path []string, s string) bool {
	for _, p := range path {
		if p == s {
			return true
		}
	}
	return false
}

// isVersion tells whether a segment is a version or a year: v2.3, 2.3.1, 2026. v1 alone is one as well.
func isVersion(s string) bool {
	s = strings.TrimPrefix(s, "v")
	dots, digits := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '.' && i > 0 && i < len(s)-1:
			dots++
		default:
			return false
		}
	}
	return digits > 0 && (dots > 0 || digits <= 4)
}

var documents = set("doc docs documentation documents reference references tutorial tutorials guide guides manual help blog news javadoc apidocs")

// Documents tells whether a path leads to something to read: below docs and its like, or with the suffix of a page.
func Documents(path []string) bool {
	for i, s := range path {
		if documents[s] {
			return true
		}
		if i == len(path)-1 {
			switch s[strings.LastIndexByte(s, '.')+1:] {
			case "html", "htm", "pdf", "md", "txt", "ttl", "rdf", "owl", "jsonld", "xml", "css", "js", "png", "jpg", "svg":
				return true
			}
		}
	}
	return false
}
