package iomanager

import (
	"context"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// StageOutput is Stage for an output of an op, with the codec that it asks for.
func (m *Default) StageOutput(ctx context.Context, def *dag.Output, v any) (*Staged, error) {
	if _, file := v.(dag.File); file || def.Codec == "" {
		return m.Stage(ctx, def.Type, v)
	}
	if def.Codec != CodecJSON && def.Codec != CodecParquet {
		return nil, fmt.Errorf("codec %q is not known to this binary", def.Codec)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := codec.Encode(def.Type, v)
	if err != nil {
		return nil, err
	}
	var text []byte
	if def.Codec == CodecJSON {
		text, err = codec.EncodeJSON(def.Type, v, data)
	} else {
		text, err = encodeTable(def.Codec, def.Type, v)
	}
	if err != nil {
		return nil, err
	}
	s := &Staged{Data: data, blob: text}
	s.Output = storage.Output{DataVersion: canon.Sum(data), Blob: canon.Sum(text), Size: int64(len(text)), Codec: def.Codec}
	if s.Inline = len(text) <= m.inline; s.Inline {
		return s, nil
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	state, err := files.put(ctx, objectOf(&s.Output), s.Blob, text)
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
func foreign(o *storage.Output) bool { return o.Codec == CodecJSON || o.Codec == CodecParquet }

// FromForeign reads what codec=json or codec=parquet stored, text, and returns the value and its canonical encoding. That its bytes are right does not say that the type still makes the same
// value of them: its data version does, unless the step said that itself. All that is wrong is [ErrDamaged].
func FromForeign(o *storage.Output, t *dag.Type, text []byte) (v any, data []byte, err error) {
	if o.Codec == CodecJSON {
		v, data, err = codec.DecodeJSON(t, text)
	} else {
		v, data, err = decodeTable(o.Codec, t, text)
	}
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
