package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// Days are the days of the record.
//
//dag:partitions
var Days = partition.Daily("2012-01-01", partition.Until("2016-01-01"))

// A Departure says how far a day is from what its month is like.
type Departure struct {
	Day       time.Time // midnight, UTC
	High, Low float64   // above the mean of the month, °C
	Rain      float64   // above the mean of a day in the month, mm
}

// DailyDeparture compares a day with the average of its month over all years. It is computed for each day by itself:
//
//	backfill launch --partition 2015-12-01...2015-12-31
//
//dag:asset partitions=Days group=daily
func DailyDeparture(ctx context.Context, observations []Observation, monthlyMeans []MonthlyMean) (Departure, error) {
	p, _ := dag.PartitionOf(ctx)
	for _, o := range observations {
		if o.Day.Equal(p.Start) {
			d := departure(o, monthlyMeans[o.Day.Month()-1])
			return d, dag.AddOutputMetadata(ctx, dag.Float("high", d.High), dag.Float("low", d.Low))
		}
	}
	return Departure{}, fmt.Errorf("no observation of %s", p.Key)
}

func departure(o Observation, mean MonthlyMean) Departure {
	first := time.Date(o.Day.Year(), o.Day.Month(), 1, 0, 0, 0, 0, time.UTC)
	days := first.AddDate(0, 1, 0).Sub(first).Hours() / 24
	tenth := func(x float64) float64 { return math.Round(x*10) / 10 }
	return Departure{Day: o.Day, High: tenth(o.High - mean.High), Low: tenth(o.Low - mean.Low), Rain: tenth(o.Rain - mean.Rain/days)}
}

// Ordinary says that a day is within 15 °C of its month. One that is not is worth a look.
//
//dag:check severity=warn
func Ordinary(dailyDeparture Departure) bool {
	return math.Abs(dailyDeparture.High) < 15 && math.Abs(dailyDeparture.Low) < 15
}
