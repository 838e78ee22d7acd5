package intent

import (
	"strings"
	"sync"
)

// language holds the words in which one language says how long a redirect lasts. Stems are compared with the start
// of a word.
type language struct {
	temporary, permanent     []string // adjectives: they count beside a noun
	temporarily, permanently []string // adverbs: they count beside a noun or verb, either side
	redirects                []string // nouns and verbs
	nounFirst                bool     // the adjective follows: "redirection temporaire"
}

// languages are those whose comments are understood.
var languages = []language{
	{ // English
		temporary: []string{"temporary", "temp", "short-term", "non-permanent"}, permanent: []string{"permanent"},
		temporarily: []string{"temporarily"}, permanently: []string{"permanently"},
		redirects: []string{"redirect", "forward", "move", "moving", "send", "sent", "rerout", "relocat", "point", "rewrit", "rout"},
	},
	{ // German
		temporary: []string{"temporäre", "vorübergehende", "vorläufige", "zeitweilige", "provisorische", "befristete"}, permanent: []string{"permanente", "dauerhafte", "endgültige"},
		temporarily: []string{"temporär", "vorübergehend", "vorläufig", "zeitweise", "provisorisch", "befristet"}, permanently: []string{"dauerhaft", "endgültig"},
		redirects: []string{"weiterleit", "weitergeleit", "umleit", "umgeleit", "verschoben", "umgezogen", "leiten", "redirect"},
	},
	{ // French
		temporary: []string{"temporaire", "provisoire"}, permanent: []string{"permanente", "définitive", "definitive"},
		temporarily: []string{"temporairement", "provisoirement"}, permanently: []string{"définitivement", "definitivement"},
		redirects: []string{"redirection", "redirig", "rediriger", "déplac", "deplac", "renvoi", "redirect"}, nounFirst: true,
	},
	{ // Spanish
		temporary: []string{"temporal", "provisional"}, permanent: []string{"permanente", "definitiva"},
		temporarily: []string{"temporalmente", "provisionalmente"}, permanently: []string{"permanentemente", "definitivamente"},
		redirects: []string{"redirec", "redirig", "movid", "traslad", "redirect"}, nounFirst: true,
	},
	{ // Italian
		temporary: []string{"temporane", "provvisori"}, permanent: []string{"permanente", "definitivo"},
		temporarily: []string{"temporaneamente", "provvisoriamente"}, permanently: []string{"permanentemente", "definitivamente"},
		redirects: []string{"reindirizz", "redirezion", "spostat", "redirect"}, nounFirst: true,
	},
	{ // Portuguese
		temporary: []string{"temporári", "temporari", "provisóri"}, permanent: []string{"permanente", "definitivo"},
		temporarily: []string{"temporariamente", "provisoriamente"}, permanently: []string{"permanentemente", "definitivamente"},
		redirects: []string{"redirecion", "movid", "redirect"}, nounFirst: true,
	},
	{ // Dutch
		temporary: []string{"tijdelijke", "voorlopige"}, permanent: []string{"permanente", "definitieve", "blijvende"},
		temporarily: []string{"tijdelijk", "voorlopig"}, permanently: []string{"definitief", "blijvend"},
		redirects: []string{"doorverwij", "doorverwezen", "doorgestuurd", "doorsturen", "omleid", "omgeleid", "verplaatst", "verhuisd", "redirect"},
	},
	{ // Russian
		temporary: []string{"временн"}, permanent: []string{"постоянн"},
		temporarily: []string{"временно"}, permanently: []string{"навсегда", "постоянно"},
		redirects: []string{"редирект", "перенаправл", "переадресац", "перенес", "переехал"},
	},
	{ // Polish
		temporary: []string{"tymczasow"}, permanent: []string{"stałe", "trwałe"},
		temporarily: []string{"tymczasowo"}, permanently: []string{"trwale", "stale"},
		redirects: []string{"przekierow", "przenies"},
	},
}

// stemStarts are the first four bytes of all words that say how long.
var stemStarts = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, l := range languages {
		for _, list := range [][]string{l.temporary, l.permanent, l.temporarily, l.permanently} {
			for _, s := range list {
				m[s[:4]] = true
			}
		}
	}
	return m
})

