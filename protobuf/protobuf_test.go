package protobuf

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

func typeOf(v any) *dag.Type {
	t := reflect.TypeOf(v)
	return &dag.Type{Name: t.String(), Go: t}
}

func document(t testing.TB) *structpb.Struct {
	s, err := structpb.NewStruct(map[string]any{"city": "Tromsø", "mean": 2.9, "days": []any{1, nil, true}, "a": map[string]any{"z": 1, "b": 2, "c": "x"}})
	require.NoError(t, err)
	return s
}

// Promise: a message comes back equal to what it was, its bytes are those of its wire format, and equal messages have equal bytes.
func TestMessages(t *testing.T) {
	packed, err := anypb.New(durationpb.New(time.Hour))
	require.NoError(t, err)
	unknown := &emptypb.Empty{}
	require.NoError(t, proto.Unmarshal([]byte{0x9a, 0x06, 3, 'a', 'b', 'c'}, unknown))
	for name, m := range map[string]proto.Message{
		"struct": document(t), "empty": &emptypb.Empty{}, "unknown fields": unknown, "any": packed, "time": timestamppb.New(time.Unix(1, 2)),
		"infinity": wrapperspb.Double(math.Inf(1)), "proto2": &descriptorpb.UninterpretedOption_NamePart{NamePart: proto.String("x"), IsExtension: proto.Bool(false)},
	} {
		t.Run(name, func(t *testing.T) {
			typ := typeOf(m)
			require.NoError(t, codec.Check(typ.Go))
			canonical, err := codec.Encode(typ, m)
			require.NoError(t, err)
			for range 20 { // maps have another order each time
				again, err := codec.Encode(typ, proto.Clone(m))
				require.NoError(t, err)
				require.Equal(t, canonical, again)
			}
			got, err := codec.Decode(typ, canonical)
			require.NoError(t, err)
			assert.True(t, proto.Equal(m, got.(proto.Message)), "%v", got)
			assert.NotSame(t, m, got)

			wire, err := codec.EncodeMessage(typ, m, canonical)
			require.NoError(t, err)
			read := m.ProtoReflect().New().Interface()
			require.NoError(t, proto.Unmarshal(wire, read))
			assert.True(t, proto.Equal(m, read))
			got, back, err := codec.DecodeMessage(typ, wire)
			require.NoError(t, err)
			assert.Equal(t, canonical, back)
			assert.True(t, proto.Equal(m, got.(proto.Message)))
		})
	}
}

// Messages are a part of other values, too; nil is not empty.
func TestInside(t *testing.T) {
	type page struct {
		Name   string
		By     map[string]*structpb.Struct
		Some   []*durationpb.Duration
		Absent *durationpb.Duration
	}
	v := page{"a", map[string]*structpb.Struct{"x": document(t)}, []*durationpb.Duration{nil, {}, durationpb.New(time.Minute)}, nil}
	data, err := codec.Encode(typeOf(v), v)
	require.NoError(t, err)
	got, err := codec.Decode(typeOf(v), data)
	require.NoError(t, err)
	back := got.(page)
	assert.True(t, proto.Equal(v.By["x"], back.By["x"]))
	require.Len(t, back.Some, 3)
	assert.Nil(t, back.Some[0])
	assert.True(t, back.Some[1] != nil && proto.Equal(v.Some[1], back.Some[1]))
	assert.True(t, proto.Equal(v.Some[2], back.Some[2]))
	assert.Nil(t, back.Absent)
}

// Promise: what would not come back is an error that says why.
func TestRefuses(t *testing.T) {
	required := &descriptorpb.UninterpretedOption_NamePart{}
	_, err := codec.Encode(typeOf(required), required)
	require.ErrorContains(t, err, "required field google.protobuf.UninterpretedOption.NamePart.name_part not set")
	text := wrapperspb.String("\xff")
	_, err = codec.Encode(typeOf(text), text)
	require.ErrorContains(t, err, "UTF-8")

	var none *durationpb.Duration
	canonical, err := codec.Encode(typeOf(none), none)
	require.NoError(t, err)
	_, err = codec.EncodeMessage(typeOf(none), none, canonical)
	require.ErrorContains(t, err, "it is nil, and an empty message has the same bytes")
	_, _, err = codec.DecodeMessage(typeOf(none), []byte{0xff})
	require.ErrorIs(t, err, codec.ErrEncoding)
	number, err := codec.Encode(typeOf(1), 1)
	require.NoError(t, err)
	_, err = codec.EncodeMessage(typeOf(1), 1, number)
	require.ErrorContains(t, err, "it is no pointer to a protocol buffer")
	_, _, err = codec.DecodeMessage(typeOf(1), nil)
	require.ErrorIs(t, err, codec.ErrEncoding)
	require.ErrorContains(t, err, "it is no pointer to a protocol buffer")
}

func TestJSON(t *testing.T) {
	shown, err := Format{}.JSON(document(t))
	require.NoError(t, err)
	assert.JSONEq(t, `{"city":"Tromsø","mean":2.9,"days":[1,null,true],"a":{"z":1,"b":2,"c":"x"}}`, string(shown))
	shown, err = Format{}.JSON(durationpb.New(90 * time.Second))
	require.NoError(t, err)
	assert.Equal(t, `"90s"`, string(shown))
}

func TestOneFormat(t *testing.T) {
	f, ok := dag.MessageFormatOf(reflect.TypeFor[*durationpb.Duration]())
	require.True(t, ok)
	assert.Equal(t, Format{}, f)
	_, ok = dag.MessageFormatOf(reflect.TypeFor[durationpb.Duration]())
	assert.False(t, ok)
	_, ok = dag.MessageFormatOf(nil)
	assert.False(t, ok)
	assert.PanicsWithValue(t, "dag: two packages register a format of messages, the second for protoreflect.ProtoMessage", func() { dag.RegisterMessageFormat(Format{}) })
}

func FuzzDecodeMessage(f *testing.F) {
	typ := typeOf(document(f))
	data, err := Format{}.Marshal(document(f))
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, canonical, err := codec.DecodeMessage(typ, data)
		if err != nil {
			require.ErrorIs(t, err, codec.ErrEncoding)
			return
		}
		got, err := codec.Decode(typ, canonical)
		require.NoError(t, err)
		x, err := Format{}.Marshal(v)
		require.NoError(t, err)
		y, err := Format{}.Marshal(got)
		require.NoError(t, err)
		require.Equal(t, x, y)
	})
}
