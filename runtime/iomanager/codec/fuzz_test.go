package codec

import (
	"image"
	"image/color"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
)

// A sample has one field of each shape, so that a fuzzer that fills it reaches all of the codec.
type sample struct {
	B     bool
	I     int64
	I8    int8
	U     uint64
	F     float64
	G     float32
	C     complex64
	S     string
	D     []byte
	A     [3]uint16
	L     []*string
	M     map[string][]int32
	K     map[point]map[int8]bool
	P     **float32
	T     time.Time
	Names embeds
	Next  *sample
}

// FuzzDecode: arbitrary bytes never panic, and what is accepted is the one encoding of its value.
func FuzzDecode(f *testing.F) {
	types := []any{sample{}, map[string]int{}, []time.Time{}, []float32{}, mixed{}, []image.Image{}}
	for i, v := range types {
		data, err := Encode(typeOf(v), v)
		require.NoError(f, err)
		f.Add(uint8(i), data)
	}
	five := float32(5)
	p := &five
	s := sample{S: "x", D: []byte{1}, L: []*string{nil}, M: map[string][]int32{"a": nil}, K: map[point]map[int8]bool{{}: {1: true}}, P: &p, Next: &sample{}}
	s.T = time.Date(2024, 7, 1, 0, 0, 0, 0, berlin(f))
	data, err := Encode(typeOf(s), s)
	require.NoError(f, err)
	f.Add(uint8(0), data)
	data, err = Encode(typeOf([]time.Time{}), []time.Time{s.T, s.T.UTC(), s.T.In(time.FixedZone("x", 60))})
	require.NoError(f, err)
	f.Add(uint8(2), data)
	data, err = Encode(typeOf([]image.Image{}), []image.Image{image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.RGBA{}})})
	require.NoError(f, err)
	f.Add(uint8(5), data)
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		typ := typeOf(types[int(which)%len(types)])
		v, err := Decode(typ, data)
		if err != nil {
			return
		}
		require.NoError(t, cbor.Wellformed(data))
		again, err := Encode(typ, v)
		require.NoError(t, err)
		w, err := Decode(typ, again)
		require.NoError(t, err)
		third, err := Encode(typ, w)
		require.NoError(t, err)
		require.Equal(t, again, third)
		// A time may name a location in a way that Encode would not, and a marshaller may accept several texts for one value.
		if which%6 == 1 || which%6 == 3 || which%6 == 5 {
			require.Equal(t, data, again)
		}
	})
}

// fill sets v to something random of limited size.
func fill(r *rand.Rand, v reflect.Value, depth int) {
	switch v.Type() {
	case timeType:
		zones := []*time.Location{time.UTC, time.Local, time.FixedZone("here", int(r.Int31n(80000)-40000))}
		v.Set(reflect.ValueOf(time.Unix(int64(r.Uint64())>>r.Intn(64), r.Int63n(1e9)).In(zones[r.Intn(3)])))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 0 && r.Intn(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), depth-1)
		}
	case reflect.Slice:
		if n := r.Intn(4); n < 3 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(r, v.Index(i), depth-1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i), depth-1)
		}
	case reflect.Map:
		if n := r.Intn(5); n < 4 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(r, k, depth-1)
				fill(r, x, depth-1)
				v.SetMapIndex(k, x)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "inner" {
				fill(r, v.Field(i), depth)
			} else {
				fill(r, v.Field(i).Field(0), depth)
			}
		}
	case reflect.String:
		b := make([]byte, r.Intn(30))
		for i := range b {
			b[i] = byte(r.Intn(256))
		}
		v.SetString(string(b))
	default:
		if x, ok := quick.Value(v.Type(), r); ok && r.Intn(4) > 0 {
			v.Set(x)
		}
	}
}

func TestRandomValues(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for i := range 3000 {
		var s sample
		fill(r, reflect.ValueOf(&s).Elem(), 4)
		data, err := Encode(typeOf(s), s)
		require.NoError(t, err)
		require.NoError(t, cbor.Wellformed(data))
		got, err := Decode(typeOf(s), data)
		require.NoError(t, err, "value %d: %x", i, data)
		require.True(t, reflect.DeepEqual(s, got), "value %d\n%#v\n%#v", i, s, got)
		again, err := Encode(typeOf(s), got)
		require.NoError(t, err)
		require.Equal(t, data, again)
	}
}
