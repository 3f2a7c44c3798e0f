package versionhash

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
)

// fill gives every field of a value something of its own, so that a field that is not written is missed.
func fill(v reflect.Value, r *rand.Rand, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*load.Package]() {
			return // it has no end
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), r, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			fill(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem(), r, depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(3), 3))
		for i := range v.Len() {
			fill(v.Index(i), r, depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r, depth+1)
		}
	case reflect.Map, reflect.Func:
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", r.IntN(1000)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(1 + r.IntN(int(keyLink))))
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(1 + r.IntN(1000)))
	default:
		panic(v.Type().String())
	}
}

// mend makes a filled summary one that a scan could have made.
func mend(s *summary) {
	s.pkg, s.problems, s.lazy, s.ignored, s.without, s.value = -1, nil, nil, "", nil, ""
	s.needs, s.with = nil, nil
	for _, l := range [][]key{s.refs, s.text, s.states, s.entry} {
		for i := range l {
			l[i] = mendKey(l[i])
		}
	}
	s.key = mendKey(s.key)
}

func mendKey(k key) key {
	if k.kind != keyObject {
		k.sort = 0
	}
	return k
}

func TestSummariesAreWrittenWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		p := &packageSummary{}
		fill(reflect.ValueOf(p).Elem(), r, 0)
		p.consts = map[key]*summary{}
		for _, s := range p.out {
			mend(s)
		}
		for i := range p.pushes {
			p.pushes[i].from = mendKey(p.pushes[i].from)
		}
		for range 2 {
			s := &summary{}
			fill(reflect.ValueOf(s).Elem(), r, 0)
			mend(s)
			p.consts[s.key] = s
		}
		data, ok := p.encode()
		require.True(t, ok)
		again, err := decodeSummary(data)
		require.NoError(t, err)
		require.Equal(t, p, again)
		twice, ok := again.encode()
		require.True(t, ok)
		require.Equal(t, data, twice)
	}
}

// What is not a matter of the package alone is not written.
func TestSummariesThatAreNotWritten(t *testing.T) {
	for _, s := range []*summary{
		{problems: []problem{{text: "x"}}}, {ignored: "x"}, {without: []Left{{}}}, {needs: []key{{}}}, {with: []string{"x"}}, {value: "x"}, {lazy: &load.Package{}},
	} {
		_, ok := (&packageSummary{out: []*summary{s}}).encode()
		assert.False(t, ok, "%+v", s)
	}
}

func FuzzDecodeSummary(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	p := &packageSummary{}
	fill(reflect.ValueOf(p).Elem(), r, 0)
	p.consts = nil
	for _, s := range p.out {
		mend(s)
	}
	data, _ := p.encode()
	f.Add(data)
	f.Add([]byte{summaryVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodeSummary(b)
		if err != nil {
			return
		}
		data, ok := p.encode()
		require.True(t, ok)
		again, err := decodeSummary(data)
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}
