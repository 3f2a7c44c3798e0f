package main

import (
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Plausible says that every day was warmest when it was warm, and nothing is beyond what Seattle has seen. Where it is not so, nothing is made from the
// observations.
//
//dag:check blocking
func Plausible(observations []Observation) dag.CheckResult {
	for _, o := range observations {
		if o.High < o.Low || o.Low < -25 || o.High > 45 || o.Rain < 0 || o.Rain > 300 || o.Wind < 0 {
			return dag.CheckResult{Description: fmt.Sprintf("%s has %.1f to %.1f °C, %.1f mm of rain and wind of %.1f m/s", o.Day.Format(time.DateOnly), o.Low, o.High, o.Rain, o.Wind)}
		}
	}
	return dag.CheckResult{Passed: true, Metadata: []dag.MetadataEntry{dag.Int("days", int64(len(observations)))}}
}

// EveryDay says that no day is missing between the first and the last.
//
//dag:check severity=warn
func EveryDay(observations []Observation) bool {
	first, last := observations[0].Day, observations[len(observations)-1].Day
	return len(observations) == int(last.Sub(first).Hours()/24)+1
}
