package partition

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCronFields(t *testing.T) {
	for expr, want := range map[string][]string{
		"*/20 5 * * *":        {"2024-02-28 05:00", "2024-02-28 05:20", "2024-02-28 05:40", "2024-02-29 05:00"},
		"7,3-5 0 * * *":       {"2024-02-28 00:03", "2024-02-28 00:04", "2024-02-28 00:05", "2024-02-28 00:07", "2024-02-29 00:03"},
		"0 22/1 28-29/1 * *":  {"2024-02-28 22:00", "2024-02-28 23:00", "2024-02-29 22:00", "2024-02-29 23:00", "2024-03-28 22:00"},
		"0 0 * * 7":           {"2024-03-03 00:00", "2024-03-10 00:00"},
		"0 0 * * SUN":         {"2024-03-03 00:00", "2024-03-10 00:00"},
		"0 0 * * 5-7":         {"2024-03-01 00:00", "2024-03-02 00:00", "2024-03-03 00:00", "2024-03-08 00:00"},
		"0 0 31 * *":          {"2024-03-31 00:00", "2024-05-31 00:00"},
		"0 0 */10 * mon":      {"2024-03-11 00:00", "2024-04-01 00:00"},
		"0 0 1 * mon":         {"2024-03-01 00:00", "2024-03-04 00:00"},
		"  0  0\t1 feb-mar *": {"2024-03-01 00:00", "2025-02-01 00:00"},
		"@yearly":             {"2025-01-01 00:00", "2026-01-01 00:00"},
		"@hourly":             {"2024-02-28 00:00", "2024-02-28 01:00"},
		"30 12 29 2 *":        {"2024-02-29 12:30", "2028-02-29 12:30"},
		"0 0 29 2 */7":        {"2032-02-29 00:00", "2060-02-29 00:00"},
	} {
		s, err := parseCron(expr)
		require.NoError(t, err, expr)
		from := s.rank(time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC).Unix())
		for i, text := range want {
			assert.Equal(t, text, time.Unix(s.nth(from+i), 0).UTC().Format("2006-01-02 15:04"), expr)
		}
	}
}

func TestCronExpressionsThatAreWrong(t *testing.T) {
	for expr, want := range map[string]string{
		"":             "has 0 fields",
		"0 0 0 * * *":  "has 6 fields",
		"60 * * * *":   `minute: "60" is no value from 0 to 59`,
		"* 24 * * *":   `hour: "24" is no value from 0 to 23`,
		"* * 0 * *":    `day of the month: "0" is no value from 1 to 31`,
		"* * * 13 *":   `month: "13" is no value from 1 to 12`,
		"* * * * 8":    `day of the week: "8" is no value from 0 to 7`,
		"* * * * fry":  `"fry" is no value`,
		"*/0 * * * *":  `"0" is no step from 1 to 59`,
		"*/x * * * *":  `"x" is no step`,
		"5-1 * * * *":  "the range 5-1 ends before it begins",
		"1,,2 * * * *": `"" is no value`,
		"-1 * * * *":   `"" is no value`,
		"007 * * * *":  `"007" is no value`,
		"@never":       "no such shorthand",
		"0 0 30 feb *": "names no day of any year",
	} {
		_, err := parseCron(expr)
		assert.ErrorContains(t, err, want, expr)
	}
}

// The schedule's arithmetic is that of going through all minutes.
func FuzzCron(f *testing.F) {
	for _, expr := range []string{"0 * * * *", "*/15 2-4 * * mon-fri", "0 0 29 2 *", "5,10 3 1,15 jan,dec sun", "@weekly", "0 0 */9 * */2"} {
		f.Add(expr, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, expr string, from int64) {
		s, err := parseCron(expr)
		if err != nil {
			if strings.Contains(err.Error(), "%!") {
				t.Fatal(err)
			}
			return
		}
		from %= 1 << 36
		from -= from % 60
		r := s.rank(from)
		for range 3 * 24 * 60 {
			on := s.at(from)
			if s.rank(from) != r {
				t.Fatalf("%q: rank of %d is %d, not %d", expr, from, s.rank(from), r)
			}
			if on {
				if s.nth(r) != from {
					t.Fatalf("%q: number %d is %d, not %d", expr, r, s.nth(r), from)
				}
				r++
			}
			from += 60
		}
	})
}
