// Command delays streams a Parquet file of flights through three assets, two of which are tables again: no asset holds more than a part of them, however many there are.
//
//	go run . materialize
//	go run . assets get routes | jq '.[0]'
//	duckdb -c "from '.dagstergen/assets/routes/routes.parquet' order by late desc limit 5"
//
// Another file of the same columns is chosen with --set ops.flight_file.config.path=FILE.
package main

//go:generate go tool dagstergen

import "github.com/dagstergen/dagstergen/runtime/cli"

func main() { cli.Main(Definitions) }
