package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Report says in a page of Markdown what the numbers mean for someone who lives there.
//
//dag:asset group=report
func Report(ctx context.Context, units *Units, monthlyMeans []MonthlyMean, years []Year, warming Trend,
	hottestDay, wettestDay Observation) (dag.File, error) {
	text := reportText(units, monthlyMeans, years, warming, hottestDay, wettestDay)
	file, err := dag.WriteFile(ctx, "report.md", func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		return dag.File{}, err
	}
	return file, dag.AddOutputMetadata(ctx, dag.Markdown("report", text))
}

func reportText(units *Units, months []MonthlyMean, years []Year, warming Trend, hottest, wettest Observation) string {
	var b strings.Builder
	first, last := years[0], years[len(years)-1]
	fmt.Fprintf(&b, "# Seattle, %d to %d\n\n", first.Year, last.Year)

	byRain := slices.SortedStableFunc(slices.Values(months), func(a, b MonthlyMean) int { return cmp.Compare(b.Rain, a.Rain) })
	fmt.Fprintf(&b, "- Wettest months: %s (%s), %s (%s) and %s (%s).\n",
		byRain[0].Month, units.FormatLength(byRain[0].Rain),
		byRain[1].Month, units.FormatLength(byRain[1].Rain),
		byRain[2].Month, units.FormatLength(byRain[2].Rain))
	driest := byRain[len(byRain)-1]
	fmt.Fprintf(&b, "- Driest month: %s, with %s on %.0f wet days.\n", driest.Month, units.FormatLength(driest.Rain), driest.WetDays)
	fmt.Fprintf(&b, "- Hottest day: %s, %s. Wettest day: %s, %s.\n",
		hottest.Day.Format("2 January 2006"), units.FormatTemperature(hottest.High),
		wettest.Day.Format("2 January 2006"), units.FormatLength(wettest.Rain))
	fmt.Fprintf(&b, "- Warm days went from %d in %d to %d in %d.\n", first.WarmDays, first.Year, last.WarmDays, last.Year)
	fmt.Fprintf(&b, "- The mean temperature changed by %s a year (standard error %s). %s\n\n",
		units.FormatDifference(warming.PerYear), strings.TrimPrefix(units.FormatDifference(warming.Error), "+"), verdict(warming, len(years)))

	b.WriteString("| year | mean | rain | warm days | frost nights |\n|---|---:|---:|---:|---:|\n")
	for _, y := range years {
		fmt.Fprintf(&b, "| %d | %s | %s | %d | %d |\n",
			y.Year, units.FormatTemperature(y.Mean), units.FormatLength(y.Rain), y.WarmDays, y.FrostNights)
	}
	return b.String()
}

// verdict keeps the report honest: a slope of a few years is weather, not climate.
func verdict(warming Trend, years int) string {
	switch {
	case warming.PerYear < 2*warming.Error:
		return "That is within what chance explains."
	case years < 30:
		return fmt.Sprintf("That is clear for these %d years, and says little about the climate, for which thirty are needed.", years)
	default:
		return "That is a change of climate."
	}
}
