// Package bench turns what was measured into what is read: medians, ratios with their spread, tables and a chart.
//
// Stage: for benchmarks alone, nothing that a user links. Package bench/peers measures, and bench/lab is what the pipelines that it measures share.
//
// It imports no other package of ours.
//
// Invariants: a figure that was not measured is not shown, only the reason why there is none; the same measurements always give the same bytes.
package bench
