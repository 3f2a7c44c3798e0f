package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// roomyHeap is the heap, in bytes, up to which nothing is collected: collecting what a process of a second holds costs a fifth of its time and gives nothing back.
// Beyond it the heap may be heapGrowth percent larger than what is in use.
const (
	roomyHeap  = 128 << 20
	heapGrowth = 150
)

// collectLate makes the garbage collector begin when the heap is as large as roomyHeap, and again after each collection that leaves less.
func collectLate() {
	const least = 4 << 20 // the heap at which a process collects first, for a growth of 100 percent
	debug.SetGCPercent(roomyHeap / least * 100)
	afterCollection()
}

// afterCollection calls itself at the end of each collection, when something becomes known as garbage.
func afterCollection() {
	type garbage struct{ _ *byte } // with a pointer it has a place of its own
	runtime.SetFinalizer(new(garbage), func(*garbage) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetGCPercent(growthFor(live[0].Value.Uint64()))
		afterCollection()
	})
}

// growthFor is the percentage by which the heap may grow beyond live bytes before the next collection.
func growthFor(live uint64) int {
	return max(heapGrowth, int(roomyHeap*100/max(live, 1<<20))-100)
}
