package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestEaseCollector: a small heap is left alone, a large one is collected as ever, and GOGC wins.
func TestEaseCollector(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
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
