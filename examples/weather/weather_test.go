package main

import (
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/dagtest"
)

// The functions of a pipeline are plain functions, so these are plain tests: no run, no store, no context of ours.

func seattle(t *testing.T) []Observation {
	t.Helper()
	file, err := ObservationFile(Station{Path: "data/seattle-weather.csv"})
	require.NoError(t, err)
	days, err := Observations(t.Context(), file)
	require.NoError(t, err)
	return days
}

func file(t *testing.T, text string) dag.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "days.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	f, err := dag.OpenFile(path)
	require.NoError(t, err)
	return f
}

const header = "date,precipitation,temp_max,temp_min,wind,weather\n"

func TestObservations(t *testing.T) {
	days := seattle(t)
	require.Len(t, days, 1461)
	assert.Equal(t, Observation{
		Day: time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC), Rain: 10.9, High: 10.6, Low: 2.8, Wind: 4.5, Sky: "rain",
	}, days[1])
}

func TestObservationsRefusesBadFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "days.csv: header: EOF"},
		{"other columns", "a,b,c,d,e,f\n", `days.csv:1: the columns are ["a" "b" "c" "d" "e" "f"]`},
		{"no days", header, "days.csv: no observations"},
		{"no number", header + "2012-01-01,0,1,x,3,sun\n", `days.csv:2: temp_min: strconv.ParseFloat: parsing "x"`},
		{"no date", header + "yesterday,0,1,2,3,sun\n", `days.csv:2: parsing time "yesterday"`},
		{"a field is missing", header + "2012-01-01,0,1,2,3\n", "wrong number of fields"},
		{"out of order", header + "2012-01-02,0,1,2,3,sun\n2012-01-01,0,1,2,3,sun\n", "days.csv:3: 2012-01-01 does not follow the day before it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Observations(t.Context(), file(t, c.text))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestObservationFileSaysWhatToDo(t *testing.T) {
	_, err := ObservationFile(Station{Path: "nowhere.csv"})
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "--set ops.observation_file.config.path=FILE")
}

func TestChecks(t *testing.T) {
	days := seattle(t)
	assert.True(t, Plausible(days).Passed)
	assert.True(t, EveryDay(days))
	assert.False(t, EveryDay(append(days[:3:3], days[4:]...)))
	days[7].High = days[7].Low - 1
	assert.Equal(t, "2012-01-08 has 2.8 to 1.8 °C, 0.0 mm of rain and wind of 2.0 m/s", Plausible(days).Description)
}

func TestMonthlyMeans(t *testing.T) {
	means, err := MonthlyMeans(t.Context(), seattle(t))
	require.NoError(t, err)
	require.Len(t, means, 12)
	assert.Equal(t, time.November, means[10].Month)
	assert.InDelta(t, 160.6, means[10].Rain, 0.1)
	assert.InDelta(t, 26.1, means[7].High, 0.1)

	_, err = MonthlyMeans(t.Context(), seattle(t)[:31])
	assert.EqualError(t, err, "no observations for February")
}

func TestDailyDeparture(t *testing.T) {
	days := seattle(t)
	means, err := MonthlyMeans(t.Context(), days)
	require.NoError(t, err)
	step, _ := dagtest.Context(t, dagtest.Step{Partition: &dag.Partition{Key: "2015-12-24", Start: time.Date(2015, 12, 24, 0, 0, 0, 0, time.UTC)}})
	got, err := DailyDeparture(step, days, means)
	require.NoError(t, err)
	assert.Equal(t, Departure{Day: time.Date(2015, 12, 24, 0, 0, 0, 0, time.UTC), High: -2.6, Low: -1.1, Rain: -2.5}, got)
	assert.True(t, Ordinary(got))
	assert.False(t, Ordinary(Departure{Low: -16}))
	_, err = DailyDeparture(step, days[:9], means)
	assert.EqualError(t, err, "no observation of 2015-12-24")
}

func TestYears(t *testing.T) {
	years, err := Years(t.Context(), Thresholds{Warm: 25, Frost: 0}, seattle(t))
	require.NoError(t, err)
	require.Len(t, years, 4)
	assert.Equal(t, []int{36, 69, 62, 74}, []int{years[0].WarmDays, years[1].WarmDays, years[2].WarmDays, years[3].WarmDays})
	assert.Equal(t, 366, years[0].Days)
	assert.InDelta(t, 11.28, years[0].Mean, 0.01)
}

