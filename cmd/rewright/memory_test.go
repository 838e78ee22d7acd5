package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// TestEaseCollector: a small heap is left alone, a large one grows by less, and GOGC wins.
func TestEaseCollector(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	// read, not set and set back: that would undo what the finalizer sets between the two
	percent := func() int {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}
	easeCollector("100")()
	if p := percent(); p != 100 {
		t.Errorf("%d%% though GOGC is set", p)
	}
	defer easeCollector("")()
	runtime.GC()
	if p := percent(); p != mostPercent {
		t.Errorf("%d%% with a small heap", p)
	}
	large := make([]byte, roomyHeap/3)
	for range 100 {
		runtime.GC() // the finalizer runs some time after
		if percent() != mostPercent {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if p := percent(); p > 200 || p < leastPercent {
		t.Errorf("%d%% with a third of the roomy heap live", p)
	}
	runtime.KeepAlive(large)
}

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, mostPercent}, {1 << 20, mostPercent}, {roomyHeap / 3, 200}, {roomyHeap / 2, 100}, {roomyHeap - 1, leastPercent}, {8 << 30, leastPercent}} {
		if p := growth(c.live); p != c.want {
			t.Errorf("%d bytes live: %d%%, want %d%%", c.live, p, c.want)
		}
	}
}
