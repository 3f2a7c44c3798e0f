package rules

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		text string
		want Broken
	}{
		{Rule{Kind: "int"}, "-5", Nothing},
		{Rule{Kind: "int", Min: "-5", Max: "9"}, "-5", Nothing},
		{Rule{Kind: "int", Min: "9"}, "10", Nothing}, // not as text
		{Rule{Kind: "int", Max: "9"}, "10", Bounds},
		{Rule{Kind: "uint", Max: "18446744073709551614"}, "18446744073709551615", Bounds},
		{Rule{Kind: "uint", Min: "9223372036854775808"}, "18446744073709551615", Nothing},
		{Rule{Kind: "float", Min: "1e3"}, "999.5", Bounds},
		{Rule{Kind: "float", Enum: []string{"0.5"}}, "5e-1", Nothing},
		{Rule{Kind: "duration", Max: "1h"}, "90m", Bounds},
		{Rule{Kind: "duration", Enum: []string{"1m"}}, "60s", Nothing},
		{Rule{Kind: "time", Min: "2024-01-01T00:00:00Z"}, "2024-01-01T01:00:00+02:00", Bounds},
		{Rule{Kind: "string", Enum: []string{"1"}}, "01", Enum},
		{Rule{Kind: "string", MaxLen: 2}, "日本", Nothing},
		{Rule{Kind: "string", MinLen: 3}, "日本", Length},
		{Rule{Kind: "string", Pattern: "b"}, "abc", Nothing},
		{Rule{Kind: "string", Pattern: "^b"}, "abc", Pattern},
		{Rule{Kind: "string", Pattern: "("}, "abc", Pattern},
	} {
		assert.Equal(t, c.want, c.rule.Check(c.text), "%+v %s", c.rule, c.text)
	}
	assert.Equal(t, Length, Rule{MaxLen: 2}.CheckLen(3))
	assert.Equal(t, Nothing, Rule{}.CheckLen(3))
	assert.True(t, Rule{Kind: "int", Min: "10", Max: "9"}.Empty())
	assert.False(t, Rule{Kind: "int", Min: "9", Max: "10"}.Empty())
}

func TestParseLen(t *testing.T) {
	for text, want := range map[string][2]int{"3": {3, 3}, "1..10": {1, 10}, "1..": {1, 0}, "..10": {0, 10}, "0..": {0, 0}, "0..2": {0, 2}} {
		least, most, err := ParseLen(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, [2]int{least, most}, text)
	}
	for _, text := range []string{"", "..", "a", "-1", "1...2", "3..2", "0", "..0", "99999999999", "1.5"} {
		_, _, err := ParseLen(text)
		assert.Error(t, err, text)
	}
}

func TestCheckPattern(t *testing.T) {
	for _, text := range []string{`^[a-z]+$`, `\d{3}`, `(?:a|b)c?`, `\\Ab`, `[:;]`, `\p{L}+`} {
		assert.NoError(t, CheckPattern(text), text)
	}
	for _, text := range []string{``, `(`, `a**`, `(?i)a`, `(?P<x>a)`, `[[:alpha:]]`, `\Aa`, `a\z`, `\pL`, `\p{Greek}`, `(?=a)`} {
		assert.Error(t, CheckPattern(text), text)
	}
}

func FuzzRules(f *testing.F) {
	for _, seed := range [][2]string{{"1..10", "ab"}, {"3", `^[a-z]+$`}, {"..", `\p{L}`}, {"0..", "(?i)x"}} {
		f.Add(seed[0], seed[1], "text")
	}
	f.Fuzz(func(t *testing.T, length, pattern, text string) {
		if least, most, err := ParseLen(length); err == nil {
			r := Rule{MinLen: least, MaxLen: most}
			require.Equal(t, Nothing, r.CheckLen(least), "%q allows its least", length)
			require.Equal(t, Nothing, r.CheckLen(max(least, most)), "%q allows its most", length)
			require.NotContains(t, strings.ToLower(r.Words()), "%!")
		}
		if CheckPattern(pattern) == nil {
			require.Equal(t, regexp.MustCompile(pattern).MatchString(text), Rule{Kind: "string", Pattern: pattern}.Check(text) == Nothing)
		}
		for _, kind := range []string{"int", "uint", "float", "duration", "time", "string"} {
			if form, err := Scalar(kind, 64, text); err == nil {
				again, err := Scalar(kind, 64, form)
				require.NoError(t, err, "%s %q", kind, form)
				require.Equal(t, form, again)
				require.Equal(t, Nothing, Rule{Kind: kind, Enum: []string{form}, Min: form, Max: form}.Check(form))
			}
		}
	})
}
