package differ

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

type (
	mean struct {
		Month time.Month
		Mean  float64
		Tags  []string
	}
	tree struct {
		Name string
		Kids []tree
		Up   *tree
	}
	base    struct{ ID int }
	derived struct {
		base
		Name string
	}
	sealed struct{ n int }
	holder struct{ S sealed }
)

func (s sealed) MarshalText() ([]byte, error) { return fmt.Append(nil, s.n), nil }
func (s *sealed) UnmarshalText(b []byte) error {
	_, err := fmt.Sscan(string(b), &s.n)
	return err
}

func typeOf(v any) *dag.Type { return &dag.Type{Name: fmt.Sprintf("%T", v), Go: reflect.TypeOf(v)} }

func TestValues(t *testing.T) {
	chatham, err := time.LoadLocation("Pacific/Chatham")
	require.NoError(t, err)
	noon := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("all of it is the same, ", 10)
	for _, c := range []struct {
		stored, now any
		want        string
	}{
		{1, 2, "differs: 1 stored, 2 now"},
		{true, false, "differs: true stored, false now"},
		{math.Nextafter(0.3, 1), 0.3, "differs: 0.30000000000000004 stored, 0.3 now"},
		{0.0, math.Copysign(0, -1), "differs: 0 stored, -0 now"},
		{math.NaN(), math.Float64frombits(0x7ff8000000000002), "differs: NaN (0x7ff8000000000001) stored, NaN (0x7ff8000000000002) now"},
		{float32(1), float32(1.5), "differs: 1 stored, 1.5 now"},
		{2i, 3i, "differs: (0+2i) stored, (0+3i) now"},
		{uint8(1), uint8(2), "differs: 1 stored, 2 now"},
		{time.Minute, time.Second, "differs: 1m0s stored, 1s now"},
		{"a", "b", `differs: "a" stored, "b" now`},
		{"a\nb\nc", "a\nx\nc", `differs at line 2, column 1: "b" stored, "x" now`},
		{"a\nb", "a", `differs at line 1, column 2: "a\nb" stored, "a" now`},
		{long + "1 and on", long + "2 and on", `differs at character 231: "…it is the same, 1 and on" stored, "…it is the same, 2 and on" now`},
		{[]byte("ab"), []byte("ac"), `differs: "ab" stored, "ac" now`},
		{[]byte{0, 1}, []byte{0, 2}, "differs: 0x0001 stored, 0x0002 now"},
		{[2]int{1, 2}, [2]int{1, 3}, "differs at [1]: 2 stored, 3 now"},
		{[]int(nil), []int{}, "differs: nil stored, [] now"},
		{[]int{1, 2, 3}, []int{1, 2}, "differs at [2]: 3 stored, nothing now; 3 elements stored, 2 now"},
		{[]int{1}, []int{1, 2}, "differs at [1]: nothing stored, 2 now; 1 element stored, 2 now"},
		{[]string{"a", "b", "c"}, []string{"c", "b", "a"}, `differs at [0]: "a" stored, "c" now; the same elements in another order; and at one more place`},
		{[][]int{{1}, {2, 3}}, [][]int{{1}, {3, 2}}, "differs at [1][0]: 2 stored, 3 now; the same elements in another order; and at one more place"},
		{make([]int, 2000), func() []int {
			s := make([]int, 2000)
			for i := range s {
				s[i] = 1
			}
			return s
		}(), "differs at [0]: 0 stored, 1 now; and at many more places"},
		{[]mean{{}, {1, 4.25, nil}}, []mean{{}, {1, 4.5, nil}}, "differs at [1].Mean: 4.25 stored, 4.5 now"},
		{[]mean{{Month: 1, Tags: []string{"x"}}}, []mean{{Month: 2, Tags: []string{"y"}}}, `differs at [0].Month: January stored, February now; and at one more place`},
		{map[string]int{"b": 1, "a": 1}, map[string]int{"b": 2, "a": 1}, `differs at ["b"]: 1 stored, 2 now`},
		{map[string]int{"b": 1}, map[string]int{"a": 1}, `differs at ["a"]: nothing stored, 1 now; and at one more place`},
		{map[int][]string{7: {"x"}}, map[int][]string{7: {"y"}}, `differs at [7][0]: "x" stored, "y" now`},
		{map[string]int(nil), map[string]int{}, "differs: nil stored, {} now"},
		{map[float64]int{math.NaN(): 1}, map[float64]int{math.NaN(): 2}, "differs at [NaN]: 1 stored, 2 now"},
		{&tree{Name: "a", Kids: []tree{{Name: "b"}}}, &tree{Name: "a", Kids: []tree{{Name: "c"}}}, `differs at .Kids[0].Name: "b" stored, "c" now`},
		{&tree{Up: &tree{}}, &tree{}, `differs at .Up: {Name:"" Kids:nil Up:nil} stored, nil now`},
		{derived{base{1}, "x"}, derived{base{2}, "x"}, "differs at .ID: 1 stored, 2 now"},
		{sealed{1}, sealed{2}, "differs: differ.sealed (6b86b273ff34) stored, differ.sealed (d4735e3a265e) now"},
		{holder{sealed{1}}, holder{sealed{2}}, "differs at .S: differ.sealed (6b86b273ff34) stored, differ.sealed (d4735e3a265e) now"},
		{*big.NewInt(1), *big.NewInt(2), "differs: 1 stored, 2 now"},
		{noon, noon.Add(time.Hour), "differs: 2024-07-01T12:00:00Z stored, 2024-07-01T13:00:00Z now"},
		{noon, noon.In(chatham), "differs: 2024-07-01T12:00:00Z stored, 2024-07-02T00:45:00+12:45 +1245 now"},
		{noon.In(chatham), noon.In(time.FixedZone("+1245", 45900)), "differs: 2024-07-02T00:45:00+12:45 +1245 (Pacific/Chatham) stored, 2024-07-02T00:45:00+12:45 +1245 (+1245) now"},
	} {
		d := Values(typeOf(c.stored), c.stored, c.now, nil)
		if assert.NotNil(t, d, "%v", c.stored) {
			got := d.String()
			if !strings.Contains(c.want, "sealed") {
				assert.Equal(t, c.want, got)
			} else { // the digests say that there is a difference, not which
				assert.Regexp(t, `differ\.sealed \([0-9a-f]{12}\) stored, differ\.sealed \([0-9a-f]{12}\) now$`, got)
			}
			assert.Equal(t, d, Values(typeOf(c.stored), c.stored, c.now, nil), "the same each time")
		}
		assert.Nil(t, Values(typeOf(c.stored), c.stored, c.stored, nil), "%v", c.stored)
	}
	var none error
	assert.Nil(t, Values(&dag.Type{Name: "error", Go: reflect.TypeFor[error]()}, none, none, nil))
}

