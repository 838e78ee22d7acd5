package intent

import (
	"strconv"
	"strings"
	"time"
)

// months are the beginnings of month names; the longest that fits counts.
var months = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"mär": 3, "mai": 5, "okt": 10, "dez": 12, // de
	"janv": 1, "fév": 2, "févr": 2, "avr": 4, "juin": 6, "juil": 7, "août": 8, "déc": 12, // fr
	"ene": 1, "abr": 4, "ago": 8, "dic": 12, // es
	"gen": 1, "mag": 5, "giu": 6, "lug": 7, "set": 9, "ott": 10, // it
	"fev": 2, "out": 10, // pt
	"mrt": 3, "maa": 3, "mei": 5, // nl
	"янв": 1, "фев": 2, "мар": 3, "апр": 4, "мая": 5, "июн": 6, "июл": 7, "авг": 8, "сен": 9, "окт": 10, "ноя": 11, "дек": 12, // ru
	"sty": 1, "lut": 2, "kwi": 4, "maj": 5, "cze": 6, "lip": 7, "sie": 8, "wrz": 9, "paź": 10, "lis": 11, "gru": 12, // pl
}

// monthNames are words that begin like a month and are none.
var monthNames = set("march mark marked market mars may maybe decide december decided second set sets sep separate out output apr approve general gender")

// month reads a month's name or its short form.
func month(s string) time.Month {
	s = strings.TrimSuffix(s, ".")
	switch s {
	case "march", "märz", "mars", "marzo", "março", "maart", "marca", "марта":
		return 3
	case "may":
		return 5
	case "december", "décembre", "dezember", "diciembre", "dicembre", "dezembro":
		return 12
	}
	if monthNames[s] && s != "sep" && s != "set" && s != "out" && s != "apr" && s != "mars" {
		return 0
	}
	for n := min(len(s), 8); n >= 3; n-- {
		if m, ok := months[s[:n]]; ok && len(s) <= 12 {
			return m
		}
	}
	return 0
}

func number(s string, lo, hi int) (int, bool) {
	for _, tail := range []string{"st", "nd", "rd", "th", ".", "er", "º"} {
		s = strings.TrimSuffix(s, tail)
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= lo && n <= hi
}

func year(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && len(s) == 4 && n >= 1990 && n <= 2199
}

func day(y int, m time.Month, d int) (time.Time, bool) {
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return t, t.Month() == m && t.Day() == d
}

// lastOf is the last day of a month.
func lastOf(y int, m time.Month) time.Time { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC) }

// findDates reads all dates of the comment.
func (r *reader) findDates() {
	for i := 0; i < len(r.words); i++ {
		if t, n := r.readDate(i); n > 0 {
			words, span := r.quote(i, i+n)
			r.dates = append(r.dates, Date{Day: t, Span: span, Words: words})
			i += n - 1
		}
	}
}

// dateAt is the date that begins at word i or shortly behind it, before to, and where it ends.
func (r *reader) dateAt(i, to int) (*Date, int) {
	for k := i; k < min(to, i+4); k++ {
		if t, n := r.readDate(k); n > 0 {
			words, span := r.quote(k, k+n)
			return &Date{Day: t, Span: span, Words: words}, k + n
		}
		if !dateFiller[r.words[k].text] {
			break
		}
	}
	return nil, i
}

var dateFiller = set("the end of am den zum ende le fin du de el al il end: date:")

// readDate reads a date at word i; n is the number of its words, 0 when there is none.
func (r *reader) readDate(i int) (t time.Time, n int) {
	word := func(k int) string {
		if i+k < len(r.words) && (k == 0 || !r.words[i+k-1].end || strings.HasSuffix(r.words[i+k-1].raw, ".")) {
			return r.words[i+k].text
		}
		return ""
	}
	w := word(0)
	if w == "" || w == opaque {
		return t, 0
	}
	if t, ok := numeric(w); ok {
		return t, 1
	}
	if len(w) == 2 && w[0] == 'q' && w[1] >= '1' && w[1] <= '4' {
		if y, ok := year(word(1)); ok {
			return lastOf(y, time.Month(3*(w[1]-'0'))), 2
		}
	}
	if m := month(w); m != 0 {
		if d, ok := number(word(1), 1, 31); ok { // December 31, 2026
			if y, ok := year(word(2)); ok {
				if t, ok := day(y, m, d); ok {
					return t, 3
				}
			}
		}
		if y, ok := year(word(1)); ok {
			return lastOf(y, m), 2
		}
	}
	if d, ok := number(w, 1, 31); ok { // 31 December 2026, 31 de diciembre de 2026, 31. Dezember 2026
		k := 1
		if r.words[i].stop == '.' && i+1 < len(r.words) { // the dot is no end of a sentence here
			word = func(k int) string {
				if i+k < len(r.words) {
					return r.words[i+k].text
				}
				return ""
			}
		}
		if word(k) == "de" || word(k) == "of" {
			k++
		}
		if m := month(word(k)); m != 0 {
			k++
			if word(k) == "de" || word(k) == "of" {
				k++
			}
			if y, ok := year(word(k)); ok {
				if t, ok := day(y, m, d); ok {
					return t, k + 1
				}
			}
		}
	}
	if y, ok := year(w); ok && i > 0 && dateFiller[r.words[i-1].text] && r.words[i-1].text != "the" { // end of 2026
		return time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC), 1
	}
	return t, 0
}

// numeric reads 2026-12-31, 2026/12/31, 2026-12, 31.12.2026 and 31/12/2026; of 05/06/2026 the later day.
func numeric(s string) (t time.Time, ok bool) {
	for _, sep := range []string{"-", "/", "."} {
		parts := strings.Split(s, sep)
		switch len(parts) {
		case 2:
			if y, ok := year(parts[0]); ok {
				if m, ok := number(parts[1], 1, 12); ok && sep != "." && len(parts[1]) == 2 {
					return lastOf(y, time.Month(m)), true
				}
			}
		case 3:
			if y, ok := year(parts[0]); ok {
				m, ok1 := number(parts[1], 1, 12)
				d, ok2 := number(parts[2], 1, 31)
				if ok1 && ok2 {
					return day(y, time.Month(m), d)
				}
			}
			if y, ok := year(parts[2]); ok {
				a, ok1 := number(parts[0], 1, 31)
				b, ok2 := number(parts[1], 1, 31)
				if !ok1 || !ok2 {
					continue
				}
				var best time.Time
				if b <= 12 {
					best, _ = day(y, time.Month(b), a)
				}
				if sep == "/" && a <= 12 {
					if t, ok := day(y, time.Month(a), b); ok && t.After(best) {
						best = t
					}
				}
				return best, !best.IsZero()
			}
		}
	}
	return t, false
}
