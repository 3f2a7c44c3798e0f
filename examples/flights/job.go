package main

import "context"

// Punctuality rates every airport that flights leave from. Busy is the number of flights from which on an airport is rated; smaller ones
// are listed without a rating.
//
//dag:job
func Punctuality(ctx context.Context, files Files, busy int) (Report, error) {
	flightLog, err := FlightLog(files)
	if err != nil {
		return Report{}, err
	}
	airportList, err := AirportList(files)
	if err != nil {
		return Report{}, err
	}
	flights, err := ReadFlights(flightLog)
	if err != nil {
		return Report{}, err
	}
	airports, err := ReadAirports(airportList)
	if err != nil {
		return Report{}, err
	}

	var ratings []Rating
	//dag:key from.Airport
	for _, from := range ByOrigin(flights) {
		rating := Rating{Airport: from.Airport}
		if Enough(from.Flights, busy) {
			rating = Rate(from.Airport, from.Flights)
		}
		ratings = append(ratings, rating)
	}
	return Summarize(ctx, ratings, airports)
}

// Rate rates one airport. It is a graph: its steps are rate[ORD].typical_delay and so on.
//
//dag:graph
func Rate(airport string, flights []Flight) Rating {
	delay := TypicalDelay(flights)
	late := LateShare(flights)
	return Rating{Airport: airport, Rated: true, Median: delay.Median, Worst: delay.Worst, Late: late}
}