func TestTextsStayShort(t *testing.T) {
	wide := struct {
		A []int
		M map[string]string
		B []byte
		S string
	}{make([]int, 1<<20), map[string]string{}, make([]byte, 1<<20), strings.Repeat("s", 1<<20)}
	for i := range 10_000 {
		wide.M[fmt.Sprint(i)] = "x"
	}
	other := wide
	other.A, other.M, other.B, other.S = nil, nil, nil, ""
	d := Values(typeOf(wide), wide, other, nil)
	require.NotNil(t, d)
	assert.Equal(t, 3, d.More)
	for _, v := range []any{wide, wide.M, wide.B, wide.S, wide.A} {
		s := (*Redactor)(nil).show(reflect.ValueOf(v))
		assert.LessOrEqual(t, utf8.RuneCountInString(s), shownLength+1, s)
	}
}

func TestFiles(t *testing.T) {
	deep := strings.Repeat("line\n", 100_000)
	for _, c := range []struct{ stored, now, want string }{
		{"a\nb\n", "a\nc\n", `differs at line 2, column 1 (byte 2): "b" stored, "c" now`},
		{"a\nb\n", "a\n", `differs at line 2, column 1 (byte 2): "b" stored, the end now`},
		{"", "a", `differs at line 1, column 1 (byte 0): the end stored, "a" now`},
		{"\x00\x01", "\x00\x02", "differs at byte 1: 0x01 stored, 0x02 now"},
		{"\x00\x01", "\x00", "differs at byte 1: 0x01 stored, the end now"},
		{deep + "é1", deep + "é2", `differs at line 100001, column 2 (byte 500002): "é1" stored, "é2" now`},
		{strings.Repeat("x", 1<<20) + "1", strings.Repeat("x", 1<<20) + "2", "differs at byte 1048576: 0x31 stored, 0x32 now"},
		{"é", "è", `differs at line 1, column 1 (byte 1): "é" stored, "è" now`},
	} {
		d, err := Files(strings.NewReader(c.stored), strings.NewReader(c.now), nil)
		require.NoError(t, err)
		if assert.NotNil(t, d, c.want) {
			assert.Equal(t, c.want, d.String())
		}
		d, err = Files(strings.NewReader(c.stored), strings.NewReader(c.stored), nil)
		require.NoError(t, err)
		assert.Nil(t, d)
	}
	broken := errors.New("broken")
	_, err := Files(io.MultiReader(strings.NewReader("a"), iotest.ErrReader(broken)), strings.NewReader("ab"), nil)
	assert.ErrorIs(t, err, broken)
}

