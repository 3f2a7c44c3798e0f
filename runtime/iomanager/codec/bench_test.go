package codec

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
)

type reading struct {
	ID    int64
	City  string
	Temp  float64
	Count int32
	Wet   bool
	At    time.Time
}

func readings(n int) []reading {
	out := make([]reading, n)
	for i := range out {
		out[i] = reading{int64(i), fmt.Sprint("city", i%100), float64(i) / 3, int32(i), i%3 == 0, time.Unix(int64(i)*60, 0).UTC()}
	}
	return out
}

// BenchmarkCodec measures ours against the general library with the options that come nearest.
func BenchmarkCodec(b *testing.B) {
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano, TimeTag: cbor.EncTagRequired, Sort: cbor.SortCoreDeterministic}.EncMode()
	require.NoError(b, err)
	for _, bb := range []struct {
		name string
		v    any
	}{
		{"int", 5}, {"struct", point{1, 2}}, {"row", readings(1)[0]}, {"rows10000", readings(10_000)}, {"floats10000", make([]float64, 10_000)},
		{"map1000", func() map[string]int {
			m := map[string]int{}
			for i := range 1000 {
				m[fmt.Sprint(i)] = i
			}
			return m
		}()}, {"bytes1M", make([]byte, 1<<20)},
	} {
		typ := typeOf(bb.v)
		data, err := Encode(typ, bb.v)
		require.NoError(b, err)
		b.Run(bb.name+"/encode", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Encode(typ, bb.v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/decode", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(typ, data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/floor", func(b *testing.B) {
			for b.Loop() {
				if _, err := enc.Marshal(bb.v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStream writes and reads the elements of a stream, one after the other.
func BenchmarkStream(b *testing.B) {
	rows := readings(100_000)
	typ := typeOf(rows[0])
	var data bytes.Buffer
	write := func() {
		data.Reset()
		w, err := NewStreamWriter(&data, typ)
		for i := 0; i < len(rows) && err == nil; i++ {
			err = w.Write(&rows[i])
		}
		if err == nil {
			err = w.Flush()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	write()
	written := data.Bytes()
	for name, do := range map[string]func(){"write": write, "read": func() {
		var row reading
		n := 0
		if err := ReadStream(bytes.NewReader(written), typ, &row, func() bool { n++; return true }); err != nil || n != len(rows) {
			b.Fatal(n, err)
		}
	}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
			b.ReportMetric(float64(b.N)*float64(len(rows))/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
