package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Station says where the observations come from.
//
//dag:config
type Station struct {
	// Path of the CSV file, relative to the folder the pipeline is started in.
	Path string `json:"path" default:"data/seattle-weather.csv"`
}

// ObservationFile is the raw CSV of one weather station; a change of its bytes is a new data version.
//
//dag:source group=raw
func ObservationFile(station Station) (dag.File, error) {
	file, err := dag.OpenFile(station.Path)
	if err != nil {
		return dag.File{}, fmt.Errorf("%w: start in examples/weather, or name the file with --set ops.observation_file.config.path=FILE", err)
	}
	return file, nil
}

// An Observation is one day at the station.
type Observation struct {
	Day       time.Time // midnight, UTC
	Rain      float64   // mm
	High, Low float64   // °C
	Wind      float64   // m/s
	Sky       string    // "sun", "rain", "fog", "drizzle" or "snow"
}

// Mean returns the middle of the day's highest and lowest temperature, in °C.
func (o Observation) Mean() float64 { return (o.High + o.Low) / 2 }

// Observations reads the days from the file, in order.
//
//dag:asset group=raw
func Observations(ctx context.Context, observationFile dag.File) ([]Observation, error) {
	days, err := parse(observationFile)
	if err != nil {
		return nil, err
	}
	first, last := days[0].Day, days[len(days)-1].Day
	return days, dag.AddOutputMetadata(ctx,
		dag.Int("rows", int64(len(days))),
		dag.Text("from", first.Format(time.DateOnly)),
		dag.Text("to", last.Format(time.DateOnly)),
	)
}

var columns = []string{"date", "precipitation", "temp_max", "temp_min", "wind", "weather"}

var errNoDays = errors.New("no observations")

// parse reads a whole file. Days must follow each other without repeats, because everything downstream counts them.
func parse(file dag.File) ([]Observation, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()

	rows := csv.NewReader(r)
	rows.FieldsPerRecord = len(columns)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: header: %w", file.Name(), err)
	}
	if !slices.Equal(header, columns) {
		return nil, fmt.Errorf("%s:1: the columns are %q, want %q", file.Name(), header, columns)
	}
	var days []Observation
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		day, err := parseRow(row)
		if err == nil && len(days) > 0 && !day.Day.After(days[len(days)-1].Day) {
			err = fmt.Errorf("%s does not follow the day before it", row[0])
		}
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", file.Name(), line, err)
		}
		days = append(days, day)
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("%s: %w", file.Name(), errNoDays)
	}
	return days, nil
}

func parseRow(row []string) (Observation, error) {
	day, err := time.Parse(time.DateOnly, row[0])
	if err != nil {
		return Observation{}, err
	}
	var numbers [4]float64
	for i := range numbers {
		if numbers[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
			return Observation{}, fmt.Errorf("%s: %w", columns[i+1], err)
		}
	}
	return Observation{
		Day: day, Rain: numbers[0], High: numbers[1], Low: numbers[2], Wind: numbers[3], Sky: row[5],
	}, nil
}
