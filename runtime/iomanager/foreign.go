package iomanager

import (
	"context"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A form is how other programs than ours know values of a kind.
type form struct {
	extension string // of files
	// encode returns what is stored of v, a value of t; canonical is what package codec makes of it.
	encode func(t *dag.Type, v any, canonical []byte) ([]byte, error)
	// decode returns the value of t that encode stored, and its canonical encoding.
	decode func(t *dag.Type, blob []byte) (v any, canonical []byte, err error)
}

// forms are those that outputs are stored in as they are, by codec.
var forms = map[string]form{
	CodecJSON:     {".json", codec.EncodeJSON, codec.DecodeJSON},
	CodecParquet:  {".parquet", encodeTable, decodeTable},
	CodecPNG:      {".png", codec.EncodePNG, codec.DecodePNG},
	CodecProtobuf: {".pb", codec.EncodeMessage, codec.DecodeMessage},
}

// StageOutput is Stage for an output of an op, with the codec that it asks for.
func (m *Default) StageOutput(ctx context.Context, def *dag.Output, v any) (*Staged, error) {
	if _, file := v.(dag.File); file || def.Codec == "" {
		return m.Stage(ctx, def.Type, v)
	}
	form, ok := forms[def.Codec]
	if !ok {
		return nil, fmt.Errorf("codec %q is not known to this binary", def.Codec)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := codec.Encode(def.Type, v)
	if err != nil {
		return nil, err
	}
	blob, err := form.encode(def.Type, v, data)
	if err != nil {
		return nil, err
	}
	s := &Staged{Data: data, blob: blob}
	s.Output = storage.Output{DataVersion: canon.Sum(data), Blob: canon.Sum(blob), Size: int64(len(blob)), Codec: def.Codec}
	if s.Inline = len(blob) <= m.inline; s.Inline {
		return s, nil
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	state, err := files.put(ctx, objectOf(&s.Output), s.Blob, blob)
	s.Files = []storage.FileState{state}
	return s, err
}

// Encoding returns the canonical encoding of an output that is no dag.File, verified: what package codec makes of the value of t, whatever codec stored it.
func (m *Default) Encoding(ctx context.Context, o *storage.Output, t *dag.Type) ([]byte, error) {
	blob, err := m.Blob(ctx, o)
	if err != nil || !foreign(o) {
		return blob, err
	}
	_, data, err := FromForeign(o, t, blob)
	return data, err
}

// foreign reports whether an output is stored in a form of other programs, and not in our own encoding.
func foreign(o *storage.Output) bool {
	_, ok := forms[o.Codec]
	return ok
}

// FromForeign reads what was stored by a codec other than the default one, and returns the value and its canonical encoding. That its bytes are right does not say that the type still makes the same
// value of them: its data version does, unless the step said that itself. All that is wrong is [ErrDamaged].
func FromForeign(o *storage.Output, t *dag.Type, blob []byte) (v any, data []byte, err error) {
	form, ok := forms[o.Codec]
	if !ok {
		return nil, nil, damaged("output "+o.Name, fmt.Errorf("it is stored with codec %q, which this binary does not know", o.Codec))
	}
	v, data, err = form.decode(t, blob)
	if err == nil && o.Said == "" {
		if got := canon.Sum(data); got != o.DataVersion {
			err = digestError{got, o.DataVersion}
		}
	}
	if err != nil {
		return nil, nil, damaged("output "+o.Name, err)
	}
	return v, data, nil
}
