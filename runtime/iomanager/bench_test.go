package iomanager

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// unique returns bytes that no call before gave.
func unique(b []byte, n int) []byte {
	binary.BigEndian.PutUint64(b, uint64(n))
	return b
}

// BenchmarkStage is what an output costs before its record is committed.
func BenchmarkStage(b *testing.B) {
	for _, size := range []int{100, 40_000, 4 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			h := newHome(b, b.TempDir())
			data := noise(size)
			b.SetBytes(int64(size))
			n := 0
			for b.Loop() {
				n++
				if _, err := h.io.Stage(b.Context(), bytesType, unique(data, n)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFloorFile is the least that a durable file costs: hash, write, sync, rename, sync the folder.
func BenchmarkFloorFile(b *testing.B) {
	for _, size := range []int{40_000, 4 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			dir := b.TempDir()
			d, err := os.Open(dir)
			require.NoError(b, err)
			data := noise(size)
			b.SetBytes(int64(size))
			n := 0
			for b.Loop() {
				n++
				unique(data, n)
				_ = sha256.Sum256(data)
				w, err := os.Create(filepath.Join(dir, "temp"))
				require.NoError(b, err)
				_, err = w.Write(data)
				require.NoError(b, err)
				require.NoError(b, w.Sync())
				require.NoError(b, w.Close())
				require.NoError(b, os.Rename(filepath.Join(dir, "temp"), filepath.Join(dir, strconv.Itoa(n))))
				require.NoError(b, d.Sync())
			}
			require.NoError(b, d.Close())
		})
	}
}

// BenchmarkLoad reads and verifies an output.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{100, 40_000, 4 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			h := newHome(b, b.TempDir())
			s := h.commit(b, bytesType, noise(size))
			b.SetBytes(int64(size))
			for b.Loop() {
				h.load(b, s, bytesType)
			}
		})
	}
}

// BenchmarkCheck looks at 1000 stored files that nobody loads, as another process left them.
func BenchmarkCheck(b *testing.B) {
	h := newHome(b, b.TempDir())
	var outs []*storage.Output
	batch := &storage.Batch{}
	for n := range 1000 {
		s, err := h.io.Stage(b.Context(), bytesType, unique(noise(40_000), n))
		require.NoError(b, err)
		s.AddTo(batch)
		outs = append(outs, &s.Output)
	}
	require.NoError(b, h.store.Submit(batch).Wait(b.Context()))
	for b.Loop() {
		files := NewFiles(h.root, h.dir, h.store, nil)
		errs, err := NewDefault(h.store, files).Check(b.Context(), outs)
		require.NoError(b, err)
		for _, err := range errs {
			require.NoError(b, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/file")
}

// BenchmarkThroughput stores values as bytes and as files, and each time writes the same bytes to a plain file beside it: what is reported is the share of that floor's speed.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{1 << 20, 16 << 20, 128 << 20} {
		data := noise(size)
		h := newHome(b, b.TempDir())
		for n := range 16 { // an instance in use has the folders that objects are in
			_, err := h.io.Stage(b.Context(), bytesType, unique(noise(40_000), n))
			require.NoError(b, err)
		}
		for name, store := range map[string]func() error{
			"bytes": func() error { _, err := h.io.Stage(b.Context(), bytesType, data); return err },
			"file": func() error {
				f, err := h.io.NewFile("x.bin", func(w io.Writer) error { _, err := w.Write(data); return err })
				if err == nil {
					_, err = h.io.Stage(b.Context(), fileType, f)
				}
				return err
			},
		} {
			b.Run(name+"/"+strconv.Itoa(size>>20)+"MiB", func(b *testing.B) {
				dir := b.TempDir()
				d, err := os.Open(dir)
				require.NoError(b, err)
				n := 0
				var floor, ours time.Duration
				for b.Loop() {
					n++
					for turn := range 2 { // who comes second finds a busier disk, so they take turns
						unique(data, 2*n+turn)
						began := time.Now()
						if (n+turn)%2 == 0 {
							plainFile(b, d, filepath.Join(dir, strconv.Itoa(n)), data)
							floor += time.Since(began)
							continue
						}
						err := store()
						ours += time.Since(began)
						require.NoError(b, err)
					}
					b.StopTimer() // disks are not endless
					require.NoError(b, os.Remove(filepath.Join(dir, strconv.Itoa(n))))
					for _, name := range h.objects(b) {
						require.NoError(b, os.Remove(name))
					}
					b.StartTimer()
				}
				require.NoError(b, d.Close())
				speed := func(d time.Duration) float64 { return float64(n) * float64(size) / 1e6 / d.Seconds() }
				b.ReportMetric(speed(ours), "MB/s")
				b.ReportMetric(speed(floor), "floor-MB/s")
				b.ReportMetric(100*speed(ours)/speed(floor), "%-of-floor")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// plainFile is the least that a durable file costs.
func plainFile(b *testing.B, folder *os.File, name string, data []byte) {
	_ = sha256.Sum256(data)
	w, err := os.Create(name + ".temp")
	require.NoError(b, err)
	_, err = w.Write(data)
	require.NoError(b, err)
	require.NoError(b, w.Sync())
	require.NoError(b, w.Close())
	require.NoError(b, os.Rename(name+".temp", name))
	require.NoError(b, folder.Sync())
}