func TestWarming(t *testing.T) {
	trend, err := Warming([]Year{{Year: 2000, Mean: 10}, {Year: 2001, Mean: 10.5}, {Year: 2002, Mean: 11}, {Year: 2003, Mean: 11.5}})
	require.NoError(t, err)
	assert.InDelta(t, 0.5, trend.PerYear, 1e-12)
	assert.InDelta(t, 0, trend.Error, 1e-6)

	_, err = Warming([]Year{{Year: 2000}, {Year: 2001}})
	assert.ErrorContains(t, err, "three years")
}

func TestRecords(t *testing.T) {
	hottest, wettest, err := Records(seattle(t))
	require.NoError(t, err)
	assert.Equal(t, 35.6, hottest.High)
	assert.Equal(t, 55.9, wettest.Rain)
	_, _, err = Records(nil)
	assert.ErrorIs(t, err, errNoDays)
}

func TestUnits(t *testing.T) {
	metric, err := NewUnits(UnitConfig{System: "metric", Decimals: 1})
	require.NoError(t, err)
	imperial, err := NewUnits(UnitConfig{System: "imperial", Decimals: 2})
	require.NoError(t, err)

	assert.Equal(t, "20.0 °C", metric.FormatTemperature(20))
	assert.Equal(t, "68.00 °F", imperial.FormatTemperature(20))
	assert.Equal(t, "+1.80 °F", imperial.FormatDifference(1), "a difference has no offset")
	assert.Equal(t, "-1.0 °C", metric.FormatDifference(-1))
	assert.Equal(t, "25.4 mm", metric.FormatLength(25.4))
	assert.Equal(t, "1.00 in", imperial.FormatLength(25.4))

	_, err = NewUnits(UnitConfig{Decimals: 7})
	assert.EqualError(t, err, "decimals is 7, want 0 to 6")
}

func TestChartIsAPictureAndAlwaysTheSame(t *testing.T) {
	units, err := NewUnits(UnitConfig{})
	require.NoError(t, err)
	means, err := MonthlyMeans(t.Context(), seattle(t))
	require.NoError(t, err)

	first, err := Chart(t.Context(), units, means)
	require.NoError(t, err)
	second, err := Chart(t.Context(), units, means)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, os.RemoveAll(filepath.Dir(first.Path())))
		assert.NoError(t, os.RemoveAll(filepath.Dir(second.Path())))
	})
	assert.Equal(t, first.Version(), second.Version(), "a memoized chart must equal a fresh one")

	r, err := first.Open()
	require.NoError(t, err)
	defer r.Close()
	image, err := png.Decode(r)
	require.NoError(t, err)
	assert.Equal(t, 756, image.Bounds().Dx())
}

func TestReport(t *testing.T) {
	units, err := NewUnits(UnitConfig{Decimals: 1})
	require.NoError(t, err)
	days := seattle(t)
	means, err := MonthlyMeans(t.Context(), days)
	require.NoError(t, err)
	years, err := Years(t.Context(), Thresholds{Warm: 25}, days)
	require.NoError(t, err)
	trend, err := Warming(years)
	require.NoError(t, err)
	hottest, wettest, err := Records(days)
	require.NoError(t, err)

	report, err := Report(t.Context(), units, means, years, trend, hottest, wettest)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(filepath.Dir(report.Path()))) })
	r, err := report.Open()
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	want, err := os.ReadFile("testdata/report.md")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestVerdict(t *testing.T) {
	assert.Contains(t, verdict(Trend{PerYear: 0.1, Error: 0.1}, 4), "chance")
	assert.Contains(t, verdict(Trend{PerYear: 0.6, Error: 0.1}, 4), "these 4 years")
	assert.Contains(t, verdict(Trend{PerYear: 0.6, Error: 0.1}, 40), "climate")
}

// The plain call of a job is what the engine's run of it must give; internal/e2e compares the two.
func TestCompareYears(t *testing.T) {
	units, err := NewUnits(UnitConfig{Decimals: 1})
	require.NoError(t, err)
	station, thresholds := Station{Path: "data/seattle-weather.csv"}, Thresholds{Warm: 25}

	got, err := CompareYears(t.Context(), station, thresholds, units, 2012, 2015)
	require.NoError(t, err)
	assert.Equal(t, 38, got.WarmDays)
	assert.InDelta(t, 1.85, got.Warmer, 0.01)

	_, err = CompareYears(t.Context(), station, thresholds, units, 2012, 1999)
	assert.EqualError(t, err, "1999: no observations; the record has 2012 to 2015")
	_, err = CompareYears(t.Context(), station, thresholds, units, 2012, 2012)
	assert.EqualError(t, err, "give two different years")
}
