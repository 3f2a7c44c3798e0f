package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                   "plain",
		"größe 世界":                "größe 世界",
		"a\nb\tc\r":               `a\nb\tc\r`,
		"\x1b[31mred\x1b[0m":      `\x1b[31mred\x1b[0m`,
		"bell\a del\x7f c1\u009b": `bell\x07 del\x7f c1\x9b`,
		"\u202eevil":              `\u202eevil`,
		"zero\u200bwidth\ufeff":   `zero\u200bwidth\ufeff`,
		"tag\U000e0041":           `tag\U000e0041`,
		"bad\xff\xfeutf":          `bad\xff\xfeutf`,
		"real \ufffd stays":       "real \ufffd stays",
	} {
		assert.Equal(t, want, escape(in))
	}
}

func TestDisplayWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "größe": 5, "世界": 4, "e\u0301": 1, "→": 1, "🎉": 2, "ｱ": 1, "Ａ": 2} {
		assert.Equal(t, want, displayWidth(s), s)
	}
}

func TestClip(t *testing.T) {
	assert.Equal(t, "abc", clip("abc", 3))
	assert.Equal(t, "ab…", clip("abcd", 3))
	assert.Equal(t, "世…", clip("世界世", 4))
	assert.Equal(t, "…", clip("abc", 1))
	assert.Equal(t, "", clip("abc", 0))
}

func TestWrap(t *testing.T) {
	assert.Equal(t, []string{"one two", "three"}, wrap("one two three", 8))
	assert.Equal(t, []string{"one two three"}, wrap("one two three", 0))
	assert.Equal(t, []string{"abcd", "efgh", "i j"}, wrap("abcdefghi j", 4))
	assert.Equal(t, []string{"世界", "世"}, wrap("世界世", 4))
	assert.Equal(t, []string{"\u0301", "abc", "d"}, wrap("\u0301 abcd", 3), "a word without a width of its own")
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 5)
	f.Add("世界 e\u0301 \x1b[0m", 3)
	f.Fuzz(func(t *testing.T, s string, w int) {
		if w < 2 || w > 200 {
			return
		}
		s = escape(s)
		require.NotContains(t, s, "\x1b")
		for _, line := range wrap(s, w) {
			require.LessOrEqual(t, displayWidth(line), w)
		}
		require.LessOrEqual(t, displayWidth(clip(s, w)), w)
		require.Equal(t, strings.Join(strings.Fields(s), ""), strings.ReplaceAll(strings.Join(strings.Fields(strings.Join(wrap(s, w), "")), ""), " ", ""))
	})
}

func TestFirstSentence(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"MonthlyMeans averages each month.": "MonthlyMeans averages each month",
		"One line\nbroken. And more.":       "One line broken",
		"Takes files, e.g. CSV. Done.":      "Takes files, e.g. CSV",
		"Is it warmer? We ask.":             "Is it warmer?",
		"version 1.2 of it":                 "version 1.2 of it",
	} {
		assert.Equal(t, want, firstSentence(in))
	}
}

func TestGroup(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		assert.Equal(t, want, group(n))
	}
}

func TestShortType(t *testing.T) {
	for in, want := range map[string]string{
		"int": "int", "[]example.com/a/b.C": "[]b.C", "map[string]*example.com/x.Y": "map[string]*x.Y",
		"func(example.com/a.B, c.D)": "func(a.B, c.D)", "example.com/a.G[example.com/b.T]": "a.G[b.T]",
	} {
		assert.Equal(t, want, shortType(in))
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{1: "1 byte", 1023: "1,023 bytes", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 1<<20 - 1: "1.0 MiB", 5 << 40: "5.0 TiB"} {
		assert.Equal(t, want, size(n))
	}
}
