package parquet

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

type reading struct {
	ID    int64
	City  string
	Temp  float64
	Count int32
	Wet   bool
	At    time.Time `parquet:"At"`
}

// BenchmarkTable writes and reads rows with the codec and with the library's own writer and reader, with the same compression, in turns: what is reported is the share of the library's speed.
func BenchmarkTable(b *testing.B) {
	rows := make([]reading, 200_000)
	for i := range rows {
		rows[i] = reading{int64(i), fmt.Sprint("city", i%100), float64(i) / 3, int32(i), i%3 == 0, time.Unix(int64(i)*60, 0).UTC()}
	}
	data, theirs := write(b, rows), writeTheirs(b, rows)
	for name, pair := range map[string][2]func(){
		"write": {func() { write(b, rows) }, func() { writeTheirs(b, rows) }},
		"read": {func() { readRows(b, data, len(rows)) }, func() {
			r := parquet.NewGenericReader[reading](bytes.NewReader(theirs))
			some := make([]reading, 1024)
			for n := 0; n < len(rows); {
				k, err := r.Read(some)
				if n += k; err != nil && err != io.EOF {
					b.Fatal(err)
				}
			}
			_ = r.Close()
		}},
	} {
		b.Run(name, func(b *testing.B) {
			var took [2]time.Duration
			n := 0
			for b.Loop() {
				n++
				for i, f := range pair {
					began := time.Now()
					f()
					took[i] += time.Since(began)
				}
			}
			speed := func(d time.Duration) float64 { return float64(n) * float64(len(rows)) / d.Seconds() }
			b.ReportMetric(speed(took[0]), "rows/s")
			b.ReportMetric(speed(took[1]), "library-rows/s")
			b.ReportMetric(100*speed(took[0])/speed(took[1]), "%-of-library")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func writeTheirs(b *testing.B, rows []reading) []byte {
	var out bytes.Buffer
	w := parquet.NewGenericWriter[reading](&out, parquet.Compression(compression))
	if _, err := w.Write(rows); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// readRows reads a table as a stream does, into one row.
func readRows(b *testing.B, data []byte, want int) {
	r, err := Format{}.NewReader(bytes.NewReader(data), int64(len(data)), reflect.TypeFor[reading]())
	if err != nil {
		b.Fatal(err)
	}
	row := reflect.New(reflect.TypeFor[reading]()).Elem()
	n := 0
	for ; err == nil; n++ {
		row.SetZero()
		err = r.Read(row)
	}
	if err != io.EOF || n != want+1 || r.Close() != nil {
		b.Fatal(n, err)
	}
}
