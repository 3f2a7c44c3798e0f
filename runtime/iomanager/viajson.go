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
	if def.Codec != CodecJSON {
		return nil, fmt.Errorf("codec %q is not known to this binary", def.Codec)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := codec.Encode(def.Type, v)
	if err != nil {
		return nil, err
	}
	text, err := codec.EncodeJSON(def.Type, v, data)
	if err != nil {
		return nil, err
	}
	s := &Staged{Data: data, blob: text}
	s.Output = storage.Output{DataVersion: canon.Sum(data), Blob: canon.Sum(text), Size: int64(len(text)), Codec: CodecJSON}
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
	if err != nil || o.Codec != CodecJSON {
		return blob, err
	}
	_, data, err := fromJSON(o, t, blob)
	return data, err
}

// fromJSON reads what codec=json stored. That its bytes are right does not say that the type still makes the same value of them: its data version does,
// unless the step said that itself.
func fromJSON(o *storage.Output, t *dag.Type, text []byte) (v any, data []byte, err error) {
	v, data, err = codec.DecodeJSON(t, text)
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
