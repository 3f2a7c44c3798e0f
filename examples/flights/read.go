package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Files says where the data is, relative to the folder the pipeline is started in.
//
//dag:config
type Files struct {
	Flights  string `json:"flights" default:"data/flights.json"`
	Airports string `json:"airports" default:"data/airports.csv"`
}

// FlightLog finds the file of flights. It is volatile because no version sees the disk: it looks each time, and what follows is
// reused where the bytes are the same.
//
//dag:op volatile
func FlightLog(files Files) (dag.File, error) { return open(files.Flights) }

// AirportList finds the file of airports.
//
//dag:op volatile
func AirportList(files Files) (dag.File, error) { return open(files.Airports) }

func open(path string) (dag.File, error) {
	file, err := dag.OpenFile(path)
	if err != nil {
		return dag.File{}, fmt.Errorf("%w: start in examples/flights, or name the file in the run config", err)
	}
	return file, nil
}

// A Flight is one departure.
type Flight struct {
	Time        time.Time
	Delay       int // minutes; negative is early
	Distance    int // miles
	Origin      string
	Destination string
}

// ReadFlights reads all flights, in the order of the file.
//
//dag:op
func ReadFlights(file dag.File) ([]Flight, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var rows []struct {
		Date                string
		Delay, Distance     int
		Origin, Destination string
	}
	if err := json.NewDecoder(r).Decode(&rows); err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // a file is verified at its end
		return nil, err
	}
	flights := make([]Flight, len(rows))
	for i, row := range rows {
		t, err := time.Parse("2006/01/02 15:04", row.Date)
		if err != nil {
			return nil, fmt.Errorf("%s: flight %d: %w", file.Name(), i+1, err)
		}
		flights[i] = Flight{Time: t, Delay: row.Delay, Distance: row.Distance, Origin: row.Origin, Destination: row.Destination}
	}
	return flights, nil
}

// ReadAirports reads where each airport is, by its code.
//
//dag:op
func ReadAirports(file dag.File) (map[string]string, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	places := make(map[string]string, len(rows))
	for _, row := range rows[1:] {
		places[row[0]] = row[2] + ", " + row[3]
	}
	return places, nil
}
