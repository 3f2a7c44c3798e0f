package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func typeOf(v any) *dag.Type {
	t := reflect.TypeOf(v)
	return &dag.Type{Name: t.String(), Go: t}
}

// roundTrip checks everything that is promised of one value and returns its encoding.
func roundTrip(t testing.TB, v any) []byte {
	t.Helper()
	typ := typeOf(v)
	data, err := Encode(typ, v)
	require.NoError(t, err)
	require.NoError(t, cbor.Wellformed(data), "%x", data)
	got, err := Decode(typ, data)
	require.NoError(t, err, "%x", data)
	again, err := Encode(typ, got)
	require.NoError(t, err)
	require.Equal(t, data, again)
	return data
}

type (
	shade   int
	label   string
	octets  []byte
	octet   byte
	inner   struct{ Name string }
	Outer   struct{ Name string }
	listing struct {
		Before int
		Next   *listing
		Others []listing
		ByName map[string]*listing
	}
	point  struct{ X, Y int32 }
	tagged struct {
		Hidden int            `json:"-"`
		Empty  []int          `json:"e,omitempty"`
		Map    map[string]int `json:"m,omitempty"`
		Quoted int            `json:",string"`
		_      int
	}
	embeds struct {
		inner // its fields are exported, its name is not
		Outer
		Name string // hides both
	}
	stamped struct {
		time.Time // brings a MarshalBinary that knows nothing of Count
		Count     int
	}
	mixed struct {
		Big   *big.Int
		Value big.Int
		Rat   *big.Rat
		Float *big.Float
		URL   *url.URL
		IP    net.IP
		Addr  netip.Addr
		ID    uuid.UUID
		Took  time.Duration
		Color shade
		Label label
		Raw   json.RawMessage
		Oct   octets
		Octs  []octet
		Arr   [3]byte
		Arr2  [2][]int
		PP    **int
		PS    *[]int
		PM    *map[string]int
		C     complex128
		C64   complex64
		Empty struct{}
		Keys  map[point]string
		Ptrs  []*int
		Times map[time.Time]int
		U     uintptr
	}
)

func berlin(t testing.TB) *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return loc
}

func ptr[T any](v T) *T { return &v }

func TestExact(t *testing.T) {
	five := 5
	pFive := &five
	nilInts := []int(nil)
	u, err := url.Parse("https://user:pass@example.com/a%2Fb?x=1#f")
	require.NoError(t, err)
	precise := new(big.Float).SetPrec(200)
	_, _ = precise.SetString("0.1")
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	values := []any{
		0, 1, -1, 23, 24, -24, -25, 255, 256, 65535, 65536, math.MaxInt64, math.MinInt64, int8(-128), int16(-300), uint64(math.MaxUint64), uint8(200),
		true, false, "", "text", "日本", "bad \xff utf-8", "nul \x00", label("x"), shade(-7),
		0.0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, float32(0.1), float32(math.Inf(-1)),
		1<<60 + 1, 2 + 3i, complex64(1 - 2i),
		[]int(nil), []int{}, []int{1, 2, 3}, []string{"", "a"}, [][]int{nil, {}, {1}}, []bool{true},
		[]byte(nil), []byte{}, []byte("abc"), octets(nil), octets{1}, []octet{1, 2}, [0]int{}, [3]string{"a", "", "c"}, [4]byte{1, 2, 3, 4}, [2]octet{9},
		map[string]int(nil), map[string]int{}, map[string]int{"b": 1, "a": 2, "aa": 3}, map[int]string{-1: "x", 1: "y"}, map[bool][]byte{true: nil},
		map[point][]float64{{1, 2}: {0.5}, {0, 0}: nil}, map[[2]string]struct{}{{"a", "b"}: {}}, map[float64]int{math.Inf(1): 1, 0: 2},
		(*int)(nil), &five, &pFive, (**int)(nil), ptr((*int)(nil)), &nilInts, ptr([]int{}), ptr(map[string]int(nil)), []*int{nil, &five}, ptr(0), ptr(""),
		struct{}{}, []struct{}{{}, {}}, point{1, -1}, tagged{Hidden: 1, Empty: []int{}, Map: map[string]int{}, Quoted: 3}, tagged{},
		embeds{inner{"a"}, Outer{"b"}, "c"}, &embeds{}, []embeds{{}},
		stamped{time.Unix(1, 2).UTC(), 7},
		listing{Before: 1, Next: &listing{Before: 2, Others: []listing{{}, {Before: 3}}}, ByName: map[string]*listing{"x": nil, "y": {Before: 4}}},
		mixed{}, mixed{
			Big: huge, Value: *huge, Rat: big.NewRat(1, 3), Float: precise, URL: u, IP: net.IPv4(1, 2, 3, 4).To4(), Addr: netip.MustParseAddr("fe80::1%eth0"),
			ID: uuid.MustParse("0190163d-8694-739b-aea5-966c26f8ad90"), Took: time.Minute, Color: 3, Label: "l", Raw: json.RawMessage("{}"), Oct: octets{}, Octs: []octet{},
			Arr: [3]byte{1}, Arr2: [2][]int{nil, {}}, PP: &pFive, PS: &nilInts, PM: ptr(map[string]int{}), C: 1i, C64: -1i, Keys: map[point]string{{}: "x"},
			Ptrs: []*int{nil, pFive}, Times: map[time.Time]int{time.Unix(5, 0).UTC(): 1}, U: 1 << 40,
		},
		time.Duration(math.MinInt64),
	}
	for _, v := range values {
		t.Run(fmt.Sprintf("%T", v), func(t *testing.T) {
			data := roundTrip(t, v)
			got, err := Decode(typeOf(v), data)
			require.NoError(t, err)
			require.True(t, reflect.DeepEqual(v, got), "%#v became %#v", v, got)
		})
	}
}

