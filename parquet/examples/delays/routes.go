package main

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// A Leg is what a flight says of its route.
type Leg struct {
	Route string   // "LAS-PHL"
	Hour  int8     // of departure
	Late  bool     // by a quarter of an hour or more
	Speed *float32 `parquet:"miles_per_delayed_minute"` // nil for a flight on time
}

// Legs are the flights, each with what counts here.
//
//dag:asset codec=parquet
func Legs(flights iter.Seq2[Flight, error]) iter.Seq2[Leg, error] {
	return func(yield func(Leg, error) bool) {
		for f, err := range flights {
			leg := Leg{Route: f.Origin + "-" + f.Destination, Hour: int8(f.Departs.Hour()), Late: f.Delay >= 15*time.Minute}
			if f.Delay > 0 {
				speed := float32(f.Miles) / float32(f.Delay.Minutes())
				leg.Speed = &speed
			}
			if !yield(leg, err) || err != nil {
				return
			}
		}
	}
}

// A Route is what is known of the flights from one airport to another.
type Route struct {
	Name    string         `parquet:"route"`
	Flights int64          `parquet:"flights"`
	Late    int64          `parquet:"late"`
	Hours   map[int8]int64 `parquet:"late_by_hour"` // nil where none was late
}

// Routes counts flights by route, those with most first.
//
//dag:asset codec=parquet
func Routes(legs iter.Seq2[Leg, error]) ([]Route, error) {
	byName := map[string]*Route{}
	for leg, err := range legs {
		if err != nil {
			return nil, err
		}
		r := byName[leg.Route]
		if r == nil {
			r = &Route{Name: leg.Route}
			byName[leg.Route] = r
		}
		r.Flights++
		if leg.Late {
			r.Late++
			if r.Hours == nil {
				r.Hours = map[int8]int64{}
			}
			r.Hours[leg.Hour]++
		}
	}
	all := make([]Route, 0, len(byName))
	for _, r := range slices.Collect(maps.Values(byName)) {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Route) int { return cmp.Or(cmp.Compare(b.Flights, a.Flights), cmp.Compare(a.Name, b.Name)) })
	return all, nil
}
