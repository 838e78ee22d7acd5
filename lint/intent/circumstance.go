package intent

import (
	"strings"
	"sync"
)

var (
	// passes are things that pass, behind "during" and its like.
	passes = set(`maintenance migration rebuild rebuilding redesign relaunch construction renovation move transition upgrade outage
		holiday holidays summer winter christmas xmas easter sale campaign works work deployment launch lockdown covid downtime testing
		development event festival wartung umbau umzug bauarbeiten ferien umstellung travaux migration vacances mantenimiento obras
		manutenzione manutenção onderhoud verbouwing migratie remont обслуживания ремонта przebudowy remontu`)
	// clauses are words of a clause that "until" or "while" begins, when it speaks of the world and not of the text.
	clauses = set(`is are be being are we we're we've i i'm they it's has have gets get dns launch launched launches further ready done then
		goes finished complete completed back fixed ist sind wir wird soit est nous esté está sea sia è`)
	// mechanics are words of a clause that speaks of the request.
	mechanics = set(`query string querystring match matches matched path slash keep keeping kept preserve preserving preserved retain retaining
		retained ignoring ignored passing passed appended append excluded excluding allowed allowing rewrite rewritten pattern regex
		character char letters digits word first last end next found request requests maintaining leaving letting`)
	// workings are what is being done while a redirect serves.
	workings = set(`rebuilding migrating moving testing redesigning renovating developing working waiting fixing upgrading updating
		building finalizing transitioning offline closed down unavailable construction rebuilt migrated moved redesigned renovated developed
		fixed upgraded updated built finalized maintained repaired tested progress up migrate rebuild redesign move test fix upgrade update renovate
		develop finish repair`)
	remedies = set("fix solution workaround hack measure patch fallback stopgap arrangement placeholder use")
)

// opener is how a language begins the words that tell how long; each is one or two words, with "…".
type opener struct {
	words  string
	dated  bool // counts only before a date
	closes bool // says all by itself
	of     bool // before something that passes
}

var openers = []opener{
	{words: "for now", closes: true}, {words: "for the time being", closes: true}, {words: "pour l'instant", closes: true},
	{words: "en attendant", closes: true}, {words: "por ahora", closes: true}, {words: "por el momento", closes: true},
	{words: "per ora", closes: true}, {words: "per il momento", closes: true}, {words: "por enquanto", closes: true}, {words: "por agora", closes: true},
	{words: "na razie", closes: true}, {words: "vorerst", closes: true}, {words: "fürs erste", closes: true}, {words: "bis auf weiteres", closes: true},
	{words: "voorlopig", closes: true}, {words: "пока что", closes: true}, {words: "until further notice", closes: true}, {words: "on hold", closes: true},
	{words: "during", of: true}, {words: "während der", of: true}, {words: "während des", of: true}, {words: "pendant", of: true},
	{words: "durante", of: true}, {words: "mientras", of: true}, {words: "tijdens", of: true}, {words: "podczas", of: true}, {words: "на время", of: true},
	{words: "until", dated: true}, {words: "till", dated: true}, {words: "bis", dated: true}, {words: "bis zum", dated: true}, {words: "through", dated: true},
	{words: "jusqu'au", dated: true}, {words: "jusqu'à", dated: true}, {words: "hasta el", dated: true}, {words: "hasta", dated: true}, {words: "fino al", dated: true},
	{words: "até", dated: true}, {words: "tot", dated: true}, {words: "до", dated: true}, {words: "do", dated: true},
	{words: "expires", dated: true}, {words: "expires on", dated: true}, {words: "expires:", dated: true}, {words: "ends", dated: true}, {words: "ends on", dated: true},
	{words: "remove after", dated: true}, {words: "remove on", dated: true}, {words: "delete after", dated: true}, {words: "valid until", dated: true},
	{words: "gültig bis", dated: true}, {words: "remove by", dated: true}, {words: "remove in", dated: true}, {words: "drop after", dated: true},
}

// openersBy are the openers by their first word.
var openersBy = sync.OnceValue(func() map[string][]*opener {
	m := map[string][]*opener{}
	for i := range openers {
		first, _, _ := strings.Cut(openers[i].words, " ")
		m[first] = append(m[first], &openers[i])
	}
	return m
})