func TestExactFloats(t *testing.T) {
	for _, bits := range []uint64{0x7ff8000000000001, 0x7ff0000000000001, 0xfff8000000000000, 0x8000000000000000} {
		f := math.Float64frombits(bits)
		got, err := Decode(typeOf(f), roundTrip(t, f))
		require.NoError(t, err)
		assert.Equal(t, bits, math.Float64bits(got.(float64)))
	}
	type single float32
	for _, bits := range []uint32{0x7fc00001, 0x7f800001, 0xffc00000, 0x80000000} {
		f := math.Float32frombits(bits)
		got, err := Decode(typeOf(f), roundTrip(t, f))
		require.NoError(t, err)
		assert.Equal(t, bits, math.Float32bits(got.(float32)))
		got, err = Decode(typeOf([]single{}), roundTrip(t, []single{single(f)}))
		require.NoError(t, err)
		assert.Equal(t, bits, math.Float32bits(float32(got.([]single)[0])))
	}
	nan := math.NaN()
	m := map[float64]int{nan: 2, 1: 1}
	m[nan] = 1
	got, err := Decode(typeOf(m), roundTrip(t, m))
	require.NoError(t, err)
	assert.Len(t, got, 3)
}

func TestTimes(t *testing.T) {
	summer, winter := time.Date(2024, 7, 1, 12, 0, 0, 999_999_999, berlin(t)), time.Date(2024, 1, 1, 0, 0, 0, 0, berlin(t))
	parsed, err := time.Parse(time.RFC3339Nano, "2024-02-29T23:59:59.123456789+05:45")
	require.NoError(t, err)
	gmt5, err := time.LoadLocation("Etc/GMT+5")
	require.NoError(t, err)
	cet, err := time.LoadLocation("CET")
	require.NoError(t, err)
	tests := []time.Time{
		{}, time.Unix(0, 0).UTC(), summer, winter, parsed, time.Now(), time.Now().Round(0), time.Now().UTC(), time.Date(-500, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(123456, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(math.MaxInt64, 0).UTC(), time.Unix(math.MinInt64, 5).UTC(),
		time.Date(2024, 7, 1, 0, 0, 0, 0, time.FixedZone("CET", 3600)), time.Date(2024, 7, 1, 0, 0, 0, 0, cet), time.Date(1800, 7, 1, 0, 0, 0, 0, berlin(t)),
		time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("UTC", 0)), time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", -3601)),
		time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("Local", 7200)), time.Date(2024, 1, 1, 0, 0, 0, 0, gmt5),
	}
	for _, want := range tests {
		t.Run(want.String(), func(t *testing.T) {
			v, err := Decode(typeOf(want), roundTrip(t, want))
			require.NoError(t, err)
			got := v.(time.Time)
			assert.True(t, want.Equal(got))
			assert.Equal(t, want.Round(0).String(), got.String())
			assert.Equal(t, want.Location().String(), got.Location().String())
			assert.Equal(t, want.AddDate(0, 6, 0).Round(0).String(), got.AddDate(0, 6, 0).String(), "the rules of the location came along")
			if want.Location() == time.UTC || want.Location() == time.Local {
				assert.True(t, want.Round(0) == got, "identical, not only equal")
			}
		})
	}
	a, err := Encode(typeOf(summer), summer)
	require.NoError(t, err)
	b, err := Encode(typeOf(summer), summer.UTC())
	require.NoError(t, err)
	assert.NotEqual(t, a, b, "the location counts")
}

