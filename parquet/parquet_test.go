package parquet

import (
	"bytes"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type city struct {
	Name string
	Pop  *int64
}

type named string

type base struct{ ID int }

type everything struct {
	base
	B    bool
	I    int
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	F32  float32
	F64  float64
	S    named `parquet:"text"`
	Raw  []byte
	Hash [4]byte
	At   time.Time
	For  time.Duration
	P    *string
	PS   *city
	L    []int
	LL   [][]*int16
	LS   []city
	LB   [][]byte
	A    [2]city
	M    map[string]float64
	MI   map[int8][]named
	MS   map[bool]city
	C    city
	_    int
}

func ptr[T any](v T) *T { return &v }

// write stores rows, which is a slice, and returns the file.
func write(t testing.TB, rows any) []byte {
	t.Helper()
	b, err := tryWrite(rows)
	require.NoError(t, err)
	return b
}

func tryWrite(rows any) ([]byte, error) {
	v := reflect.ValueOf(rows)
	var b bytes.Buffer
	w, err := Format{}.NewWriter(&b, v.Type().Elem())
	if err != nil {
		return nil, err
	}
	if v.IsNil() {
		w.SetNil()
	}
	for i := range v.Len() {
		if err := w.Write(v.Index(i)); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return b.Bytes(), err
}

// read gives the rows of a file as a []row.
func read(data []byte, row reflect.Type) (any, error) {
	r, err := Format{}.NewReader(bytes.NewReader(data), int64(len(data)), row)
	if err != nil {
		return nil, err
	}
	rows := reflect.Zero(reflect.SliceOf(row))
	if !r.IsNil() {
		rows = reflect.MakeSlice(rows.Type(), 0, 0)
	}
	for {
		v := reflect.New(row).Elem()
		switch err := r.Read(v); err {
		case nil:
			rows = reflect.Append(rows, v)
		case io.EOF:
			return rows.Interface(), r.Close()
		default:
			_ = r.Close()
			return nil, err
		}
	}
}

func samples() []everything {
	full := everything{
		base: base{7}, B: true, I: math.MinInt, I8: math.MinInt8, I16: math.MaxInt16, I32: math.MinInt32, I64: math.MaxInt64,
		U: math.MaxUint, U8: math.MaxUint8, U16: math.MaxUint16, U32: math.MaxUint32, U64: math.MaxUint64,
		F32: math.MaxFloat32, F64: math.Copysign(0, -1), S: "Zürich", Raw: []byte{0, 255}, Hash: [4]byte{1, 2, 3, 4},
		At: time.Date(2001, 1, 1, 2, 3, 4, 999_999_999, time.UTC), For: time.Hour, P: ptr(""), PS: &city{"a", ptr(int64(0))},
		L: []int{1, 2, 3}, LL: [][]*int16{nil, {}, {nil, ptr(int16(5))}}, LS: []city{{"x", nil}, {"", ptr(int64(-1))}}, LB: [][]byte{nil, {}, {1}},
		A: [2]city{{"one", nil}, {"two", ptr(int64(2))}}, M: map[string]float64{"b": 2, "a": 1, "": math.Inf(-1)},
		MI: map[int8][]named{-1: nil, 1: {}, 0: {"q"}}, MS: map[bool]city{true: {"t", nil}, false: {"f", ptr(int64(1))}}, C: city{"c", nil},
	}
	empty := everything{At: time.Unix(0, 0).UTC(), Raw: []byte{}, L: []int{}, LL: [][]*int16{}, LS: []city{}, LB: [][]byte{}, M: map[string]float64{}, MI: map[int8][]named{}, MS: map[bool]city{}}
	none := everything{At: time.Unix(0, 0).UTC()}
	return []everything{full, empty, none, full}
}

func TestRoundTrip(t *testing.T) {
	var many []everything
	for len(many) < 3*batchRows {
		many = append(many, samples()...)
	}
	for name, rows := range map[string]any{
		"every type": samples(), "many": many, "nil": []everything(nil), "empty": []everything{}, "one": []city{{"x", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			data := write(t, rows)
			got, err := read(data, reflect.TypeOf(rows).Elem())
			require.NoError(t, err)
			assert.Equal(t, rows, got)
			assert.True(t, reflect.DeepEqual(rows, got))
			assert.Equal(t, data, write(t, rows), "equal rows give equal bytes")
		})
	}
}

// All bits of a float are kept, also those that say nothing.
func TestFloatBits(t *testing.T) {
	type row struct {
		F float32
		D float64
	}
	rows := []row{{math.Float32frombits(0x7f800001), math.Float64frombits(0x7ff0000000000001)}, {math.Float32frombits(0xffc12345), math.Float64frombits(0xfff8123456789abc)}}
	got, err := read(write(t, rows), reflect.TypeFor[row]())
	require.NoError(t, err)
	for i, r := range got.([]row) {
		assert.Equal(t, math.Float32bits(rows[i].F), math.Float32bits(r.F))
		assert.Equal(t, math.Float64bits(rows[i].D), math.Float64bits(r.D))
	}
}

// A row is not kept: who makes rows may use the memory again.
func TestRowsAreNotKept(t *testing.T) {
	type row struct {
		Raw  []byte
		Hash [2]byte
	}
	var b bytes.Buffer
	w, err := Format{}.NewWriter(&b, reflect.TypeFor[row]())
	require.NoError(t, err)
	r := row{Raw: []byte("a")}
	for i := range 3 {
		r.Raw[0], r.Hash[1] = byte('a'+i), byte(i)
		require.NoError(t, w.Write(reflect.ValueOf(&r).Elem()))
	}
	require.NoError(t, w.Close())
	got, err := read(b.Bytes(), reflect.TypeFor[row]())
	require.NoError(t, err)
	assert.Equal(t, []row{{[]byte("a"), [2]byte{0, 0}}, {[]byte("b"), [2]byte{0, 1}}, {[]byte("c"), [2]byte{0, 2}}}, got)
}

// Values that would come back as others are errors, with the way to the part.
func TestRefusesValues(t *testing.T) {
	type leg struct{ From string }
	type row struct {
		Legs []leg
		At   time.Time
		By   map[string]leg
	}
	good := time.Unix(0, 0).UTC()
	for want, r := range map[string]row{
		".Legs[1].From: text that is not UTF-8":                                   {Legs: []leg{{"a"}, {"\xff"}}, At: good},
		".By[b].From: text that is not UTF-8":                                     {By: map[string]leg{"a": {}, "b": {"\xff"}}, At: good},
		".At: the zero time, and Parquet keeps those from 1677 to 2262":           {},
		".At: a time of the year 1600, and Parquet keeps those from 1677 to 2262": {At: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)},
		".At: a time in CET, and Parquet keeps no location; store it in UTC":      {At: good.In(time.FixedZone("CET", 3600))},
	} {
		_, err := tryWrite([]row{r})
		assert.ErrorContains(t, err, want)
	}
}

func TestRefusesTypes(t *testing.T) {
	type self struct{ Next *self }
	type twice struct {
		A int `parquet:"x"`
		B int `parquet:"x"`
	}
	for want, row := range map[string]any{
		"int is no struct":                       0,
		"time.Time is no struct":                 time.Time{},
		".Next: parquet.self contains itself":    self{},
		".B: another field is the column \"x\"":  twice{},
		".C: Parquet has nothing for complex128": struct{ C complex128 }{},
		".F: Parquet has nothing for func()":     struct{ F func() }{},
		".A: Parquet has nothing for":            struct{ A any }{},
		".P: of a *[]int, null would be":         struct{ P *[]int }{},
		".M: float64 is no key of a map":         struct{ M map[float64]int }{},
		".M[]: Parquet has nothing for chan int": struct{ M map[int]chan int }{},
		".L[].X: Parquet has nothing for":        struct{ L []struct{ X any } }{},
		".A: [0]int holds nothing":               struct{ A [0]int }{},
		".E: a struct without fields":            struct{ E struct{} }{},
		"a struct without fields has no columns": struct{}{},
		".x: an unexported field":                struct{ x int }{},
		`.L: its tag parquet:"-" leaves it out`: struct {
			L int `parquet:"-"`
		}{},
		`.O: the option "optional" of its tag`: struct {
			O int `parquet:"o,optional"`
		}{},
	} {
		_, err := Format{}.NewWriter(io.Discard, reflect.TypeOf(row))
		assert.ErrorContains(t, err, want)
		_, err = Format{}.NewReader(strings.NewReader(""), 0, reflect.TypeOf(row))
		assert.ErrorContains(t, err, want)
	}
}

// What was stored as other rows, and what is no file of ours, is an error.
func TestReaderRefuses(t *testing.T) {
	data := write(t, []city{{"a", nil}, {"b", ptr(int64(1))}})
	_, err := read(data, reflect.TypeFor[base]())
	require.ErrorContains(t, err, "a table of other columns than parquet.base")
	for n := 0; n < len(data); n += 5 {
		_, err := read(data[:n], reflect.TypeFor[city]())
		require.Error(t, err, n)
		broken := bytes.Clone(data)
		broken[n] ^= 0xff
		if got, err := read(broken, reflect.TypeFor[city]()); err == nil { // bytes of metadata that nobody reads
			require.Len(t, got, 2)
		}
	}
}

// However long a table is, a writer holds one row group of it and a reader a page of each column.
func TestRowGroups(t *testing.T) {
	type row struct{ Text string }
	long := strings.Repeat("x", 1<<20)
	rows := make([]row, 40)
	for i := range rows {
		rows[i].Text = long + string(rune('a'+i%26))
	}
	data := write(t, rows)
	r, err := newReader(bytes.NewReader(data), int64(len(data)), reflect.TypeFor[row]())
	require.NoError(t, err)
	assert.Len(t, r.file.RowGroups(), 2, "of 32 MiB each")
	got, err := read(data, reflect.TypeFor[row]())
	require.NoError(t, err)
	assert.Equal(t, rows, got)
	w := &writer{}
	w.err = io.ErrClosedPipe
	require.ErrorIs(t, w.Write(reflect.Value{}), io.ErrClosedPipe)
	require.NoError(t, w.Close(), "its error was returned")
}

// FuzzReader: arbitrary bytes never panic.
func FuzzReader(f *testing.F) {
	f.Add(write(f, []city{{"a", nil}, {"b", ptr(int64(1))}}))
	f.Add([]byte("PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := read(data, reflect.TypeFor[city]())
		if err != nil {
			return
		}
		_, err = tryWrite(rows)
		_ = err // text that is not UTF-8 may have been in it
	})
}
