// Command quickstart is the smallest pipeline that shows a memo hit: run it twice, then edit a function and run it again.
//
//	go run ./cmd/dagstergen run ./examples/quickstart -- materialize
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import (
	"strings"

	"github.com/dagstergen/dagstergen/runtime/cli"
)

// Words takes a sentence apart.
//
//dag:asset
func Words() []string { return strings.Fields("the quick brown fox jumps over the lazy dog") }

// Longest finds the longest word, the first where several are equal. Its parameter is named after the asset it needs.
//
//dag:asset
func Longest(words []string) (longest string) {
	for _, word := range words {
		if len(word) > len(longest) {
			longest = word
		}
	}
	return longest
}

func main() { cli.Main(Definitions) }
