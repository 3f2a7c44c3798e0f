package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Ours is the name of the system that the others are compared with.
const Ours = "dagstergen"

// Measured is all that one run of the benchmarks found out.
type Measured struct {
	Date     string            // the day, as 2026-11-21
	Machine  []string          // what it ran on, a line each
	Quick    bool              // sizes are those of development: nothing to publish
	Systems  []string          // the columns
	Versions map[string]string // of the systems, by their names
	Rows     []Row
	Cells    []Cell
}

// A Row is something to do, which systems are compared in.
type Row struct {
	Key   string // short, as "chain"
	Title string // what is done, with its size
}

// A Cell is how often and how fast one system did what a row says.
type Cell struct {
	Row, System string
	Samples     []Sample `json:",omitempty"` // one for each round
	Reason      string   `json:",omitempty"` // why there are none, in a few words
	Over        float64  `json:",omitempty"` // the seconds after which it was broken off, from the start of the process; 0 where it was not
}

// A Sample is one time that something was done, and its answer was right.
type Sample struct {
	Round   int     // in samples of one round, systems had their turns one after the other
	Seconds float64 // what the row is about
	Whole   float64 // from the start of the process to its end, in seconds; 0 where that is not known
	PeakKB  int64   // peak memory of the largest process, in KiB; 0 where that is not known
}

// Parse reads what [Measured.JSON] wrote.
func Parse(data []byte) (*Measured, error) {
	m := new(Measured)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("measurements: %w", err)
	}
	for _, c := range m.Cells {
		if !slices.Contains(m.Systems, c.System) || !slices.ContainsFunc(m.Rows, func(r Row) bool { return r.Key == c.Row }) {
			return nil, fmt.Errorf("measurements: a cell for row %q and system %q, which are not listed", c.Row, c.System)
		}
		if c.Over < 0 || math.IsInf(c.Over, 0) {
			return nil, fmt.Errorf("measurements: row %q, system %q: %v is no time", c.Row, c.System, c.Over)
		}
		for _, s := range c.Samples {
			if s.Seconds <= 0 || math.IsInf(s.Seconds, 0) {
				return nil, fmt.Errorf("measurements: row %q, system %q: %v is no time", c.Row, c.System, s.Seconds)
			}
		}
	}
	return m, nil
}

// JSON returns the measurements as text that [Parse] reads.
func (m *Measured) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", " ")
	return append(data, '\n'), err
}

// Cell returns the cell of a row and a system; nil where nothing is known.
func (m *Measured) Cell(row, system string) *Cell {
	i := slices.IndexFunc(m.Cells, func(c Cell) bool { return c.Row == row && c.System == system })
	if i < 0 {
		return nil
	}
	return &m.Cells[i]
}

// A Spread is several figures in short: the one in the middle, the least and the greatest, and how many there were.
type Spread struct {
	Median, Low, High float64
	N                 int
}

// SpreadOf returns the spread of figures; of none, the zero value. The median of an even number is the mean of the two in the middle.
func SpreadOf(figures []float64) Spread {
	if len(figures) == 0 {
		return Spread{}
	}
	sorted := slices.SortedFunc(slices.Values(figures), cmp.Compare)
	n := len(sorted)
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Low: sorted[0], High: sorted[n-1], N: n}
}

// Of returns the spread of what is taken from each sample; samples that have 0 are left out.
func (c *Cell) Of(take func(Sample) float64) Spread {
	var figures []float64
	if c != nil {
		for _, s := range c.Samples {
			if f := take(s); f > 0 {
				figures = append(figures, f)
			}
		}
	}
	return SpreadOf(figures)
}

// Seconds, Whole and Peak take a figure from a sample, for [Cell.Of]. Peak is in MiB.
func Seconds(s Sample) float64 { return s.Seconds }

// Whole: see [Seconds].
func Whole(s Sample) float64 { return s.Whole }

// Peak: see [Seconds].
func Peak(s Sample) float64 { return float64(s.PeakKB) / 1024 }

// Ratio returns how many times as long as base other took: the spread of the ratios round by round, as both had the machine of the same minutes. Rounds
// that one of them did not take part in are left out.
func Ratio(other, base *Cell) Spread {
	if other == nil || base == nil {
		return Spread{}
	}
	var ratios []float64
	for _, o := range other.Samples {
		if i := slices.IndexFunc(base.Samples, func(b Sample) bool { return b.Round == o.Round }); i >= 0 {
			ratios = append(ratios, o.Seconds/base.Samples[i].Seconds)
		}
	}
	return SpreadOf(ratios)
}