func anyStem(stems []string, s string) bool {
	for _, stem := range stems {
		if strings.HasPrefix(s, stem) {
			return true
		}
	}
	return false
}

func anyWord(words []string, s string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	return false
}

var (
	// hedges keep a sentence from saying what is.
	hedges = set(`would could might should may if or whether either maybe perhaps würde sollte könnte oder ou oppure или lub`)
	// negations turn what follows within four words.
	negations = set(`not no never longer isn't don't doesn't without nicht kein keine nie pas jamais sans no nunca sin non mai senza
		niet geen nooit не без nie bez`)
	// history are words behind which something temporary is over.
	history = set(`was were been formerly used previously originally initially had war waren früher était été era estaba eram foi fue
		was waren был была было był była`)
	// fillers may stand between an adjective and the redirect it belongs to.
	fillers = set(`301 302 303 307 308 http https url site domain page simple internal external full`)
)

// duration finds words that call the redirect temporary or permanent: an adjective with the noun, an adverb with the verb.
func (r *reader) duration(out *Reading) {
	for i := range r.words {
		w := r.words[i].text
		if len(w) < 4 || !stemStarts()[w[:4]] {
			continue
		}
		if sense, a, b := r.lasting(i); sense != 0 && r.states(sense, i) {
			words, span := r.quote(a, b)
			out.Marks = append(out.Marks, Mark{Sense: sense, Span: span, Words: words})
		}
	}
}

// lasting reads a word that says how long, with the redirect beside it: words a to b.
func (r *reader) lasting(i int) (sense Sense, a, b int) {
	w := r.words[i].text
	from, to := r.sentence(i)
	for k := range languages {
		l := &languages[k]
		var adverb bool
		switch {
		case anyWord(l.temporarily, w):
			sense, adverb = Temporary, true
		case anyWord(l.permanently, w):
			sense, adverb = Permanent, true
		case k == 0 && anyWord(l.temporary, w) || k > 0 && anyStem(l.temporary, w):
			sense = Temporary
		case k == 0 && anyWord(l.permanent, w) || k > 0 && anyStem(l.permanent, w):
			sense = Permanent
		default:
			continue
		}
		isRedirect := func(j int) bool {
			if j < from || j >= to {
				return false
			}
			_, tail, code := codeOf(r.words[j].text)
			return code && tail == "" || anyStem(l.redirects, r.words[j].text)
		}
		switch {
		case adverb:
			for _, d := range []int{1, -1, 2, -2} {
				if isRedirect(i + d) {
					return sense, min(i, i+d), max(i, i+d) + 1
				}
			}
		case !l.nounFirst && isNoun(r, i+1, to, l):
			return sense, i, i + 2
		case !l.nounFirst && i+2 < to && fillers[r.words[i+1].text] && isNoun(r, i+2, to, l):
			return sense, i, i + 3
		case isRedirect(i-1) && (l.nounFirst || r.words[i].opened || r.words[i-1].stop == ':'):
			return sense, i - 1, i + 1
		case l.nounFirst && isRedirect(i-2) && fillers[r.words[i-1].text]:
			return sense, i - 2, i + 1
		case i >= from+2 && isRedirect(i-2) && (r.words[i-1].text == "is" || r.words[i-1].text == "ist" || r.words[i-1].text == "-"):
			return sense, i - 2, i + 1
		}
	}
	return 0, 0, 0
}

// isNoun tells whether word j names a redirect. "permanent move" does, "permanent moved pages" does not.
func isNoun(r *reader, j, to int, l *language) bool {
	if j >= to {
		return false
	}
	w := r.words[j].text
	if l == &languages[0] {
		switch w {
		case "redirect", "redirects", "redirection", "redirections", "move", "relocation", "forward", "forwarding", "forwards":
			return true
		}
		return false
	}
	return anyStem(l.redirects, w)
}

// states tells whether what word i says is said of now: neither denied, nor told of the past, nor a mere thought.
func (r *reader) states(sense Sense, i int) bool {
	from, to := r.sentence(i)
	if r.asks(to) || r.near(from, to, hedges) && !r.words[i].opened || r.near(max(from, i-4), i, negations) {
		return false
	}
	return sense != Temporary || !r.near(max(from, i-4), i, history)
}