// A secret is never shown, nor is a part of it, wherever the difference is and wherever a text is cut.
func TestSecretsAreHidden(t *testing.T) {
	const secret = "c4n4ry-of-some-length\nover \"two\" l1n3s"
	parts := func(s string) {
		for i := 0; i+5 <= len(secret); i++ {
			if part := secret[i : i+5]; strings.Contains(s, part) || strings.Contains(s, strings.Trim(fmt.Sprintf("%q", part), `"`)) {
				t.Errorf("%q shows %q", s, part)
				return
			}
		}
	}
	r := NewRedactor([]string{secret, "", "x"})
	assert.Equal(t, "x is ***", r.Hide("x is "+secret))
	for n := range 200 {
		fill := strings.Repeat("fill. ", n)
		for _, p := range [][2]string{
			{fill + secret + "1", fill + secret + "2"},
			{fill + "1" + secret, fill + "2" + secret},
			{fill + "1" + fill + secret, fill + "2" + fill + secret},
			{fill + secret, fill + "other"},
			{fill + secret + secret, fill},
		} {
			d := Values(typeOf(""), p[0], p[1], r)
			require.NotNil(t, d)
			parts(d.String())
			d = Values(typeOf([]string{}), []string{p[0]}, []string{}, r)
			parts(d.String())
			d = Values(typeOf(map[string]string{}), map[string]string{p[0]: p[0]}, map[string]string{}, r)
			parts(d.String())
			f, err := Files(strings.NewReader(p[0]), strings.NewReader(p[1]), r)
			require.NoError(t, err)
			parts(f.String())
		}
	}
	pem := strings.Repeat("k3y-m4t3ri4l\n", 1000) // longer than what is made of a value
	r = NewRedactor([]string{pem})
	d := Values(typeOf([]string{}), []string{pem + pem, pem}, []string{}, r)
	assert.NotContains(t, d.String(), "k3y")
	d = Values(typeOf(""), "a"+pem, "b"+pem, r)
	assert.NotContains(t, d.String(), "k3y")
	d = Values(typeOf(""), pem, pem+"more", NewRedactor([]string{pem, pem + "more"}))
	assert.Equal(t, "differs: *** stored, another *** now", d.String())
}

func FuzzValues(f *testing.F) {
	f.Add([]byte("\x82\xa3Kids\xf6"), []byte("x"))
	typ := typeOf([]tree{})
	for _, v := range [][]tree{nil, {}, {{Name: "a", Kids: []tree{{}}}}, {{Up: &tree{Name: "b"}}, {}}} {
		a, err := codec.Encode(typ, v)
		require.NoError(f, err)
		b, err := codec.Encode(typ, append(v, tree{Name: "\xff"}))
		require.NoError(f, err)
		f.Add(a, b)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_, _ = Files(strings.NewReader(string(a)), strings.NewReader(string(b)), NewRedactor([]string{"abc"}))
		x, errA := codec.Decode(typ, a)
		y, errB := codec.Decode(typ, b)
		if errA != nil || errB != nil {
			return
		}
		d := Values(typ, x, y, nil)
		if (d == nil) != (string(a) == string(b)) {
			t.Fatalf("%x and %x: %v", a, b, d)
		}
	})
}
