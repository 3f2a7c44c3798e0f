package iomanager

import (
	"context"
	"fmt"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

// A Memory keeps outputs in memory, as long as it lives. Every load gives a value of its own. The zero Memory is empty and ready; it
// is safe for concurrent use.
type Memory struct {
	mu   sync.Mutex
	vals map[canon.Digest]stored
}

type stored struct {
	data  []byte // the encoding, or
	value any    // a dag.File or a value of an immutable type
	whole bool   // whether value is it
}

var (
	_ dag.MemoizableIOManager = (*Memory)(nil)
	_ dag.BatchIOManager      = (*Memory)(nil)
)

// HandleOutput implements dag.IOManager.
func (m *Memory) HandleOutput(_ context.Context, out *dag.OutputContext, value any) error {
	s := stored{value: value, whole: true}
	if _, file := value.(dag.File); !file && !out.Type.Immutable {
		data, err := codec.Encode(out.Type, value)
		if err != nil {
			return err
		}
		s = stored{data: data}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.vals == nil {
		m.vals = map[canon.Digest]stored{}
	}
	m.vals[identity(out)] = s
	return nil
}

// LoadInput implements dag.IOManager. An output that was not stored here is ErrDamaged.
func (m *Memory) LoadInput(_ context.Context, in *dag.InputContext) (any, error) {
	m.mu.Lock()
	s, ok := m.vals[identity(in.Upstream)]
	m.mu.Unlock()
	switch {
	case !ok:
		return nil, damaged(fmt.Sprintf("output %s of step %s", in.Upstream.Name, in.Upstream.StepKey), fmt.Errorf("it is not in memory"))
	case s.whole:
		return s.value, nil
	}
	return codec.Decode(in.Type, s.data)
}

// HasOutput implements dag.MemoizableIOManager.
func (m *Memory) HasOutput(_ context.Context, out *dag.OutputContext) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.vals[identity(out)]
	return ok, nil
}

// HasOutputs implements dag.BatchIOManager.
func (m *Memory) HasOutputs(ctx context.Context, outs []*dag.OutputContext) ([]bool, error) {
	has := make([]bool, len(outs))
	for i, o := range outs {
		has[i], _ = m.HasOutput(ctx, o)
	}
	return has, nil
}

// identity is the key of an output.
func identity(out *dag.OutputContext) canon.Digest {
	e := canon.New("dagstergen/memory/v1")
	parts := out.Identifier()
	e.List("id", len(parts))
	for _, p := range parts {
		e.String("", p)
	}
	return e.Sum()
}
