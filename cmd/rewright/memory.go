package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A short run spends a quarter of its time collecting garbage that would not have mattered. As long as the live heap is
// below smallHeap, in bytes, the collector waits until the heap is five times as large; then it goes back to what Go does.
const (
	smallHeap    = 64 << 20
	smallPercent = 400
)

// easeCollector holds until the process ends. GOGC in the environment wins.
func easeCollector(gogc string) {
	if gogc != "" {
		return
	}
	usual := debug.SetGCPercent(smallPercent)
	watch(func() bool {
		// what the collection left: HeapAlloc would count what is not swept yet
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if live[0].Value.Uint64() < smallHeap {
			return true
		}
		debug.SetGCPercent(usual)
		return false
	})
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
