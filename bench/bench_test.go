package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// some is what two systems and a floor did: one of them not all of it.
func some() *Measured {
	return &Measured{
		Date: "2026-11-21", Machine: []string{"a machine"}, Systems: []string{Ours, "peer & co", "floor", "slow"}, Versions: map[string]string{"peer & co": "1.2"},
		Rows: []Row{{Key: "a", Title: "a chain"}, {Key: "b", Title: "nobody did this"}, {Key: "c", Title: "again"}},
		Cells: []Cell{
			{Row: "a", System: Ours, Samples: []Sample{{Round: 0, Seconds: 0.010, Whole: 0.02, PeakKB: 2048}, {Round: 1, Seconds: 0.020, Whole: 0.03, PeakKB: 4096}, {Round: 2, Seconds: 0.012}}},
			{Row: "a", System: "peer & co", Samples: []Sample{{Round: 0, Seconds: 20}, {Round: 1, Seconds: 30}}},
			{Row: "a", System: "floor", Samples: []Sample{{Round: 2, Seconds: 0.000_002}}},
			{Row: "c", System: Ours, Samples: []Sample{{Round: 0, Seconds: 0.001}}},
			{Row: "c", System: "peer & co", Reason: "it remembers nothing"},
			{Row: "c", System: "floor", Reason: "it remembers nothing"},
			{Row: "a", System: "slow", Reason: "not done after 5m0s", Over: 300},
		},
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9, 3}},
		{[]float64{4, 1, 9, 2}, Spread{3, 1, 9, 4}},
	} {
		assert.Equal(t, c.want, SpreadOf(c.in))
	}
	given := []float64{2, 1}
	SpreadOf(given)
	assert.Equal(t, []float64{2, 1}, given, "the figures that are given stay in their order")
}

// A ratio is of one round: the machine may have been busy in another.
func TestRatioIsRoundByRound(t *testing.T) {
	m := some()
	r := Ratio(m.Cell("a", "peer & co"), m.Cell("a", Ours))
	assert.Equal(t, Spread{Median: 1750, Low: 1500, High: 2000, N: 2}, r)
	assert.Equal(t, Spread{}, Ratio(m.Cell("c", "peer & co"), m.Cell("c", Ours)), "there is no ratio to what was not measured")
	assert.Equal(t, Spread{}, Ratio(m.Cell("b", "floor"), m.Cell("b", Ours)))
}

func TestTables(t *testing.T) {
	m := some()
	assert.Equal(t, `| | dagstergen | peer & co | floor | slow |
|---|---:|---:|---:|---:|
| **a** a chain | 12.0 ms (10.0 ms to 20.0 ms) | 25.0 s (20.0 s to 30.0 s) | 2.00 µs (once) | > 300 s |
| **c** again | 1.00 ms (once) | – | – | – |
`, m.Times(), "a row that nobody did is left out")
	assert.Equal(t, `| | dagstergen | peer & co | floor | slow |
|---|---:|---:|---:|---:|
| **a** a chain | 1 | 1,750 × (1,500 to 2,000) | 1/6,000 × | > 10,000 × |
| **c** again | 1 | – | – | – |
`, m.Ratios())
	assert.Equal(t, "| | dagstergen | slow |\n|---|---:|---:|\n| **a** a chain | 25.0 ms (20.0 ms to 30.0 ms) | > 300 s |\n", m.Wholes(), "a column without figures is left out")
	assert.Equal(t, "| | dagstergen |\n|---|---:|\n| **a** a chain | 4.00 |\n", m.Peaks())
	assert.Equal(t, "- peer & co, c: it remembers nothing.\n- floor, c: it remembers nothing.\n- slow, a: not done after 5m0s.\n", m.Reasons())
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.00123: "0.00123", 0.5: "0.500", 9.994: "9.99", 9.999: "10.0", 12.34: "12.3", 99.96: "100", 123.4: "123", 1234: "1,234", 1234567: "1,234,567"} {
		assert.Equal(t, want, number(x), "%v", x)
	}
	for x, want := range map[float64]string{2e-9: "2.00 ns", 2e-6: "2.00 µs", 0.25: "250 ms", 2: "2.00 s", 599: "599 s", 1200: "20.0 min"} {
		assert.Equal(t, want, duration(x))
	}
	assert.Equal(t, "1/20.0", ratio(0.05))
}

func TestChart(t *testing.T) {
	chart := some().Chart()
	d := xml.NewDecoder(strings.NewReader(chart))
	bars := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "the chart is well formed")
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	assert.Equal(t, 1+4, bars, "the ground, and a bar for each figure that was measured")
	assert.Equal(t, chart, some().Chart())
	assert.NotContains(t, chart, "nobody did this")
	assert.Contains(t, chart, "peer &amp; co")
	assert.Contains(t, chart, ">1 µs<")
	assert.Contains(t, chart, ">100 s<")
	assert.NotContains(t, new(Measured).Chart(), "NaN", "nothing measured is a chart, too")
}

func TestPage(t *testing.T) {
	m := some()
	page, err := Replace("before\n"+Begin+"old\n"+End+"after\n", m.Section("benchmarks.svg"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(page, "before\n"+Begin) && strings.HasSuffix(page, End+"after\n"))
	assert.NotContains(t, page, "old")
	for _, want := range []string{"2026-11-21", "a machine", "peer & co: 1.2", "](benchmarks.svg)", m.Times(), m.Ratios(), m.Reasons()} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, "small sizes")
	m.Quick = true
	assert.Contains(t, m.Section("x.svg"), "small sizes", "nobody takes figures of development for real ones")
	twice, err := Replace(page, some().Section("benchmarks.svg"))
	require.NoError(t, err)
	assert.Equal(t, page, twice)
	_, err = Replace("no marks", "")
	require.ErrorContains(t, err, "put them where the figures belong")
}

func TestJSON(t *testing.T) {
	data, err := some().JSON()
	require.NoError(t, err)
	back, err := Parse(data)
	require.NoError(t, err)
	assert.Equal(t, some(), back)
	for text, want := range map[string]string{
		"{":                       "unexpected end",
		`{"Cells":[{"Row":"x"}]}`: "not listed",
		`{"Systems":["s"],"Rows":[{"Key":"r"}],"Cells":[{"Row":"r","System":"s","Samples":[{"Seconds":0}]}]}`: "0 is no time",
		`{"Systems":["s"],"Rows":[{"Key":"r"}],"Cells":[{"Row":"r","System":"s","Over":-1}]}`:                 "-1 is no time",
	} {
		_, err := Parse([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

func FuzzParse(f *testing.F) {
	data, err := some().JSON()
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		_, _ = m.Chart(), m.Section("x.svg")
	})
}
