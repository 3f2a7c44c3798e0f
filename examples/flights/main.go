// Command flights asks which airports were late in 2001: a job that is an ordinary Go function, with a loop over airports, a branch and
// a nested graph. Each airport is a step of its own and is computed once.
//
//	go run ./cmd/dagstergen run ./examples/flights -- run punctuality --busy 20
//
// flights_test.go calls the same function directly, and checks that the engine gives the same.
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import "github.com/dagstergen/dagstergen/runtime/cli"

func main() { cli.Main(Definitions) }
