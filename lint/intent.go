package lint

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// IntentKind is what an author can state of a directive.
type IntentKind string

const (
	IntentTemporary  IntentKind = "temporary"   // a temporary redirect is meant; it may have a last day
	IntentPermanent  IntentKind = "permanent"   // a permanent redirect is meant
	IntentKeepMethod IntentKind = "keep-method" // the method and the body are to be kept: 307, 308
	IntentGet        IntentKind = "get"         // the answer is to be fetched with GET: 303
)

// IntentKinds are all there are, as messages list them.
var IntentKinds = []IntentKind{IntentTemporary, IntentPermanent, IntentKeepMethod, IntentGet}

// Intent is one thing an author states in a comment: `# lint:intent temporary until 2026-12-31 -- why`. It stands where
// `# lint:ignore` stands: on the line above a directive, in nginx also at the end of its line. Above the conditions of a
// rewrite rule it speaks of the rule. Several may stand in one comment, parted by commas.
type Intent struct {
	Kind      IntentKind
	Until     time.Time   // the last day, UTC; zero: none is said
	Span      source.Span // of the words; File is the directive's
	UntilSpan source.Span // of the date
	Comment   *Comment
	Directive *Directive
}

// intents are those of one unit, read when first asked for.
type intents struct {
	once        sync.Once
	list        []*Intent
	by          map[*Directive][]*Intent
	misplaced   []*Intent // nothing follows that they could speak of
	diagnostics []diag.Diagnostic
}

const intentMark = "lint:intent"

// Intents are the well-formed stated intents of a unit that speak of a directive, in reading order.
func (u *Unit) Intents() []*Intent { return u.readIntents().list }

// IntentsOf are the intents stated of the directive that holds the byte at offset; for a rewrite rule
// also those above its conditions.
func (u *Unit) IntentsOf(f *source.File, offset int32) []*Intent {
	in := u.readIntents()
	if len(in.by) == 0 {
		return nil
	}
	d := u.At(f, offset)
	if d == nil {
		return nil
	}
	out := in.by[d]
	if d.Is("RewriteRule") {
		for c := d.PrevPtr; c != nil && c.Is("RewriteCond"); c = c.PrevPtr {
			if more := in.by[c]; len(more) > 0 {
				out = append(append([]*Intent(nil), more...), out...)
			}
		}
	}
	return out
}

// Intent is the stated intent of one kind, nil when there is none.
func (u *Unit) Intent(f *source.File, offset int32, kind IntentKind) *Intent {
	for _, i := range u.IntentsOf(f, offset) {
		if i.Kind == kind {
			return i
		}
	}
	return nil
}

func (u *Unit) readIntents() *intents {
	in := &u.intents
	in.once.Do(func() {
		in.by = map[*Directive][]*Intent{}
		for _, com := range u.Comments {
			rest, at, ok := commentAfter(com, intentMark)
			if !ok {
				continue
			}
			list, faults := parseIntents(com, rest, at)
			in.diagnostics = append(in.diagnostics, faults...)
			if len(list) == 0 {
				continue
			}
			d := u.spokenOf(com)
			if d == nil {
				in.misplaced = append(in.misplaced, list[0])
				continue
			}
			for _, i := range list {
				i.Directive = d
				in.list = append(in.list, i)
				in.by[d] = append(in.by[d], i)
			}
		}
	})
	return in
}

// commentAfter is what stands behind a mark in a comment, up to the reason or the end of the line, and its offset.
// ok is false for a comment without the mark.
func commentAfter(com *Comment, mark string) (rest string, at int32, ok bool) {
	text := com.File.Slice(com.Span)
	body := strings.TrimLeft(text, "# \t")
	if !strings.HasPrefix(body, mark) {
		return "", 0, false
	}
	at = com.Span.Start + int32(len(text)-len(body)+len(mark))
	rest = body[len(mark):]
	if line, _, ok := strings.Cut(rest, "\n"); ok {
		rest = strings.TrimSuffix(line, "\r")
	}
	if words, _, ok := strings.Cut(rest, " --"); ok {
		rest = words
	}
	return rest, at, rest == "" || strings.IndexByte(" \t:,-", rest[0]) >= 0
}

