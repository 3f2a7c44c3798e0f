package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Departures are the flights from one airport.
type Departures struct {
	Airport string
	Flights []Flight
}

// ByOrigin sorts flights by the airport they leave from, airports by their code.
//
//dag:op
func ByOrigin(flights []Flight) []Departures {
	index := map[string]int{}
	var out []Departures
	for _, f := range flights {
		i, ok := index[f.Origin]
		if !ok {
			i = len(out)
			index[f.Origin] = i
			out = append(out, Departures{Airport: f.Origin})
		}
		out[i].Flights = append(out[i].Flights, f)
	}
	slices.SortFunc(out, func(a, b Departures) int { return strings.Compare(a.Airport, b.Airport) })
	return out
}

// Enough reports whether flights are enough to rate an airport by.
//
//dag:op
func Enough(flights []Flight, busy int) bool { return len(flights) >= busy }

// A Delay says how late flights usually are, in minutes.
type Delay struct{ Median, Worst int }

// TypicalDelay finds the middle and the worst delay.
//
//dag:op
func TypicalDelay(flights []Flight) Delay {
	delays := make([]int, len(flights))
	for i, f := range flights {
		delays[i] = f.Delay
	}
	slices.Sort(delays)
	return Delay{Median: delays[len(delays)/2], Worst: delays[len(delays)-1]}
}

// late is from how many minutes on a flight counts as late.
const late = 15

// LateShare is the share of flights that were late.
//
//dag:op
func LateShare(flights []Flight) float64 {
	n := 0
	for _, f := range flights {
		if f.Delay >= late {
			n++
		}
	}
	return float64(n) / float64(len(flights))
}

// A Rating says how punctual an airport is.
type Rating struct {
	Airport       string
	Rated         bool
	Median, Worst int     // delay, minutes
	Late          float64 // share of flights
}

// A Report is what a traveller wants to know.
type Report struct {
	Rated, Small int      // airports
	Best, Worst  []string // three of each, for people
}

// Summarize ranks the rated airports by their share of late flights.
//
//dag:op
func Summarize(ctx context.Context, ratings []Rating, places map[string]string) (Report, error) {
	var rated []Rating
	for _, r := range ratings {
		if r.Rated {
			rated = append(rated, r)
		}
	}
	if len(rated) == 0 {
		return Report{}, fmt.Errorf("none of %d airports is busy enough; give a smaller number", len(ratings))
	}
	slices.SortStableFunc(rated, func(a, b Rating) int { return cmp.Or(cmp.Compare(a.Late, b.Late), cmp.Compare(a.Median, b.Median)) })
	report := Report{Rated: len(rated), Small: len(ratings) - len(rated)}
	for i := range min(3, len(rated)) {
		report.Best = append(report.Best, line(rated[i], places))
		report.Worst = append(report.Worst, line(rated[len(rated)-1-i], places))
	}
	return report, dag.AddOutputMetadata(ctx, dag.Markdown("ranking", table(rated, places)))
}

func line(r Rating, places map[string]string) string {
	return fmt.Sprintf("%s (%s): %.0f %% late", places[r.Airport], r.Airport, 100*r.Late)
}

func table(rated []Rating, places map[string]string) string {
	var b strings.Builder
	b.WriteString("| airport | late | median, min | worst, min |\n|---|---|---|---|\n")
	for _, r := range rated {
		fmt.Fprintf(&b, "| %s (%s) | %.0f %% | %d | %d |\n", places[r.Airport], r.Airport, 100*r.Late, r.Median, r.Worst)
	}
	return b.String()
}
