package nginx

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"rewright/parser/ir"
	confparser "rewright/parser/nginx"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// The index passes over no rewrite that matches: with a trace, without one, and without an index the answers are the same.
func TestIndexChangesNoAnswer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	words := []string{"a", "b", "ab", "A", "old", "old/page", "Old", "x-y", "index.php"}
	word := func() string { return words[rnd.IntN(len(words))] }
	for round := range 200 {
		var b strings.Builder
		for range sim.IndexFrom + rnd.IntN(40) {
			pattern := []string{"^/%s/%s$", "^/%s/%s", "^/%s/%s(.*)$", "%s/%s$", "(?i)^/%s/%s", "^/(%s|%s)"}[rnd.IntN(6)]
			pattern = fmt.Sprintf(pattern, word(), word())
			switch rnd.IntN(8) {
			case 0:
				fmt.Fprintf(&b, "if ($uri ~ \"%s\") { set $x \"$x|$1\"; }\n", pattern)
			case 1:
				fmt.Fprintf(&b, "set $y \"$y|$1\";\n")
			default:
				fmt.Fprintf(&b, "rewrite \"%s\" /%s/%s %s;\n", pattern, word(), word(), []string{"", "last", "break", "permanent", "redirect"}[rnd.IntN(5)])
			}
		}
		text := "set $x 0; set $y 0;\n" + b.String() + "return 302 /end?$x&$y;\n"
		c := confparser.Read(source.NewFile("x.conf", []byte(text)), confparser.Env{Context: ir.ContextServer})
		p := confparser.Lower(c)
		w := &sim.World{DocumentRoot: "/srv/www"}
		with, err := New(p, w)
		if err != nil {
			t.Fatal(err)
		}
		without, _ := New(p, w)
		for _, sv := range without.(*simulator).servers {
			sv.conf.script.lazy = nil
		}
		for range 20 {
			q := sim.Request{Host: "h.test", Target: "/" + word() + "/" + word() + strings.Repeat("/"+word(), rnd.IntN(2))}
			a, b, full := with.Answer(q, false), with.Answer(q, true), without.Answer(q, true)
			if !reflect.DeepEqual(b.Steps, full.Steps) {
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
