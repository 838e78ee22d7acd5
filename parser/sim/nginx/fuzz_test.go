package nginx_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rewright/parser/ir"
	syntax "rewright/parser/nginx"
	"rewright/parser/sim"
	"rewright/parser/sim/nginx"
	"rewright/parser/source"
)

// FuzzAnswer states that no configuration and no request makes the simulator panic or hang, and that a trace
// changes nothing of the answer.
func FuzzAnswer(f *testing.F) {
	files, _ := filepath.Glob("../../../testdata/sim/nginx/*.json")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var cases []recorded
		if err := json.Unmarshal(b, &cases); err != nil {
			f.Fatal(err)
		}
		for i := range cases {
			if c := &cases[i]; len(c.Requests) > 0 {
				f.Add(c.Config["server"]+c.Config["http"], c.Requests[0].Target, "example.test", c.Requests[0].Method, i%2 == 0)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, target, host, method string, whole bool) {
		context := ir.ContextServer
		if whole {
			context = ir.ContextHTTP
		}
		w := &sim.World{Files: sim.NoFiles{Root: root}, DocumentRoot: root}
		cfg := syntax.Read(source.NewFile("fuzz.conf", []byte(words.Replace(text))), syntax.Env{Context: context})
		s, err := nginx.New(syntax.Lower(cfg), w)
		if err != nil {
			return
		}
		r := sim.Request{Method: method, Host: host, Target: target}
		start := time.Now()
		plain := s.Answer(r, false)
		traced := s.Answer(r, true)
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("took %v", d)
		}
		if plain.Steps != nil {
			t.Error("steps without a trace")
		}
		if plain.Known != traced.Known || plain.Status != traced.Status || plain.URI != traced.URI || !slices.Equal(plain.Via, traced.Via) {
			t.Errorf("a trace changes the answer: %+v, %+v", plain, traced)
		}
	})
}
