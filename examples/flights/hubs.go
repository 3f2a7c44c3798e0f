package main

import (
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Leaving are the flights from one airport.
//
//dag:op
func Leaving(origins []Departures, airport string) []Flight {
	i := slices.IndexFunc(origins, func(d Departures) bool { return d.Airport == airport })
	if i < 0 {
		return nil
	}
	return origins[i].Flights
}

// Hubs builds a graph that rates some airports and nothing else. It is not read from a body: the list is data of the program, and each airport has nodes of
// its own with its name, so that a run can select them: run hubs --select rate_ord. What they compute is what punctuality computes, so that both share it.
func Hubs(airports ...string) (dag.Graph[dag.Values, dag.Values], error) {
	g := dag.NewGraph("hubs").Describe("Hubs rates some large airports.")
	files := dag.Param[Files](g, "files")
	flights := ReadFlightsOp.Call(g, FlightLogOp.Call(g, files))
	places := ReadAirportsOp.Call(g, AirportListOp.Call(g, files))
	origins := ByOriginOp.Call(g, flights)
	var ratings []dag.Value[Rating]
	for _, code := range airports {
		name := dag.Const(code)
		leaving := LeavingOp.Call(g, origins, name, dag.As("leaving_"+strings.ToLower(code)))
		ratings = append(ratings, RateGraph.Call(g, name, leaving, dag.As("rate_"+strings.ToLower(code))))
	}
	dag.Return(g, "report", SummarizeOp.Call(g, dag.List(ratings...), places))
	return g.Build()
}