// parseIntents reads the words of one comment. What cannot be read is a finding.
func parseIntents(com *Comment, rest string, at int32) (list []*Intent, faults []diag.Diagnostic) {
	fault := func(span source.Span, message string, fixes ...diag.Fix) {
		faults = append(faults, diag.Diagnostic{Severity: diag.Warning, File: com.File, Span: span, Message: message, Fixes: fixes})
	}
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		fault(com.Span, "this states no intent: a blank belongs behind lint:intent")
		return nil, faults
	}
	for _, part := range splitAt(rest, at) {
		words := fieldsAt(part.text, part.at)
		if len(words) == 0 {
			continue
		}
		first, end := words[0], words[len(words)-1]
		whole := source.Span{Start: first.at, End: end.end()}
		kind := IntentKind(first.text)
		switch kind {
		case IntentTemporary, IntentPermanent, IntentKeepMethod, IntentGet:
		default:
			message := fmt.Sprintf("no intent is called %q, so this states nothing; there are %s", first.text, kindList())
			if near := Nearest(first.text, kindNames()); len(near) == 1 {
				fault(first.span(), fmt.Sprintf("no intent is called %q, so this states nothing; did you mean %q?", first.text, near[0]),
					diag.Fix{Title: "write `" + near[0] + "`", Safety: diag.Risky, Edits: source.Replace(first.span(), near[0])})
				continue
			}
			fault(first.span(), message)
			continue
		}
		i := &Intent{Kind: kind, Span: whole, Comment: com}
		switch {
		case len(words) == 1:
		case words[1].text != "until":
			fault(words[1].span(), fmt.Sprintf("%q is not understood behind %s, so this states nothing; a reason stands behind ` -- `", words[1].text, kind))
			continue
		case kind != IntentTemporary:
			fault(words[1].span(), fmt.Sprintf("only what is temporary has a last day, so `%s until` states nothing", kind))
			continue
		case len(words) == 2:
			fault(words[1].span(), "`until` names no day; write it as 2026-12-31")
			continue
		case len(words) > 3:
			fault(words[3].span(), fmt.Sprintf("%q is not understood behind the date, so this states nothing; a reason stands behind ` -- `", words[3].text))
			continue
		default:
			day, err := time.Parse(time.DateOnly, words[2].text)
			if err != nil {
				fault(words[2].span(), fmt.Sprintf("%q is no day of the calendar; write it as 2026-12-31", words[2].text))
				continue
			}
			i.Until, i.UntilSpan = day, words[2].span()
		}
		list = append(list, i)
	}
	if len(list)+len(faults) == 0 {
		fault(com.Span, "this states no intent; there are "+kindList())
	}
	for a := range list {
		for _, b := range list[a+1:] {
			if list[a].Kind == b.Kind || contradict(list[a].Kind, b.Kind) {
				fault(b.Span, fmt.Sprintf("%s and %s cannot both be meant", list[a].Kind, b.Kind))
				return nil, faults
			}
		}
	}
	return list, faults
}

func contradict(a, b IntentKind) bool {
	pair := func(x, y IntentKind) bool { return a == x && b == y || a == y && b == x }
	return pair(IntentTemporary, IntentPermanent) || pair(IntentKeepMethod, IntentGet)
}

func kindNames() []string {
	var out []string
	for _, k := range IntentKinds {
		out = append(out, string(k))
	}
	return out
}

func kindList() string {
	names := kindNames()
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// textAt is a piece of a file.
type textAt struct {
	text string
	at   int32
}

func (t textAt) end() int32        { return t.at + int32(len(t.text)) }
func (t textAt) span() source.Span { return source.Span{Start: t.at, End: t.end()} }

// splitAt parts text at commas.
func splitAt(text string, at int32) []textAt {
	var out []textAt
	for {
		part, rest, ok := strings.Cut(text, ",")
		out = append(out, textAt{part, at})
		if !ok {
			return out
		}
		at += int32(len(part) + 1)
		text = rest
	}
}

// fieldsAt parts text at blanks.
func fieldsAt(text string, at int32) []textAt {
	var out []textAt
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' || text[i] == '\r' {
			i++
			continue
		}
		j := i
		for j < len(text) && text[j] != ' ' && text[j] != '\t' && text[j] != '\r' {
			j++
		}
		out = append(out, textAt{text[i:j], at + int32(i)})
		i = j
	}
	return out
}
