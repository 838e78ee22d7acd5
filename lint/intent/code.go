package intent

import "strings"

// codeOf reads a redirect status at the start of a word. tail is what is glued to it ("s", "'d").
func codeOf(s string) (status int, tail string, ok bool) {
	if len(s) < 3 || s[0] != '3' || s[1] != '0' || strings.IndexByte("12378", s[2]) < 0 {
		return 0, "", false
	}
	status, tail = 300+int(s[2]-'0'), s[3:]
	switch strings.TrimLeft(tail, "'-") {
	case "", "s", "d", "ed", "ing":
		return status, tail, true
	}
	return 0, "", false
}

var (
	// belongs are words that stand with a number that is a status, before or behind it.
	belongs = set(`redirect redirects redirection redirected redirecting redirects: status statuscode code http response weiterleitung
		weiterleitungen umleitung umleitungen redirección redireccion redirecionamento reindirizzamento doorverwijzing omleiding
		редирект перенаправление przekierowanie redirections forward forwarding`)
	// after are words behind a number that only a status has.
	behind = set(`temporary temporarily temp permanent permanently moved found temporär temporäre permanente temporaire temporal
		temporanea temporaneo tijdelijke временный постоянный tymczasowe stałe`)
	// before are words in front of a number that is a status; some of them name other numbers as well, so they count
	// together with the place in the sentence only.
	before = set(`use uses using send sends sending with return returns returning as via by issue issues give gives answer answers
		respond responds http status code a an this single plain simple proper real direct clean now must should need needs nutze mit
		sende avec con met via`)
	// links are words that may follow a number at the start of a line, when it is a status.
	links = set(`for to the so because keeps keep while until here since as: from: in on and`)
	// numbered are words before a number that is not a status.
	numbered = set(`page pages room ticket issue bug pr version rule line route interstate highway model section chapter part article id
		no nr number rfc port item step figure table case post user order building suite street apt extension ext version: q`)
	// counted are words behind a number that counts things.
	counted = set(`pages urls url links posts articles products entries rules items files domains hosts days sites images people users
		words lines characters errors hits visitors requests seconds minutes hours km kb mb gb bytes`)
	// voids are words that make a sentence a plan, a possibility or a choice.
	voids = set(`would could might may maybe perhaps todo todo: fixme xxx later eventually someday once either or if unless whether
		consider considering switch switched change changed default defaults example e.g i.e e.g. vs vs. versus soon plan planned
		will won't wouldn't couldn't würde könnte später sobald serait plus peut sería podría oder ou sarebbe`)
	// denies are words that turn what follows in their sentence.
	denies = set(`not never no don't doesn't isn't won't can't cannot without avoid avoids avoiding prevent prevents preventing was were
		been formerly previously originally initially former old-style because since otherwise else unlike than compared used had
		rather instead nicht kein keine nie ohne war früher statt anstatt pas jamais sans était ancien no nunca sin antes non mai
		senza era niet nooit zonder geen не без было nie bez był`)
	// spoils are words that, close behind a number, tell of its faults or its past.
	spoils = set(`not no never was were wrong bad breaks break broke loop loops looping fails fail failed doesn't isn't won't can't cannot caches
		cache cached caching error errors problem issue gets got → has had nicht niet`)
)

// code finds the one status a comment declares. A comment that names two declares none, unless it says
// "307, not 301" or "307 instead of 301".
func (r *reader) code() (*Code, bool) {
	var found *Code
	many := false
	named := map[int]bool{}
	denied := map[int]bool{}
	for i := 0; i < len(r.words); i++ {
		status, tail, ok := codeOf(r.words[i].text)
		if !ok {
			continue
		}
		if denied[i] {
			continue
		}
		named[status] = true
		if tail != "" {
			continue
		}
		c, last, j, plural := r.declared(i)
		if j > 0 {
			if other, _, _ := codeOf(r.words[j].text); other != status {
				denied[j] = true
			}
		}
		if c != nil && (found == nil || found.Status == status) {
			if found == nil {
				found = c
			}
			many = many || plural
		}
		_ = last
	}
	if len(named) != 1 {
		return nil, false
	}
	return found, many
}

// declared tells whether the status at word i is declared, where its phrase ends, which word names a status that the same
// sentence denies (0: none), and whether it is said of several redirects.
func (r *reader) declared(i int) (c *Code, last, denied int, plural bool) {
	w := r.words
	from, to := r.sentence(i)
	// "307, not 301", "307 instead of 301", "307 rather than 301"
	rest := to
	for j := i + 1; j < min(to, i+7); j++ {
		if _, _, ok := codeOf(w[j].text); ok && r.near(i+1, j, denyBetween) {
			denied, rest = j, i+1
			for rest < j && !denyBetween[w[rest].text] {
				rest++
			}
			break
		}
	}
	if r.asks(to) || r.near(from, rest, voids) || r.near(from, i, denies) || r.near(max(from, i-2), i, origins) || r.near(i+1, min(rest, i+4), spoils) {
		return nil, 0, denied, false
	}
	if denied == 0 && r.near(i+1, min(to, i+3), denyBetween) {
		return nil, 0, 0, false
	}
	word := func(k int) string {
		if k < from || k >= rest {
			return ""
		}
		return w[k].text
	}
	a, b := i, i+1
	ok := false
	if counted[word(i+1)] || numbered[word(i-1)] {
		return nil, 0, denied, false
	}
	switch {
	case belongs[word(i+1)] || behind[word(i+1)]:
		ok, b = true, i+2
	case belongs[word(i+2)] && behind[word(i+1)]:
		ok, b = true, i+3
	case belongs[word(i-1)] || behind[word(i-1)] && w[i-1].stop == 0:
		ok, a = true, i-1
	case w[i].opened && w[i].closed:
		ok = true
	case w[i].begin && (i+1 >= rest || w[i].stop == ':' || w[i].stop == ',' || word(i+1) == "-" || word(i+1) == "–" || links[word(i+1)]):
		ok = true
	case i+1 == to && before[word(i-1)]:
		ok, a = true, i-1
	case before[word(i-1)] && (word(i-1) != "a" && word(i-1) != "an" && word(i-1) != "this"):
		ok, a = true, i-1
	case (word(i-1) == "a" || word(i-1) == "an" || word(i-1) == "this") && (i+1 == to || links[word(i+1)] || w[i].stop != 0):
		ok, a = true, i-1
	}
	if !ok {
		return nil, 0, denied, false
	}
	if b < rest && !w[b-1].end && (belongs[word(b)] || behind[word(b)]) {
		b++
	}
	for k := i + 1; k < b; k++ {
		plural = plural || strings.HasSuffix(w[k].text, "redirects") || strings.HasSuffix(w[k].text, "ungen") || w[k].text == "redirections"
	}
	if plural && to-from > 6 {
		return nil, 0, denied, false // what 301 redirects are like in general
	}
	words, span := r.quote(a, b)
	return &Code{Status: statusOf(w[i].text), Span: span, Words: words}, b, denied, plural
}

// origins are words before a status that is left behind.
var origins = set("from → replaces replaced")

// denyBetween are words between a status that is declared and one that is denied.
var denyBetween = set("not instead rather statt anstatt")

func statusOf(s string) int {
	n, _, _ := codeOf(s)
	return n
}
