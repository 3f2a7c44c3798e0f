package partition

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPartitionsOfDefinitions(t *testing.T) {
	now := time.Date(2024, 3, 5, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		def         *Definition
		n           int
		first, last string
	}{
		"static":               {Static("b", "a"), 2, "b", "a"},
		"dynamic":              {Dynamic("x"), 2, "x1", "x2"},
		"daily":                {Daily("2024-03-01"), 4, "2024-03-01", "2024-03-04"},
		"today too":            {Daily("2024-03-01", EndOffset(1)), 5, "2024-03-01", "2024-03-05"},
		"into the future":      {Daily("2024-03-01", EndOffset(400)), 404, "2024-03-01", "2025-04-08"},
		"but no further":       {Daily("2024-03-01", EndOffset(400), Until("2024-03-08")), 7, "2024-03-01", "2024-03-07"},
		"fewer":                {Daily("2024-03-01", EndOffset(-2)), 2, "2024-03-01", "2024-03-02"},
		"none left":            {Daily("2024-03-01", EndOffset(-9)), 0, "", ""},
		"later":                {Daily("2024-04-01"), 0, "", ""},
		"only what is to come": {Daily("2024-04-01", EndOffset(2)), 2, "2024-04-01", "2024-04-02"},
		"ended":                {Daily("2024-02-27", Until("2024-03-01")), 3, "2024-02-27", "2024-02-29"},
		"ended within a day":   {Daily("2024-02-27", Until("2024-03-01-15:00")), 3, "2024-02-27", "2024-02-29"},
		"begun within a day":   {Daily("2024-02-27-15:00"), 6, "2024-02-28", "2024-03-04"},
		"RFC 3339":             {Hourly("2024-03-05T05:00:00+05:00"), 12, "2024-03-05-00:00", "2024-03-05-11:00"},
		"at 6":                 {Daily("2024-03-01", AtHour(6)), 4, "2024-03-01", "2024-03-04"},
		"hourly at 15":         {Hourly("2024-03-05", AtMinute(15)), 11, "2024-03-05-00:15", "2024-03-05-10:15"},
		"in Tokyo":             {Hourly("2024-03-05", In("Asia/Tokyo")), 21, "2024-03-05-00:00", "2024-03-05-20:00"},
		"weekly":               {Weekly("2024-02-01"), 4, "2024-02-04", "2024-02-25"},
		"weekly on Monday":     {Weekly("2024-02-05", OnDay(1)), 4, "2024-02-05", "2024-02-26"},
		"monthly":              {Monthly("2023-12-15"), 2, "2024-01-01", "2024-02-01"},
		"monthly on the 15th":  {Monthly("2023-12-15", OnDay(15)), 2, "2023-12-15", "2024-01-15"},
		"cron":                 {Cron("0 */6 * * *", "2024-03-05"), 2, "2024-03-05-00:00", "2024-03-05-06:00"},
		"cron, quarters":       {Cron("0 0 1 jan,apr,jul,oct *", "2022-01-01"), 8, "2022-01-01", "2023-10-01"},
		"cron, leap days":      {Cron("0 0 29 2 *", "1890-01-01"), 32, "1892-02-29", "2020-02-29"},
		"cron, either day":     {Cron("0 0 13 * fri", "2024-02-05"), 4, "2024-02-09", "2024-02-23"},
		"format":               {Monthly("2023-12", Format("2006-01")), 3, "2023-12", "2024-02"},
		"several dimensions":   {Multi(Dim("key", Static("b", "a")), Dim("day", Daily("2024-03-04")), Dim("zone", Dynamic("x"))), 4, "2024-03-04|b|x1", "2024-03-04|a|x2"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.def.Err())
			space, err := c.def.Resolve(At{Now: now, Keys: func(n string) ([]string, error) { return []string{n + "1", n + "2"}, nil }})
			require.NoError(t, err)
			require.Equal(t, c.n, space.Len())
			keys := slices.Collect(space.Keys(space.All()))
			require.Len(t, keys, c.n)
			if c.n == 0 {
				return
			}
			assert.Equal(t, c.first, keys[0])
			assert.Equal(t, c.last, keys[len(keys)-1])
			for _, key := range keys {
				p, err := space.Find(key)
				require.NoError(t, err)
				require.Equal(t, key, space.Key(p))
			}
		})
	}
}

