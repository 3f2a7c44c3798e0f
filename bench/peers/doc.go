// Command peers runs the same work on dagstergen, on other systems and on the floors below them all, and writes docs/benchmarks.md:
// `make bench-peers`, see there.
//
// Stage: for benchmarks alone. It writes pipelines and Python programs into a folder of its own, builds them, installs the peers into virtual
// environments there, and starts everything as processes; none of our packages but bench is linked.
//
// Invariants: systems have their turns one after the other, round by round; a time counts only if the answer was right; what was not measured
// is not shown.
package main
