// Command crashlab is the pipeline that the crash campaign kills: outputs of every size class, chains and joins, all
// deterministic, and a ledger outside the store that tells which bodies were entered.
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import "github.com/dagstergen/dagstergen/runtime/cli"

func main() { cli.Main(Definitions) }
