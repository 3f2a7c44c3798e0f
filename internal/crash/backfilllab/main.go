// Command backfilllab is the pipeline whose backfills the crash campaign kills: 2,000 hours, two assets of each, and a ledger outside the store that tells which bodies were entered and left.
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import "github.com/dagstergen/dagstergen/runtime/cli"

func main() { cli.Main(Definitions) }
