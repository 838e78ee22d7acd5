package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// TestEaseCollector: a small heap is left alone, a large one is collected as ever, and GOGC wins.
func TestEaseCollector(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	// read, not set and set back: that would undo what the finalizer sets between the two
	percent := func() int {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}
	easeCollector("100")
	if p := percent(); p != 100 {
		t.Errorf("%d%% though GOGC is set", p)
	}
	easeCollector("")
	runtime.GC()
	if p := percent(); p != smallPercent {
		t.Errorf("%d%% with a small heap", p)
	}
	large := make([]byte, 2*smallHeap)
	for range 100 {
		runtime.GC() // the finalizer runs some time after
		if percent() == 100 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if p := percent(); p != 100 {
		t.Errorf("%d%% with a large heap", p)
	}
	runtime.KeepAlive(large)
}
