// Command weather is a small, complete pipeline on real data: from the raw observations of a weather station to a page and a
// chart that a person can read.
//
//	go run ./cmd/dagstergen run ./examples/weather -- materialize
//
// The functions are plain Go: weather_test.go calls them directly. What makes them a pipeline are the //dag: comments, which
// dagstergen reads to write Definitions into dag_gen.go.
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import "github.com/dagstergen/dagstergen/runtime/cli"

func main() { cli.Main(Definitions) }