// circumstance finds words that say how long in another way: for now, until, while, during, remove after.
func (r *reader) circumstance(out *Reading) {
	r.findDates()
	out.Dates = r.dates
	add := func(a, b int, until *Date) {
		from, to := r.sentence(a)
		if r.asks(to) || r.near(max(from, a-3), a, negations) {
			return
		}
		if until == nil {
			b = min(b, to, a+8)
		}
		words, span := r.quote(a, b)
		m := Mark{Sense: ForNow, Span: span, Words: words}
		if until != nil {
			m.Until = until.Day
		}
		out.Marks = append(out.Marks, m)
	}
	for i := range r.words {
		_, to := r.sentence(i)
		w := r.words[i].text
		best := 0
		for _, o := range openersBy()[w] {
			n := r.begins(i, o.words)
			if n == 0 || n < best || n == best && !o.dated {
				continue
			}
			switch {
			case o.closes:
				best = n
				add(i, i+n, nil)
			case o.of && r.near(i+n, min(to, i+n+4), passes) && !r.near(i+n, min(to, i+n+4), mechanics):
				best = n
				add(i, to, nil)
			case o.dated:
				if d, end := r.dateAt(i+n, to); d != nil {
					best = n
					add(i, end, d)
				}
			}
		}
		if best > 0 {
			continue
		}
		next := func(k int) string {
			if i+k < to {
				return r.words[i+k].text
			}
			return ""
		}
		switch w {
		case "until", "till":
			if r.near(i+1, min(to, i+8), clauses) && !r.near(i+1, min(to, i+6), mechanics) {
				add(i, to, nil)
			}
		case "while":
			if r.near(i+1, min(to, i+8), workings) && !r.near(i+1, min(to, i+8), mechanics) {
				add(i, to, nil)
			}
		case "solange":
			if r.near(i+1, to, passes) || r.near(i+1, to, clauses) {
				add(i, to, nil)
			}
		case "revert":
			switch next(1) {
			case "this", "when", "after", "once", "on", "back":
				add(i, to, nil)
			}
		case "remove", "delete", "drop":
			k := 1
			if next(1) == "this" || next(1) == "me" || next(1) == "it" {
				k = 2
			}
			switch next(k) {
			case "once", "later", "when", "after":
				add(i, to, nil)
			default:
				if i > 0 && (strings.HasPrefix(r.words[i-1].text, "todo") || strings.HasPrefix(r.words[i-1].text, "fixme")) {
					add(i-1, to, nil)
				}
			}
		case "removed", "deleted":
			if i >= 2 && r.words[i-1].text == "be" && r.words[i-2].text == "will" && (next(1) == "after" || next(1) == "once" || next(1) == "when" || next(1) == "on") {
				add(i-2, to, nil)
			}
		case "temporary", "temporarily":
			switch {
			case w == "temporary" && remedies[next(1)]:
				add(i, i+2, nil)
			case w == "temporarily":
				switch next(1) {
				case "unavailable", "closed", "disabled", "down", "offline", "out":
					add(i, i+2, nil)
				}
			}
		}
	}
}

// begins gives the number of words of a phrase when it begins at word i, 0 when it does not.
func (r *reader) begins(i int, phrase string) int {
	n := 0
	for phrase != "" {
		p, rest, _ := strings.Cut(phrase, " ")
		if i+n >= len(r.words) || r.words[i+n].text != p {
			return 0
		}
		n++
		phrase = rest
	}
	return n
}

// gone are participles that say that a page is no more.
var gone = set(`removed deleted discontinued retired gelöscht entfernt eingestellt supprimé supprimée supprimés supprimées eliminado eliminada
	eliminados eliminato eliminata rimosso rimossa removido removida excluído verwijderd удален удалена удалено удалены usunięty usunięta usunięto`)

// removed finds words that say that the page is gone.
func (r *reader) removed(out *Reading) {
	for i := range r.words {
		w := r.words[i].text
		end := i + 1
		switch {
		case gone[w] && i > 0 && r.words[i-1].text == "be":
			continue // it will be, and is not yet
		case gone[w]:
		case w == "longer" && i > 0 && r.words[i-1].text == "no" && i+1 < len(r.words) && (strings.HasPrefix(r.words[i+1].text, "exist") ||
			r.words[i+1].text == "available" || r.words[i+1].text == "sold"):
			end = i + 2
		default:
			continue
		}
		from, to := r.sentence(i)
		if r.asks(to) || r.near(from, to, hedges) || w != "longer" && r.near(max(from, i-4), i, negations) {
			continue
		}
		a := i
		if w == "longer" {
			a = i - 1
		} else if i > from {
			a = i - 1
		}
		words, span := r.quote(a, end)
		out.Marks = append(out.Marks, Mark{Sense: Removed, Span: span, Words: words})
		return
	}
}
