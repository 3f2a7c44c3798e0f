package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/parquet-go/parquet-go"

	_ "github.com/dagstergen/dagstergen/parquet" // codec=parquet
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Raw says where the flights are, relative to the folder that the pipeline is started in.
//
//dag:config
type Raw struct {
	Path string `json:"path" default:"data/flights.parquet"`
}

// FlightFile is the file of flights: a change of its bytes is a new data version.
//
//dag:source
func FlightFile(raw Raw) (dag.File, error) { return dag.OpenFile(raw.Path) }

// A record is a row of the file, which another program wrote: parquet-go reads it by the names of its columns.
type record struct {
	Date        int64  `parquet:"date,optional"` // microseconds since 1970
	Delay       int64  `parquet:"delay,optional"`
	Distance    int64  `parquet:"distance,optional"`
	Origin      string `parquet:"origin,optional"`
	Destination string `parquet:"destination,optional"`
}

// A Flight is one flight.
type Flight struct {
	Departs     time.Time
	Delay       time.Duration
	Miles       int32
	Origin      string
	Destination string
}

// batch is how many rows are read at once.
const batch = 1024

// Flights are those of the file.
//
//dag:asset codec=parquet
func Flights(flightFile dag.File) iter.Seq2[Flight, error] {
	return func(yield func(Flight, error) bool) {
		file, err := os.Open(flightFile.Path())
		if err != nil {
			yield(Flight{}, err)
			return
		}
		rows := parquet.NewGenericReader[record](file)
		err = eachFlight(rows, yield)
		if err = errors.Join(err, rows.Close(), file.Close()); err != nil {
			yield(Flight{}, fmt.Errorf("%s: %w", flightFile.Name(), err))
		}
	}
}

// eachFlight yields the flights of rows until somebody has enough.
func eachFlight(rows *parquet.GenericReader[record], yield func(Flight, error) bool) error {
	some := make([]record, batch)
	for {
		n, err := rows.Read(some)
		for _, r := range some[:n] {
			f := Flight{
				Departs: time.UnixMicro(r.Date).UTC(), Delay: time.Duration(r.Delay) * time.Minute,
				Miles: int32(r.Distance), Origin: r.Origin, Destination: r.Destination,
			}
			if !yield(f, nil) {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
