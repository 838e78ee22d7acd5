package nginx_test

import (
	"fmt"
	"strings"
	"testing"

	"rewright/parser/ir"
	syntax "rewright/parser/nginx"
	"rewright/parser/sim"
	"rewright/parser/sim/nginx"
	"rewright/parser/source"
)

// simulate makes a simulator of the inside of a server block.
func simulate(t testing.TB, text string, w *sim.World) sim.Simulator {
	t.Helper()
	return simulateIn(t, ir.ContextServer, text, w)
}

func simulateIn(t testing.TB, context ir.Context, text string, w *sim.World) sim.Simulator {
	t.Helper()
	cfg := syntax.Read(source.NewFile("test.conf", []byte(text)), syntax.Env{Context: context})
	if w == nil {
		w = &sim.World{Files: sim.NoFiles{Root: "/srv"}, DocumentRoot: "/srv", ServerName: "example.test"}
	}
	s, err := nginx.New(syntax.Lower(cfg), w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rules is a file of n rules of the sorts real ones have.
func rules(n int) string {
	var b strings.Builder
	for i := range n {
		switch i % 5 {
		case 0:
			fmt.Fprintf(&b, "rewrite ^/old-%d/(.*)$ /new-%d/$1 permanent;\n", i, i)
		case 1:
			fmt.Fprintf(&b, "location = /page-%d.html { return 301 /page/%d; }\n", i, i)
		case 2:
			fmt.Fprintf(&b, "location ~ ^/shop%d/([0-9]+)$ { rewrite ^ /item.php?id=$1 last; }\n", i)
		case 3:
			fmt.Fprintf(&b, "location /area%d/ { try_files $uri $uri/ /index.php?$args; }\n", i)
		default:
			fmt.Fprintf(&b, "if ($http_user_agent ~* bot%d) { return 403; }\n", i)
		}
	}
	return b.String()
}

var benchRequests = []sim.Request{
	{Host: "example.test", Target: "/old-5/a/b"},
	{Host: "example.test", Target: "/page-41.html"},
	{Host: "example.test", Target: "/area33/x?y=1"},
	{Host: "example.test", Target: "/nothing/here", Header: [][2]string{{"User-Agent", "Mozilla/5.0 (X11; Linux)"}}},
}

func benchmarkAnswer(b *testing.B, s sim.Simulator, requests []sim.Request) {
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if out := s.Answer(requests[n%len(requests)], false); !out.Known {
			b.Fatal(out.Unknown)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "req/s")
}

func BenchmarkAnswer50Rules(b *testing.B) {
	benchmarkAnswer(b, simulate(b, rules(50), nil), benchRequests)
}
func BenchmarkAnswer1000Rules(b *testing.B) {
	benchmarkAnswer(b, simulate(b, rules(1000), nil), benchRequests)
}

func manyLocations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "location = /moved/%d { return 301 /to/%d; }\n", i, i)
		fmt.Fprintf(&b, "location /section-%d/ { return 301 /s/%d; }\n", i, i)
	}
	return b.String()
}

// BenchmarkAnswer100000Locations asks a server with 100,000 literal locations.
func BenchmarkAnswer100000Locations(b *testing.B) {
	benchmarkAnswer(b, simulate(b, manyLocations(50000), nil), []sim.Request{
		{Host: "example.test", Target: "/moved/49999"}, {Host: "example.test", Target: "/section-31415/a"}, {Host: "example.test", Target: "/z"}})
}

// BenchmarkAnswer100000MapKeys looks one key up in a map of 100,000.
func BenchmarkAnswer100000MapKeys(b *testing.B) {
	var t strings.Builder
	t.WriteString("map_hash_bucket_size 128; map_hash_max_size 400000; map $uri $to {\n")
	for i := range 100000 {
		fmt.Fprintf(&t, "/old/%d /new/%d;\n", i, i)
	}
	t.WriteString("}\nserver { listen 80; if ($to) { return 301 $to; } return 404; }\n")
	benchmarkAnswer(b, simulateIn(b, ir.ContextHTTP, t.String(), nil), []sim.Request{{Host: "x", Target: "/old/77777"}, {Host: "x", Target: "/none"}})
}