func TestUnknownLocation(t *testing.T) {
	e := encoder{}
	e.head(majorArray, 5)
	e.instant(time.Unix(1_000_000_000, 0))
	e.int(4500)
	e.buf = appendText(e.buf, "MST")
	e.buf = appendText(e.buf, "Moon/Sea of Tranquillity")
	v, err := Decode(typeOf(time.Time{}), e.buf)
	require.NoError(t, err)
	assert.Equal(t, "2001-09-09 03:01:40 +0115 MST", v.(time.Time).String())
}

func TestCanonical(t *testing.T) {
	// Field order, type names and tags do not count; field names do.
	type a struct {
		B string
		A int `json:"x"`
	}
	type b struct {
		A int
		B string `json:"-"`
	}
	assert.Equal(t, roundTrip(t, a{"x", 1}), roundTrip(t, b{1, "x"}))
	assert.Equal(t, "a2614101614261"+"78", fmt.Sprintf("%x", roundTrip(t, b{1, "x"})))
	// A general CBOR library reads it.
	var m map[string]any
	require.NoError(t, cbor.Unmarshal(roundTrip(t, b{1, "x"}), &m))
	assert.Equal(t, map[string]any{"A": uint64(1), "B": "x"}, m)
	// Map order is not seen.
	big := map[string]int{}
	for i := range 1000 {
		big[fmt.Sprint(i)] = i
	}
	first := roundTrip(t, big)
	for range 5 {
		assert.Equal(t, first, roundTrip(t, big))
	}
	// What differs differs.
	seen := map[string]any{}
	for _, v := range []any{[]int(nil), []int{}, []int{0}, [][]int{{}, {}}, [][]int{nil, {}}, [][]int{{}, nil}, [][]int{{0}, {}}} {
		data := string(roundTrip(t, v))
		assert.NotContains(t, seen, data)
		seen[data] = v
	}
}

type (
	fails  struct{ x int }
	panics struct{ x int }
	once   struct{ x int }
)

var errFails = errors.New("cannot")

func (fails) MarshalText() ([]byte, error)   { return nil, errFails }
func (*fails) UnmarshalText([]byte) error    { return errFails }
func (panics) MarshalText() ([]byte, error)  { panic("oh") }
func (*panics) UnmarshalText([]byte) error   { panic("no") }
func (once) MarshalBinary() ([]byte, error)  { return nil, nil } // no way back
func (once) Unrelated(int) (string, float64) { return "", 0 }

func TestRefused(t *testing.T) {
	type deep struct {
		Rows []map[string]struct{ Fn func() }
	}
	type withMutex struct{ mu struct{ state int } }
	type withPointer struct{ *inner }
	for _, tt := range []struct {
		v    any
		want string
	}{
		{deep{}, "codec.deep.Rows[][].Fn: a func cannot be stored"},
		{[]any{}, "[]interface {}[]: an interface (interface {}) cannot be stored; use a concrete type"},
		{struct{ E error }{}, "E: an interface (error) cannot be stored"},
		{make(chan int), "a chan cannot be stored"},
		{withMutex{}, "codec.withMutex.mu: an unexported field cannot be stored; export it, or give codec.withMutex MarshalBinary and UnmarshalBinary"},
		{withPointer{}, "codec.withPointer.inner: an unexported field"},
		{once{}, "codec.once.x: an unexported field"},
		{map[string]dag.File{}, "map[string]dag.File[]: a dag.File inside a value cannot be stored; make it an output of its own"},
		{struct{ S dag.Secret }{}, ".S: a dag.Secret is never stored"},
		{map[fails]chan int{}, "a chan cannot be stored"},
	} {
		err := Check(reflect.TypeOf(tt.v))
		require.ErrorContains(t, err, tt.want)
		_, err = Encode(typeOf(tt.v), tt.v)
		require.ErrorContains(t, err, tt.want)
		_, err = Decode(typeOf(tt.v), []byte{null})
		require.ErrorContains(t, err, tt.want)
	}
	_, err := Encode(typeOf(fails{}), fails{})
	require.ErrorIs(t, err, errFails)
	_, err = Encode(typeOf(panics{}), panics{})
	require.ErrorContains(t, err, "codec.panics: a method that stores or reads it panicked: oh")
	_, err = Decode(typeOf(panics{}), appendText(nil, "x"))
	require.ErrorContains(t, err, "panicked: no")
	_, err = Decode(typeOf(fails{}), appendText(nil, "x"))
	require.ErrorIs(t, err, errFails)
	_, err = Encode(typeOf(1), "x")
	require.EqualError(t, err, "encode a string as int")
	data, err := Encode(typeOf([]int{}), nil)
	require.NoError(t, err)
	assert.Equal(t, []byte{null}, data, "an untyped nil is the zero value")
}

