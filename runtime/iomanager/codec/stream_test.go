package codec

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func written(t testing.TB, values ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := NewStreamWriter(&b, typeOf(values[0]))
	require.NoError(t, err)
	for _, v := range values {
		require.NoError(t, s.Write(pointerTo(v)))
	}
	require.NoError(t, s.Flush())
	return b.Bytes()
}

func pointerTo(v any) any {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	return p.Interface()
}

func read(data []byte, like any) (out []any, err error) {
	at := reflect.New(reflect.TypeOf(like))
	err = ReadStream(bytes.NewReader(data), typeOf(like), at.Interface(), func() bool {
		out = append(out, at.Elem().Interface())
		return true
	})
	return out, err
}

func TestStream(t *testing.T) {
	long := strings.Repeat("x", frameSize)
	for name, values := range map[string][]any{
		"one":     {1},
		"several": {point{1, 2}, point{3, 4}},
		"nil":     {[]int(nil), []int{}, []int{1}},
		"large":   {long, "", long + "y", "z"},
	} {
		t.Run(name, func(t *testing.T) {
			data := written(t, values...)
			got, err := read(data, values[0])
			require.NoError(t, err)
			assert.Equal(t, values, got)
			assert.Equal(t, data, written(t, values...), "it is always the same")
			for rest := data; len(rest) > 0; { // any CBOR tool reads it
				rest, err = cbor.UnmarshalFirst(rest, new(any))
				require.NoError(t, err)
			}
		})
	}
	got, err := read(nil, 1)
	require.NoError(t, err)
	assert.Empty(t, got)

	s, err := NewStreamWriter(io.Discard, typeOf(1))
	require.NoError(t, err)
	require.ErrorContains(t, s.Write(new(string)), "encode what a *string points to as int")
	require.ErrorContains(t, s.Write(1), "encode what a int points to as int")
	_, err = NewStreamWriter(io.Discard, typeOf(func() {}))
	require.ErrorContains(t, err, "a func cannot be stored")
	require.ErrorContains(t, ReadStream(nil, typeOf(func() {}), new(func()), nil), "a func cannot be stored")
}

// However long a stream is, a writer and a reader hold little of it.
func TestStreamHoldsLittle(t *testing.T) {
	const n = 300_000
	var b bytes.Buffer
	s, err := NewStreamWriter(&b, typeOf(0))
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, s.Write(&i))
		require.LessOrEqual(t, len(s.e.buf), frameSize+16)
	}
	require.NoError(t, s.Flush())
	assert.LessOrEqual(t, cap(s.e.buf)+cap(s.frame), 4*frameSize)

	total := b.Len()
	require.Greater(t, total, 15*frameSize)
	seen := 0
	var v int
	require.NoError(t, ReadStream(&b, typeOf(0), &v, func() bool {
		if v != seen {
			t.Errorf("%v instead of %d", v, seen)
		}
		seen++
		return seen < n/2
	}))
	assert.Equal(t, n/2, seen)
	assert.Greater(t, b.Len(), total/3, "what nobody asked for was not read")
}

func TestReadStreamRefuses(t *testing.T) {
	good := written(t, 1, 2)
	for name, data := range map[string][]byte{
		"no frame":      {1},
		"half a tag":    good[:1],
		"no length":     good[:2],
		"half a length": {0xd8, 0x18, majorBytes | 25, 1},
		"long length":   {0xd8, 0x18, majorBytes | 24, 2, majorArray | 1, 1},
		"no bytes":      {0xd8, 0x18, majorArray | 1, 1},
		"short":         good[:len(good)-1],
		"too large":     {0xd8, 0x18, majorBytes | 27, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"large, short":  {0xd8, 0x18, majorBytes | 26, 0x7f, 0xff, 0xff, 0xff, majorArray | 1, 1},
		"no array":      {0xd8, 0x18, majorBytes | 1, 1},
		"empty array":   {0xd8, 0x18, majorBytes | 1, majorArray},
		"other type":    written(t, "x"),
		"more":          {0xd8, 0x18, majorBytes | 3, majorArray | 1, 1, 2},
		"behind":        append(bytes.Clone(good), 0),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(data, 1)
			assert.ErrorIs(t, err, ErrEncoding)
		})
	}
	boom := errors.New("boom")
	for n := range len(good) {
		r := io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(boom))
		require.ErrorIs(t, ReadStream(r, typeOf(1), new(int), func() bool { return true }), boom, n)
	}
}

// FuzzReadStream: arbitrary bytes never panic, and what is read whole is what would be written, but for how it is cut into frames.
func FuzzReadStream(f *testing.F) {
	f.Add(written(f, point{1, 2}, point{3, 4}))
	f.Add(append(written(f, point{1, 2}), written(f, point{3, 4})...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := read(data, point{})
		if err != nil {
			require.ErrorIs(t, err, ErrEncoding)
			return
		}
		if len(values) == 0 {
			require.Empty(t, data)
			return
		}
		again, err := read(written(t, values...), point{})
		require.NoError(t, err)
		require.Equal(t, values, again)
	})
}
