package partition

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSelections(t *testing.T) {
	days := resolve(t, Daily("2025-12-26"))
	cities := resolve(t, Static("paris", "oslo", "san jose", "a,b", "x=y", `q"q`, "[z]"))
	grid := resolve(t, Multi(Dim("day", Daily("2025-12-30")), Dim("city", Static("paris", "oslo", "bar,n"))))
	for _, c := range []struct {
		space *Space
		text  string
		want  string
	}{
		{days, "2025-12-27", "2025-12-27"},
		{days, "2025-12-27...2025-12-29", "2025-12-27 2025-12-28 2025-12-29"},
		{days, "2025-12-30...", "2025-12-30 2025-12-31"},
		{days, "...2025-12-27", "2025-12-26 2025-12-27"},
		{days, "2025-12-31, 2025-12-26", "2025-12-26 2025-12-31"},
		{days, "*", "2025-12-26 2025-12-27 2025-12-28 2025-12-29 2025-12-30 2025-12-31"},
		{days, "[2025-12-26,2025-12-30...]", "2025-12-26 2025-12-30 2025-12-31"},
		{cities, `oslo,san jose`, "oslo san jose"},
		{cities, `"a,b"`, "a,b"},
		{cities, `x=y`, "x=y"},
		{cities, `"q\"q"..."[z]"`, `q"q [z]`},
		{grid, "oslo|2025-12-31", "oslo|2025-12-31"},
		{grid, "city=oslo", "oslo|2025-12-30 oslo|2025-12-31"},
		{grid, "day=2025-12-31|city=oslo", "oslo|2025-12-31"},
		{grid, "day=2025-12-31 | city=[paris,oslo]", "paris|2025-12-31 oslo|2025-12-31"},
		{grid, `city="bar,n"|day=*,paris|2025-12-30`, "paris|2025-12-30 bar,n|2025-12-30 bar,n|2025-12-31"},
		{grid, "paris...oslo|2025-12-31", "paris|2025-12-31 oslo|2025-12-31"},
	} {
		set, err := c.space.Select(c.text)
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, strings.Join(slices.Collect(c.space.Keys(set)), " "), c.text)
	}
}

func TestSelectionsThatAreWrong(t *testing.T) {
	days := resolve(t, Daily("2025-12-26"))
	hours := resolve(t, Hourly("2025-12-30", In("Europe/Berlin")))
	cities := resolve(t, Static("paris", "oslo"))
	grid := resolve(t, Multi(Dim("day", Daily("2025-12-30")), Dim("city", Static("paris", "oslo"))))
	none, err := Daily("2030-01-01").Resolve(At{Now: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	for _, c := range []struct {
		space *Space
		text  string
		want  string
	}{
		{days, "2025-12-25", `no partition "2025-12-25"; they are 2025-12-26...2025-12-31; did you mean 2025-12-26?`},
		{days, "2026-01-01", "did you mean 2025-12-31?"},
		{days, "2025/12/28", "did you mean 2025-12-28?"},
		{days, "2025-12-28-05:00", "did you mean 2025-12-28?"},
		{days, "2025-12-30T01:00:00Z", "did you mean 2025-12-30?"},
		{days, "tomorrow", `no partition "tomorrow"; they are 2025-12-26...2025-12-31`},
		{hours, "2025-12-31-05", "did you mean 2025-12-31-05:00?"},
		{none, "2030-01-01", `no partition "2030-01-01": there is none yet`},
		{cities, "prais", "did you mean paris?"},
		{cities, "", "an empty partition key; write a key, a range FROM...TO or *"},
		{cities, "paris,", "an empty partition key"},
		{cities, "oslo...paris", "the range oslo...paris ends before it begins"},
		{cities, "paris|oslo", "there is one dimension; write its keys, without a bar"},
		{cities, `"paris`, "a quote is not closed"},
		{cities, `"pa"ris`, "is no text in quotes"},
		{cities, "[paris", "a bracket is not closed"},
		{cities, "paris]", "a bracket closes that was not opened"},
		{grid, "paris", `partition "paris" has 1 of 2 dimensions; write city|day, or only some of them as city=KEY`},
		{grid, "town=paris", `there is no dimension "town"; there are city, day`},
		{grid, "city=paris|2025-12-30", `"2025-12-30" says no dimension; write one of city, day before it, as city=KEY`},
		{grid, "city=paris|city=oslo", `dimension "city" is given twice in "city=paris|city=oslo"; list its keys as city=[A,B]`},
		{grid, "city=olso", `no partition "olso" of city; they are paris...oslo; did you mean oslo?`},
		{grid, "city=nix,day=2020-01-01", "of day; they are"},
	} {
		_, err := c.space.Select(c.text)
		assert.ErrorContains(t, err, c.want, c.text)
	}
	_, err = grid.Find("paris")
	assert.EqualError(t, err, `partition "paris" has 1 of 2 dimensions; write city|day`)
}

// What is written of a set selects it again.
func TestTerms(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, d := range []*Definition{
		Static("paris", "a,b", "x=y", `q"q`, "[z]", " space ", "*", "..x", "back\\slash"),
		Multi(Dim("day", Daily("2025-12-24")), Dim("city", Static("paris", "x=y", "bar,n"))),
		Multi(Dim("a", Static("1")), Dim("b", Static("1", "2", "3")), Dim("c", Static("1", "2"))),
	} {
		space := resolve(t, d)
		require.NoError(t, d.Err())
		lens := make([]int, len(space.axes))
		for i, a := range space.axes {
			lens[i] = a.len()
		}
		for range 300 {
			set := chance(r, lens)
			if set.Empty() {
				require.Empty(t, space.Terms(set))
				continue
			}
			text := strings.Join(space.Terms(set), ", ")
			got, err := space.Select(text)
			require.NoError(t, err, text)
			require.True(t, set.Equal(got), text)
		}
	}
}

// Whatever is typed is selected or refused, and every key can be selected in quotes.
func FuzzSelect(f *testing.F) {
	for _, text := range []string{"a", "a...b", "x=a|y=b", "[a,b],*", `"a\"b"...`, "x=[a...,b]|y=*", "...", "|", "=", `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		grid := resolve(t, Multi(Dim("x", Static("a", "b", "c")), Dim("y", Daily("2025-12-30"))))
		if set, err := grid.Select(text); err == nil && !set.Minus(grid.All()).Empty() {
			t.Fatalf("%q selected what is not there", text)
		}
		if CheckKey(text) != nil {
			return
		}
		one := resolve(t, Static("other", "k"+text))
		set, err := one.Select(strconv.Quote("k" + text))
		if err != nil || !set.Equal(Of(Point{1})) {
			t.Fatalf("%q in quotes: %v, %v", text, set, err)
		}
		if key := Unquote(Quote(text)); key != text {
			t.Fatalf("%q became %q", text, key)
		}
	})
}
