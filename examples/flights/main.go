// Command flights asks which airports were late in 2001: a job that is an ordinary Go function, with a loop over airports, a branch and
// a nested graph. Each airport is a step of its own and is computed once.
//
//	go run ./cmd/dagstergen run ./examples/flights -- run punctuality --busy 20
//
// flights_test.go calls the same function directly, and checks that the engine gives the same.
//
// A second graph is built in Go code, from a list of airports; and the first one is a job twice, with other settings:
//
//	go run ./cmd/dagstergen run ./examples/flights -- run hubs
//	go run ./cmd/dagstergen run ./examples/flights -- run large_airports
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import (
	"fmt"
	"os"

	"github.com/dagstergen/dagstergen/runtime/cli"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// largeAirports is punctuality for airports with many flights.
var largeAirports = PunctualityJob.With(dag.JobOptions{
	Key:         "large_airports",
	Description: "LargeAirports is punctuality without small airports.",
	Tags:        map[string]string{"audience": "press"},
	Config:      "inputs: {busy: 100}",
})

func main() {
	hubs, err := Hubs("ATL", "ORD", "DFW", "DEN")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	cli.Main(Definitions.With(hubs.Job(dag.JobOptions{}), largeAirports))
}
