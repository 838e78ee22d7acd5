package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// A run spends a quarter of its time collecting garbage that would not have mattered. The collector waits until the heap is
// roomyHeap large, in bytes, or five times what is live; a heap of which more is live grows by leastPercent.
const (
	roomyHeap    = 420 << 20
	mostPercent  = 400
	leastPercent = 60
)

// easeCollector holds until end is called, or the process ends. GOGC in the environment wins.
func easeCollector(gogc string) (end func()) {
	if gogc != "" {
		return func() {}
	}
	var ended atomic.Bool
	set := mostPercent
	debug.SetGCPercent(set)
	watch(func() bool {
		if ended.Load() {
			return false
		}
		// what the collection left: HeapAlloc would count what is not swept yet
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if p := growth(live[0].Value.Uint64()); p != set {
			set = p
			debug.SetGCPercent(p)
		}
		return true
	})
	return func() { ended.Store(true) }
}

// growth is by how many percent a heap may grow of which so many bytes are live.
func growth(live uint64) int {
	if live >= roomyHeap {
		return leastPercent
	}
	return int(min(mostPercent, max(leastPercent, (roomyHeap-live)*100/max(live, 1))))
}

// watch calls f after each collection until it says false.
func watch(f func() bool) {
	sentinel := new([16]byte)
	runtime.SetFinalizer(sentinel, func(*[16]byte) {
		if f() {
			watch(f)
		}
	})
}
