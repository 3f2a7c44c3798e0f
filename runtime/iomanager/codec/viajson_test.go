package codec

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	jsonInner struct {
		City string `json:"city"`
	}
	jsonRow struct {
		jsonInner
		Mean  float64           `json:"mean"`
		Small float32           `json:"small,omitzero"`
		Raw   []byte            `json:"raw"`
		Tags  map[string]string `json:"tags"`
		At    time.Time         `json:"at"`
		Next  *jsonRow          `json:"next"`
	}
	jsonLossy struct {
		Kept int
		Gone string `json:"-"`
		Bare []int  `json:"bare,omitempty"`
	}
	jsonPanics struct{ N int }
	jsonRounds struct{ N int }
)

type jsonFlat struct {
	M    float64 `json:"m,omitempty"`
	S    string
	F    []float32
	Tags map[string]uint64 `json:"tags"`
	L    [][]byte          `json:"l,omitzero"`
	P    *int8
	A    [3]uint16
	K    map[int64]string
}

func (jsonPanics) MarshalJSON() ([]byte, error)  { panic("boom") }
func (*jsonPanics) UnmarshalJSON([]byte) error   { return nil }
func (jsonRounds) MarshalJSON() ([]byte, error)  { return []byte("5"), nil }
func (r *jsonRounds) UnmarshalJSON([]byte) error { r.N = 5; return nil }

func viaJSON(t testing.TB, v any) ([]byte, error) {
	data, err := Encode(typeOf(v), v)
	require.NoError(t, err)
	return EncodeJSON(typeOf(v), v, data)
}

func TestJSONRoundTrip(t *testing.T) {
	at := time.Date(2024, 7, 1, 12, 0, 0, 5, time.UTC)
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"struct": {jsonRow{jsonInner{"oslo <&>"}, 0.1, 0, []byte("hi"), map[string]string{"b": "", "a": "x"}, at, &jsonRow{}},
			`{"city":"oslo <&>","mean":0.1,"raw":"aGk=","tags":{"a":"x","b":""},"at":"2024-07-01T12:00:00.000000005Z","next":{"city":"","mean":0,"raw":null,"tags":null,"at":"0001-01-01T00:00:00Z","next":null}}`},
		"nil":           {[]int(nil), `null`},
		"empty":         {[]int{}, `[]`},
		"negative zero": {math.Copysign(0, -1), `-0`},
		"large":         {[]int64{math.MaxInt64, math.MinInt64}, `[9223372036854775807,-9223372036854775808]`},
		"keys":          {map[int8]bool{-1: true}, `{"-1":true}`},
		"own method":    {jsonRounds{5}, `5`},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := viaJSON(t, tt.v)
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(text))
			back, canonical, err := DecodeJSON(typeOf(tt.v), text)
			require.NoError(t, err)
			assert.Equal(t, tt.v, back)
			data, err := Encode(typeOf(tt.v), tt.v)
			require.NoError(t, err)
			assert.Equal(t, data, canonical)
		})
	}
}

// What JSON would change is an error with the path to it, before anything is stored.
func TestJSONIsExactOrAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"NaN":         {[]jsonRow{{}, {Next: &jsonRow{Mean: math.NaN()}}}, `[1].Next.Mean: JSON has no NaN`},
		"infinity":    {map[string][]float32{"b": {float32(math.Inf(-1))}}, `[b][0]: JSON has no -Inf`},
		"not UTF-8":   {[]string{"a", "\xff"}, `[1]: it is "\xff", and JSON gives back "�"`},
		"key":         {map[string]int{"\xff": 1}, "[\xff]: JSON gives back no such key"},
		"location":    {[]jsonRow{{At: time.Unix(0, 0).In(berlin(t))}}, `[0].At: a time in Europe/Berlin, and JSON keeps no location`},
		"local":       {time.Unix(0, 0), `a time in Local`},
		"left out":    {jsonLossy{1, "x", nil}, `.Gone: it is "x", and JSON gives back ""`},
		"emptied":     {[]jsonLossy{{Bare: []int{}}}, `[0].Bare: it is empty, and JSON gives back nil`},
		"own method":  {[]jsonRounds{{5}, {6}}, `[1].N: it is 6, and JSON gives back 5`},
		"panic":       {[]jsonPanics{{1}}, `panicked: boom`},
		"two nils":    {struct{ P *[]int }{new([]int)}, `.P: it is a pointer, and JSON gives back nil`},
		"complex":     {struct{ C complex64 }{1}, `unsupported type: complex64`},
		"struct keys": {map[point]int{{}: 1}, `unsupported type`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := viaJSON(t, tt.v)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
			assert.Contains(t, err.Error(), "as JSON: ")
		})
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	for _, text := range []string{``, `{`, `[1,"x"]`, `[1] [2]`} {
		_, _, err := DecodeJSON(typeOf([]int{}), []byte(text))
		assert.ErrorIs(t, err, ErrEncoding, text)
	}
	_, _, err := DecodeJSON(typeOf(jsonPanics{}), []byte(`{}`))
	require.NoError(t, err)
}

// Whatever the value: it comes back as it was, or storing it is an error.
func TestJSONProperty(t *testing.T) {
	check := func(r jsonFlat, l jsonLossy, keys map[int32][]string) bool {
		for _, v := range []any{r, l, keys} {
			text, err := viaJSON(t, v)
			if err != nil {
				continue
			}
			back, _, err := DecodeJSON(typeOf(v), text)
			if err != nil || !reflect.DeepEqual(back, v) {
				t.Log(errors.Join(err, errors.New(string(text))))
				return false
			}
		}
		return true
	}
	require.NoError(t, quick.Check(check, &quick.Config{MaxCount: 300}))
}