func TestCycleIsAnError(t *testing.T) {
	l := &listing{}
	l.Next = l
	_, err := Encode(typeOf(l), l)
	require.ErrorContains(t, err, "does it contain itself?")
	type self []self
	s := self{nil}
	s[0] = s
	_, err = Encode(typeOf(s), s)
	require.ErrorContains(t, err, "does it contain itself?")
	type again map[string]again
	m := again{}
	m["x"] = m
	_, err = Encode(typeOf(m), m)
	require.ErrorContains(t, err, "does it contain itself?")
}

// A type whose codec was first made as part of one that cannot be stored must not be kept half made.
func TestFailedTypeLeavesNothingBehind(t *testing.T) {
	type leaf struct{ N int }
	type bad struct {
		L  *leaf
		Up *struct{ B []leaf }
		F  func()
	}
	require.Error(t, Check(reflect.TypeFor[bad]()))
	require.Error(t, Check(reflect.TypeFor[[]bad]()))
	roundTrip(t, leaf{3})
	roundTrip(t, []leaf{{3}})
}

func TestDecodeRefuses(t *testing.T) {
	valid := roundTrip(t, map[string]int{"a": 1, "b": 300})
	for n := range valid {
		_, err := Decode(typeOf(map[string]int{}), valid[:n])
		require.ErrorIs(t, err, ErrEncoding, "cut after %d bytes", n)
	}
	for _, tt := range []struct {
		v    any
		data string
		want string
	}{
		{0, "\x00\x00", "1 bytes too many"},
		{0, "\x18\x05", "shortest form"},
		{0, "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "beyond 64 bits"},
		{int8(0), "\x18\x80", "128 does not fit into int8"},
		{uint8(0), "\x19\x01\x00", "256 does not fit into uint8"},
		{uint(0), "\x20", "an item of type 1 instead of 0"},
		{"", "\x41a", "bytes that are"},
		{"", "\x61\xff", "not UTF-8"},
		{"", "\x7f", "unknown item"},
		{true, "\x00", "no bool"},
		{[]int{}, "\x9a\xff\xff\xff\xff", "ends early"},
		{[2]int{}, "\x81\x00", "an array of 1 elements for [2]int"},
		{[2]byte{}, "\x41\x00", "1 bytes for [2]uint8"},
		{map[string]int{}, "\xa2\x61b\x00\x61a\x00", "not in order"},
		{map[string]int{}, "\xa2\x61a\x00\x61a\x01", "occurs twice"},
		{point{}, "\xa1\x61X\x00", "not a struct of 2 fields"},
		{point{}, "\xa2\x61X\x00\x61Z\x00", "no field codec.point.Y where it should be"},
		{time.Time{}, "\x83\x00\x00\x00", "a time of 3 parts"},
		{time.Time{}, "\x82\x00\x1a\x3b\x9a\xca\x00", "more than a second"},
		{complex64(0), "\x82\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a\xfb\x00\x00\x00\x00\x00\x00\x00\x00", "does not fit into complex64"},
		{float32(0), "\xfb\x00\x00\x00\x00\x00\x00\x00\x00", "no float32"},
		{ptr((*int)(nil)), "\x82\xf6\xf6", "array of one element"},
	} {
		_, err := Decode(typeOf(tt.v), []byte(tt.data))
		require.ErrorIs(t, err, ErrEncoding)
		require.ErrorContains(t, err, tt.want)
	}
}

func TestDecodedValuesShareNothing(t *testing.T) {
	data := roundTrip(t, []byte("abc"))
	a, err := Decode(typeOf([]byte{}), data)
	require.NoError(t, err)
	a.([]byte)[0] = 'x'
	b, err := Decode(typeOf([]byte{}), data)
	require.NoError(t, err)
	assert.Equal(t, "abc", string(b.([]byte)))
}
