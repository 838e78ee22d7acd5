package httpd

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// The index passes over no rule that matches: with and without a trace, which looks at all of them, and without an index,
// the answers are the same.
func TestIndexChangesNoAnswer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "ab", "A", "old", "old/page", "Old", "x-y", "index.php", ""}
	word := func() string { return words[rnd.IntN(len(words))] }
	for round := range 200 {
		var b strings.Builder
		b.WriteString("RewriteEngine On\n")
		for range sim.IndexFrom + rnd.IntN(40) {
			pattern := word() + "/" + word()
			switch rnd.IntN(6) {
			case 0:
				pattern = "^" + pattern + "$"
			case 1:
				pattern = "^" + pattern
			case 2:
				pattern = "^" + pattern + "(.*)$"
			case 3:
				pattern = "!^" + pattern
			case 4:
				pattern = pattern + "$"
			}
			flags := []string{"", "[NC]", "[L]", "[R,L]", "[C]", "[S=1]", "[NC,R=301,L]", "[N=3]"}[rnd.IntN(8)]
			switch rnd.IntN(5) {
			case 0:
				fmt.Fprintf(&b, "Redirect 301 /%s /%s/%s\n", strings.TrimPrefix(word()+"/"+word(), "/"), word(), word())
			case 1:
				fmt.Fprintf(&b, "RedirectMatch %s /%s\n", strings.TrimPrefix(pattern, "!"), word())
			default:
				if rnd.IntN(4) == 0 {
					fmt.Fprintf(&b, "RewriteCond %%{REQUEST_URI} %s\n", word())
				}
				if rnd.IntN(4) == 0 {
					pattern = "^(.*)$"
					fmt.Fprintf(&b, "RewriteCond %%{HTTP_HOST} %s^(www\\.)?%s\\.test$ %s\n", []string{"", "", "!"}[rnd.IntN(3)], []string{"h", "i"}[rnd.IntN(2)],
						[]string{"", "[NC]", "[OR]"}[rnd.IntN(3)])
					if rnd.IntN(2) == 0 {
						b.WriteString("RewriteCond %{REQUEST_URI} a\n")
					}
				}
				fmt.Fprintf(&b, "RewriteRule %s %s/%s %s\n", pattern, word(), word(), flags)
			}
		}
		text := b.String()
		c := apache.Read(apache.Parse(source.NewFile(".htaccess", []byte(text))), apache.Env{Context: ir.ContextHtaccess})
		p := apache.NewHtaccessProgram(apache.LowerHtaccess(c, "/srv/www"))
		w := &sim.World{DocumentRoot: "/srv/www", Files: sim.NoFiles{Root: "/srv/www"}}
		with, err := New(p, w)
		if err != nil {
			t.Fatal(err)
		}
		without, _ := New(p, w)
		for _, l := range without.(*simulator).htaccess {
			l.rulesIndex, l.redirectsIndex = nil, nil
		}
		for range 20 {
			q := sim.Request{Host: []string{"h.test", "www.H.test", "i.test", "x.test"}[rnd.IntN(4)], Target: "/" + word() + "/" + word() + strings.Repeat("/"+word(), rnd.IntN(2))}
			a, b, full := with.Answer(q, false), with.Answer(q, true), without.Answer(q, true)
			if !slices.EqualFunc(b.Steps, full.Steps, func(x, y sim.Step) bool { return reflect.DeepEqual(x, y) }) {
				t.Fatalf("round %d, %s: the index changes the trace\n%s", round, q.Target, text)
			}
			b.Steps, full.Steps = nil, nil
			a.Work, b.Work, full.Work = 0, 0, 0 // what the index saves
			if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, full) {
				t.Fatalf("round %d, %s: %d %v with the index, %d %v with a trace, %d %v without the index\n%s", round, q.Target, a.Status, a.Location, b.Status, b.Location, full.Status, full.Location, text)
			}
		}
	}
}