func TestDefinitionsThatAreWrong(t *testing.T) {
	for want, d := range map[string]*Definition{
		"static partitions without keys":                               Static(),
		`partition key "a" is given twice`:                             Static("a", "b", "a"),
		"an empty partition key":                                       Static("a", ""),
		`partition key "a...b" has "...", which stands for a range`:    Static("a...b"),
		`partition key "a|b" has "|", which stands between dimensions`: Static("a|b"),
		`partition key "a\nb" has a control character`:                 Static("a\nb"),
		"dynamic partitions without a name":                            Dynamic(""),
		"without a dimension; give at least one":                       Multi(),
		`dimension "a" is given twice`:                                 Multi(Dim("a", Static("x")), Dim("a", Static("y"))),
		`dimension "1a": a name has letters`:                           Multi(Dim("1a", Static("x"))),
		`dimension "a" has no definition`:                              Multi(Dim("a", nil)),
		`dimension "a" has dimensions itself`:                          Multi(Dim("a", Multi(Dim("b", Static("x"))))),
		`dimension "a": partition key "x" is given twice`:              Multi(Dim("a", Static("x", "x"))),
		`daily partitions: start "soon" is no time; write it as`:       Daily("soon"),
		`daily partitions: end "2024-01-01" is not after start`:        Daily("2024-01-01", Until("2024-01-01")),
		`daily partitions: end "x" is no time`:                         Daily("2024-01-01", Until("x")),
		`daily partitions: In("Europe/Berln"): unknown time zone`:      Daily("2024-01-01", In("Europe/Berln")),
		`In("Local") is another zone on another machine`:               Daily("2024-01-01", In("Local")),
		"AtHour(24): write an hour from 0 to 23":                       Daily("2024-01-01", AtHour(24)),
		"AtMinute(60): write a minute from 0 to 59":                    Daily("2024-01-01", AtMinute(60)),
		"hourly partitions: AtHour means nothing for them":             Hourly("2024-01-01", AtHour(2)),
		"daily partitions: OnDay means nothing for them":               Daily("2024-01-01", OnDay(2)),
		"OnDay(7): write a day from 0 to 6":                            Weekly("2024-01-01", OnDay(7)),
		"OnDay(29): write a day from 1 to 28":                          Monthly("2024-01-01", OnDay(29)),
		"OnDay(0): write a day from 1 to 28":                           Monthly("2024-01-01", OnDay(0)),
		`cron expression "0 0 * *" has 4 fields`:                       Cron("0 0 * *", "2024-01-01"),
		`cron expression "0 0 30 2 *" names no day of any year`:        Cron("0 0 30 2 *", "2024-01-01"),
		`the format "2006-01" does not tell windows apart`:             Daily("2024-01-01", Format("2006-01")),
		`the format "01-02" has no year`:                               Daily("2024-01-01", Format("01-02")),
		`the format "2006-01-02 03:04" does not tell windows apart`:    Hourly("2024-01-01", Format("2006-01-02 03:04")),
		"partitions of a: hourly":                                      Multi(Dim("a", Hourly("1900-01-01")), Dim("b", Hourly("1900-01-01")), Dim("c", Hourly("1900-01-01")), Dim("d", Hourly("1900-01-01"))),
	} {
		err := d.Err()
		if err == nil {
			_, err = d.Resolve(At{Now: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)})
		}
		assert.ErrorContains(t, err, want)
	}
	_, err := Dynamic("x").Resolve(At{})
	assert.EqualError(t, err, "dynamic partitions x: there is no instance that holds their keys")
	_, err = Dynamic("x").Resolve(At{Keys: func(string) ([]string, error) { return nil, errors.New("disk gone") }})
	assert.EqualError(t, err, "dynamic partitions x: disk gone")
}

func TestPartitionsOfAMoment(t *testing.T) {
	space := resolve(t, Multi(Dim("day", Daily("2025-12-20")), Dim("key", Static("a", "b"))))
	at := func(text string) []string {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return slices.Collect(space.Keys(space.At(when)))
	}
	assert.Equal(t, []string{"2025-12-24|a", "2025-12-24|b"}, at("2025-12-24T00:00:00Z"))
	assert.Equal(t, []string{"2025-12-24|a", "2025-12-24|b"}, at("2025-12-24T23:59:59Z"))
	assert.Empty(t, at("2025-12-19T23:59:59Z"))
	assert.Empty(t, at("2026-01-01T00:00:00Z"))
	assert.Equal(t, []string{"day", "key"}, space.Dimensions())
	assert.Equal(t, "b", space.KeyOf(Point{0, 1}, "key"))
	assert.Empty(t, space.KeyOf(Point{0, 1}, "other"))
	w, ok := space.Window(Point{0, 1})
	assert.True(t, ok)
	assert.Equal(t, "2025-12-21 00:00:00 +0000 UTC", w.End.String())
	_, ok = resolve(t, Static("a")).Window(Point{0})
	assert.False(t, ok)
	_, ok = resolve(t, Multi(Dim("a", Daily("2025-12-20")), Dim("b", Weekly("2025-12-01")))).Window(Point{0, 0})
	assert.False(t, ok, "which of two windows is not known")
}

func TestDescriptions(t *testing.T) {
	d := Multi(Dim("b", Dynamic("x")), Dim("a", Daily("2025-01-01", In("Europe/Berlin"))), Dim("c", Static("k")), Dim("d", Dynamic("x")))
	assert.Equal(t, "a: daily from 2025-01-01 in Europe/Berlin, b: dynamic x, c: static, 1 keys, d: dynamic x", d.String())
	assert.Equal(t, []string{"x"}, d.DynamicNames())
	assert.Equal(t, "0 5 * * * from 2025-01-01", Cron("0 5 * * *", "2025-01-01").String())
}

func TestAlike(t *testing.T) {
	day, keys := Daily("2025-01-01"), Static("a", "b")
	two := Multi(Dim("day", day), Dim("key", keys))
	for _, c := range []struct {
		a, b *Definition
		want bool
	}{
		{day, day, true},
		{day, Daily("2020-01-01", Until("2021-01-01"), EndOffset(1)), true},
		{day, Daily("2025-01-01", In("Europe/Berlin")), false},
		{day, Daily("2025-01-01", AtHour(1)), false},
		{day, Daily("2025-01-01", Format("02.01.2006")), false},
		{day, nil, false},
		{day, Cron("0 0 * * *", "2020-01-01"), true},
		{keys, Static("a", "b"), true},
		{keys, Static("b", "a"), false},
		{keys, day, false},
		{Dynamic("x"), Dynamic("x"), true},
		{Dynamic("x"), Dynamic("y"), false},
		{two, Multi(Dim("key", Static("a", "b")), Dim("day", day)), true},
		{two, Multi(Dim("key", keys), Dim("other", day)), false},
		{two, Multi(Dim("key", keys)), false},
	} {
		assert.Equal(t, c.want, Alike(c.a, c.b), "%s and %v", c.a, c.b != nil)
	}
}
