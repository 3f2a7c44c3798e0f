package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Contrast sets two years side by side: the second against the first.
type Contrast struct {
	First, Second int
	Warmer        float64 // °C
	Wetter        float64 // mm
	WarmDays      int     // more of them
}

// CompareYears answers "was that year really warmer?" for any two years of the record. It is an ordinary function: a test calls
// it directly, and the generator reads the graph of the job from its body.
//
//dag:job
func CompareYears(ctx context.Context, station Station, thresholds Thresholds, units *Units, first, second int) (Contrast, error) {
	file, err := OpenStation(station)
	if err != nil {
		return Contrast{}, err
	}
	days, err := ReadDays(file)
	if err != nil {
		return Contrast{}, err
	}
	before, err := SumUpYear(thresholds, days, first)
	if err != nil {
		return Contrast{}, err
	}
	after, err := SumUpYear(thresholds, days, second)
	if err != nil {
		return Contrast{}, err
	}
	return Compare(ctx, units, before, after)
}

// OpenStation finds the file of a station. It is volatile because no version sees the disk: it looks each time, and
// what follows is reused where the bytes are the same.
//
//dag:op volatile
func OpenStation(station Station) (dag.File, error) { return ObservationFile(station) }

// ReadDays reads the days from the file.
//
//dag:op
func ReadDays(file dag.File) ([]Observation, error) { return parse(file) }

// SumUpYear sums up one year of the days.
//
//dag:op
func SumUpYear(thresholds Thresholds, days []Observation, year int) (Year, error) {
	for _, y := range sumUp(thresholds, days) {
		if y.Year == year {
			return y, nil
		}
	}
	return Year{}, fmt.Errorf("%d: %w; the record has %s", year, errNoDays, span(days))
}

// Compare subtracts the years, and writes the answer for people into the log.
//
//dag:op
func Compare(ctx context.Context, units *Units, before, after Year) (Contrast, error) {
	if before.Year == after.Year {
		return Contrast{}, errors.New("give two different years")
	}
	c := Contrast{
		First: before.Year, Second: after.Year,
		Warmer: after.Mean - before.Mean, Wetter: after.Rain - before.Rain, WarmDays: after.WarmDays - before.WarmDays,
	}
	answer := fmt.Sprintf("%d against %d: %s, rain %s, warm days %+d", c.Second, c.First,
		units.FormatDifference(c.Warmer), signed(units.FormatLength(c.Wetter)), c.WarmDays)
	dag.Log(ctx).Info(answer)
	return c, dag.AddOutputMetadata(ctx, dag.Text("answer", answer))
}

func signed(quantity string) string {
	if strings.HasPrefix(quantity, "-") {
		return quantity
	}
	return "+" + quantity
}

func span(days []Observation) string {
	if len(days) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d to %d", days[0].Day.Year(), days[len(days)-1].Day.Year())
}
