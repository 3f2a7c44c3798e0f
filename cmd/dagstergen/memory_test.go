package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGrowthFor(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 12700, 1 << 20: 12700, 16 << 20: 700, 32 << 20: 300, // together 128 MiB
		64 << 20: 150, 1 << 30: 150,
	} {
		assert.Equal(t, want, growthFor(live), "%d bytes", live)
	}
}

func TestCollectLate(t *testing.T) {
	before := debug.SetGCPercent(100)
	collectLate()
	growth := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	t.Cleanup(func() { debug.SetGCPercent(before) })
	for _, live := range []int{200 << 20, 1} { // after each collection it is set anew
		kept := make([]byte, live)
		want := func() bool { return live == 1 && growth() > heapGrowth || live > 1 && growth() == heapGrowth }
		require.Eventually(t, func() bool { runtime.GC(); return want() }, time.Minute, time.Millisecond)
		runtime.KeepAlive(kept)
	}
}
