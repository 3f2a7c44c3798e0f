package codec

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJSON(t *testing.T) {
	type row struct {
		City  string `json:"city"`
		Means []float64
		Any   *int
	}
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"struct":       {row{"oslo \"x\"", []float64{1.5, -0.25, 1e300}, nil}, `{"Any":null,"City":"oslo \"x\"","Means":[1.5,-0.25,1e+300]}`},
		"whole":        {[]int64{0, -1, math.MinInt64, math.MaxInt64}, `[0,-1,-9223372036854775808,9223372036854775807]`},
		"unsigned":     {uint64(math.MaxUint64), `18446744073709551615`},
		"no numbers":   {[]float64{math.NaN(), math.Inf(1), math.Inf(-1)}, `["NaN","Infinity","-Infinity"]`},
		"single":       {float32(0.1), `0.1`},
		"bytes":        {[]byte("hi"), `"aGk="`},
		"not UTF-8":    {"\xff", `"/w=="`},
		"text keys":    {map[string]bool{"b": true, "a": false}, `{"a":false,"b":true}`},
		"number keys":  {map[int]string{-1: "x", 2: "y"}, `{"2":"y","-1":"x"}`},
		"struct keys":  {map[point]int{{1, 2}: 3}, `{"{\"X\":1,\"Y\":2}":3}`},
		"nil":          {[]string(nil), `null`},
		"empty":        {[]string{}, `[]`},
		"time":         {time.Unix(5, 6).UTC(), `[5,6]`},
		"line breaks":  {"a\u2028b\n", `"a\u2028b\n"`},
		"complex":      {complex(1, 2), `[1,2]`},
		"empty struct": {struct{}{}, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := Encode(typeOf(tt.v), tt.v)
			require.NoError(t, err)
			got, err := JSON(data)
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(got))
			assert.True(t, json.Valid(got))
		})
	}
}

func TestJSONRefuses(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":     {},
		"short":       {majorText | 3, 'a'},
		"too much":    {null, null},
		"many":        {majorArray | 26, 0xff, 0xff, 0xff, 0xff},
		"unknown":     {0xff},
		"tag":         {0xc0, 0},
		"no UTF-8":    {majorText | 1, 0xff},
		"half a pair": {majorMap | 1, majorUint},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := JSON(data)
			assert.ErrorIs(t, err, ErrEncoding)
		})
	}
	_, err := JSON(make([]byte, 0))
	assert.ErrorIs(t, err, ErrEncoding)
	deep := make([]byte, maxDepth+1)
	for i := range deep {
		deep[i] = majorArray | 1
	}
	_, err = JSON(deep)
	assert.ErrorIs(t, err, errDepth)
}

// FuzzJSON: whatever the bytes are, what is shown is JSON, and what can be decoded can be shown.
func FuzzJSON(f *testing.F) {
	for _, v := range []any{sample{S: "x", K: map[point]map[int8]bool{{}: {1: true}}}, map[string]int{"a": 1}, []float32{1}, []time.Time{time.Unix(1, 2)}} {
		data, err := Encode(typeOf(v), v)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := JSON(data)
		if err == nil {
			require.True(t, json.Valid(out), "%s", out)
			return
		}
		require.ErrorIs(t, err, ErrEncoding)
		if _, err := Decode(typeOf(sample{}), data); err == nil {
			t.Fatal("it can be decoded and not shown")
		}
	})
}
