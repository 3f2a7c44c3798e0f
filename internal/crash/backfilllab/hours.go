package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// Hours are the hours that are computed: 2,000 of them.
//
//dag:partitions
var Hours = partition.Hourly("2024-01-01", partition.Until("2024-03-24T08:00:00Z"))

// Reading is what an hour begins with.
//
//dag:asset partitions=Hours
func Reading(ctx context.Context) (int64, error) {
	p, _ := dag.PartitionOf(ctx)
	return p.Start.Unix(), body("reading", p.Key)
}

// Mean is what an hour comes to.
//
//dag:asset partitions=Hours
func Mean(ctx context.Context, reading int64) (int64, error) {
	p, _ := dag.PartitionOf(ctx)
	return reading * 2, body("mean", p.Key)
}

// body writes into the ledger that a body was entered, takes a moment, and writes that it was left.
func body(asset string, key dag.PartitionKey) error {
	if err := note("START", asset, key); err != nil {
		return err
	}
	// Without a pause a body is over before a kill can fall into it.
	time.Sleep(time.Millisecond)
	return note("END", asset, key)
}

// note appends one line in one write: a kill leaves the whole line or none. The ledger is the campaign's, no input of the pipeline, and it is left out where nobody asks for one.
func note(what, asset string, key dag.PartitionKey) error {
	path := os.Getenv("CRASHLAB_LEDGER")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s %s %s\n", what, asset, key)
	return err
}
