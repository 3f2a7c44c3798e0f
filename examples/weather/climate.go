package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A MonthlyMean is what a month of the year is like, averaged over all years.
type MonthlyMean struct {
	Month     time.Month
	High, Low float64 // mean of the days, °C
	Rain      float64 // mean total, mm
	WetDays   float64 // mean number of days with at least 1 mm
}

// MonthlyMeans averages each month of the year, January first.
//
//dag:asset group=climate
func MonthlyMeans(ctx context.Context, observations []Observation) ([]MonthlyMean, error) {
	means := make([]MonthlyMean, 12)
	days := make([]int, 12)
	years := map[int]bool{}
	for _, o := range observations {
		m := int(o.Day.Month()) - 1
		years[o.Day.Year()] = true
		days[m]++
		means[m].High += o.High
		means[m].Low += o.Low
		means[m].Rain += o.Rain
		if wet(o) {
			means[m].WetDays++
		}
	}
	for i := range means {
		if days[i] == 0 {
			return nil, fmt.Errorf("no observations for %s", time.Month(i+1))
		}
		means[i].Month = time.Month(i + 1)
		means[i].High /= float64(days[i])
		means[i].Low /= float64(days[i])
		means[i].Rain /= float64(len(years))
		means[i].WetDays /= float64(len(years))
	}
	return means, dag.AddOutputMetadata(ctx, dag.Markdown("preview", monthTable(means)))
}

// wet says what meteorologists call a rain day.
func wet(o Observation) bool { return o.Rain >= 1 }

func monthTable(means []MonthlyMean) string {
	var b strings.Builder
	b.WriteString("| month | high °C | rain mm | wet days |\n|---|---:|---:|---:|\n")
	for _, m := range means {
		fmt.Fprintf(&b, "| %s | %.1f | %.0f | %.0f |\n", m.Month, m.High, m.Rain, m.WetDays)
	}
	return b.String()
}

// Thresholds says which days are warm and which nights are frosty.
//
//dag:config
type Thresholds struct {
	// Warm is the lowest daily maximum of a warm day, in °C.
	Warm float64 `json:"warm" default:"25"`
	// Frost is the temperature below which a night is frosty, in °C.
	Frost float64 `json:"frost" default:"0"`
}

// A Year sums up the days of one calendar year.
type Year struct {
	Year        int
	Days        int
	Mean        float64 // °C
	Rain        float64 // mm
	WarmDays    int
	FrostNights int
}

// Years sums up each year, the oldest first.
//
//dag:asset group=climate
func Years(ctx context.Context, thresholds Thresholds, observations []Observation) ([]Year, error) {
	years := sumUp(thresholds, observations)
	return years, dag.AddOutputMetadata(ctx, dag.Int("years", int64(len(years))))
}

func sumUp(thresholds Thresholds, observations []Observation) []Year {
	var years []Year
	for _, o := range observations {
		if n := len(years); n == 0 || years[n-1].Year != o.Day.Year() {
			years = append(years, Year{Year: o.Day.Year()})
		}
		y := &years[len(years)-1]
		y.Days++
		y.Mean += o.Mean()
		y.Rain += o.Rain
		if o.High >= thresholds.Warm {
			y.WarmDays++
		}
		if o.Low < thresholds.Frost {
			y.FrostNights++
		}
	}
	for i := range years {
		years[i].Mean /= float64(years[i].Days)
	}
	return years
}

// A Trend is the straight line through the yearly mean temperatures.
type Trend struct {
	PerYear float64 // °C a year
	Error   float64 // standard error of PerYear, °C a year
}

// Warming fits a line through the yearly means: is it getting warmer, and how sure can one be?
//
//dag:asset group=climate
func Warming(years []Year) (Trend, error) {
	n := float64(len(years))
	if n < 3 {
		return Trend{}, errors.New("a trend with an error needs three years or more")
	}
	var sx, sy, sxx, sxy float64
	for _, y := range years {
		x := float64(y.Year - years[0].Year)
		sx += x
		sy += y.Mean
		sxx += x * x
		sxy += x * y.Mean
	}
	spread := sxx - sx*sx/n
	slope := (sxy - sx*sy/n) / spread
	start := (sy - slope*sx) / n
	var residuals float64
	for _, y := range years {
		d := y.Mean - (start + slope*float64(y.Year-years[0].Year))
		residuals += d * d
	}
	return Trend{PerYear: slope, Error: math.Sqrt(residuals / (n - 2) / spread)}, nil
}

// Records finds the hottest and the wettest day, the earlier one where two are equal.
//
//dag:asset group=climate
func Records(observations []Observation) (hottestDay, wettestDay Observation, err error) {
	if len(observations) == 0 {
		return hottestDay, wettestDay, errNoDays
	}
	hottestDay, wettestDay = observations[0], observations[0]
	for _, o := range observations {
		if o.High > hottestDay.High {
			hottestDay = o
		}
		if o.Rain > wettestDay.Rain {
			wettestDay = o
		}
	}
	return hottestDay, wettestDay, nil
}
