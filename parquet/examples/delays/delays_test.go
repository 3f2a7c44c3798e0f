package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	rowsFlag    = flag.Int("rows", 200_000, "how many flights TestStreamsInBoundedMemory makes where -flights names no file")
	flightsFlag = flag.String("flights", "", "a Parquet file of flights for TestStreamsInBoundedMemory")
)

// mostMemory is what the pipeline may hold at its peak, all of the process: a table of any size goes through it.
const mostMemory = 300 << 20

// flightsFile writes a file of n flights, as another program would, and returns its path.
func flightsFile(t *testing.T, n int) string {
	t.Helper()
	airports := make([]string, 50)
	for i := range airports {
		airports[i] = string([]rune{rune('A' + i%26), rune('A' + i*7%26), 'X'})
	}
	path := filepath.Join(t.TempDir(), "flights.parquet")
	w, err := os.Create(path)
	require.NoError(t, err)
	out := parquet.NewGenericWriter[record](w, parquet.MaxRowsPerRowGroup(250_000))
	for i := range n {
		_, err := out.Write([]record{{
			Date: 978307260_000000 + int64(i)*60_000000, Delay: int64(i*7919%400 - 60), Distance: int64(100 + i*31%2500),
			Origin: airports[i*i%50], Destination: airports[(i/3+17)%50],
		}})
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
	require.NoError(t, w.Close())
	return path
}

// directly computes the routes of a file by a loop over its rows.
func directly(t *testing.T, path string) (routes map[string]Route, flights int64) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	rows := parquet.NewGenericReader[record](f)
	routes = map[string]Route{}
	some := make([]record, 5000)
	for {
		n, err := rows.Read(some)
		for _, r := range some[:n] {
			name := r.Origin + "-" + r.Destination
			route := routes[name]
			route.Name = name
			route.Flights++
			if r.Delay >= 15 {
				route.Late++
				if route.Hours == nil {
					route.Hours = map[int8]int64{}
				}
				route.Hours[int8(r.Date/3_600_000_000%24)]++
			}
			routes[name] = route
			flights++
		}
		if err == io.EOF {
			require.NoError(t, rows.Close())
			require.NoError(t, f.Close())
			return routes, flights
		}
		require.NoError(t, err)
	}
}

// eachBatch reads a Parquet file with another implementation.
func eachBatch(t *testing.T, path string, f func(arrow.RecordBatch)) {
	t.Helper()
	r, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	in, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 8192}, memory.DefaultAllocator)
	require.NoError(t, err)
	batches, err := in.GetRecordReader(context.Background(), nil, nil)
	require.NoError(t, err)
	for batches.Next() {
		f(batches.RecordBatch())
	}
	require.ErrorIs(t, batches.Err(), nil)
	batches.Release()
	require.NoError(t, r.Close())
}

// A table of any size streams through the three assets in bounded memory, the result is that of a loop over the rows, and another implementation of Parquet reads all three tables.
func TestStreamsInBoundedMemory(t *testing.T) {
	input := *flightsFlag
	if input == "" {
		input = flightsFile(t, *rowsFlag)
	}
	want, flights := directly(t, input)

	dir := t.TempDir()
	program, home := filepath.Join(dir, "delays"), filepath.Join(dir, "home")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	began := time.Now()
	cmd := exec.Command(program, "materialize", "--set", "ops.flight_file.config.path="+input)
	cmd.Env = append(os.Environ(), "DAGSTERGEN_HOME="+home)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	took := time.Since(began)
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS == "linux" {
		peak <<= 10
	}
	assert.LessOrEqual(t, peak, int64(mostMemory), "bytes at the peak")
	t.Logf("%d flights, through three assets in %.1fs: %.0f rows/s; peak %d MB", flights, took.Seconds(), 3*float64(flights)/took.Seconds(), peak>>20)

	table := func(key string) string { return filepath.Join(home, "assets", key, key+".parquet") }
	got := map[string]Route{}
	eachBatch(t, table("routes"), func(b arrow.RecordBatch) {
		names, all, late := b.Column(0).(*array.String), b.Column(1).(*array.Int64), b.Column(2).(*array.Int64)
		hours := b.Column(3).(*array.Map)
		for i := range int(b.NumRows()) {
			r := Route{Name: names.Value(i), Flights: all.Value(i), Late: late.Value(i)}
			if !hours.IsNull(i) {
				r.Hours = map[int8]int64{}
				for k, last := hours.ValueOffsets(i); k < last; k++ {
					r.Hours[hours.Keys().(*array.Int8).Value(int(k))] = hours.Items().(*array.Int64).Value(int(k))
				}
			}
			got[r.Name] = r
		}
	})
	assert.Equal(t, want, got)

	var rows, late, fast int64
	eachBatch(t, table("legs"), func(b arrow.RecordBatch) {
		rows += b.NumRows()
		flags, speeds := b.Column(2).(*array.Boolean), b.Column(3).(*array.Float32)
		for i := range int(b.NumRows()) {
			if flags.Value(i) {
				late++
			}
			if !speeds.IsNull(i) {
				fast++
			}
		}
	})
	var wantLate int64
	for r := range maps.Values(want) {
		wantLate += r.Late
	}
	assert.Equal(t, flights, rows)
	assert.Equal(t, wantLate, late)
	assert.GreaterOrEqual(t, fast, late)
	eachBatch(t, table("flights"), func(b arrow.RecordBatch) {
		rows -= b.NumRows()
		assert.Equal(t, "timestamp[ns, tz=UTC]", b.Column(0).DataType().String())
	})
	assert.Zero(t, rows)
}

// What people do with it: see a table, save it as it is, save it as lines of JSON; and a run over the same file computes nothing.
func TestCommands(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "delays")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) string {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "DAGSTERGEN_HOME="+filepath.Join(dir, "home"))
		out, err := cmd.Output()
		require.NoError(t, err, "%v", args)
		return string(out)
	}
	run("materialize")
	assert.Contains(t, run("materialize"), "0 run, 4 reused")

	want, _ := directly(t, "data/flights.parquet")
	var routes []Route
	require.NoError(t, json.Unmarshal([]byte(run("assets", "get", "routes")), &routes))
	assert.Len(t, routes, len(want))
	for i, r := range routes {
		assert.Equal(t, want[r.Name], r)
		assert.True(t, i == 0 || routes[i-1].Flights >= r.Flights)
	}
	for _, key := range []string{"flights", "routes"} {
		saved := filepath.Join(dir, "saved.parquet")
		run("assets", "get", key, "--to", saved)
		table, err := os.ReadFile(saved)
		require.NoError(t, err)
		assert.Equal(t, "PAR1", string(table[:4]), "the table as it is")
		copied, err := os.ReadFile(filepath.Join(dir, "home", "assets", key, key+".parquet"))
		require.NoError(t, err)
		assert.Equal(t, copied, table)
	}
	lines := run("assets", "get", "legs")
	var leg Leg
	require.NoError(t, json.NewDecoder(strings.NewReader(lines)).Decode(&leg))
	assert.NotEmpty(t, leg.Route)

	manifest, err := os.ReadFile("dag_gen.manifest")
	require.NoError(t, err)
	assert.NotContains(t, string(manifest), fmt.Sprintf("also %s\n", "github.com/dagstergen/dagstergen/parquet"), "how a value is stored counts in no version")
}
