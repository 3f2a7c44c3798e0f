package execute

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// This file is what becomes of the outputs of a step in the process that computes it for another one.

// An askedOutput is an output that is asked for: of its function, by place, with the step that it is of.
type askedOutput struct {
	at      int
	step    *plan.Step
	version string // that it is stored under; "" for none
}

// asked finds the outputs that are asked for: all of the op, or of a function with several assets some.
func (s *stepServer) asked(step *plan.Step, ref *goRef) (outs []askedOutput, err error) {
	n := step.Node
	whole := n.Whole()
	if whole == nil {
		for k := range n.Op.Outputs {
			out := askedOutput{at: k, step: step}
			if len(ref.Versions) > k {
				out.version = ref.Versions[k]
			}
			outs = append(outs, out)
		}
		return outs, nil
	}
	parts := ref.Parts
	if len(parts) == 0 {
		parts = []partRef{{Output: n.Op.Outputs[0].Name, Node: n.Name, Key: step.Key}}
	}
	for _, p := range parts {
		at := slices.IndexFunc(whole.Outputs, func(o dag.Output) bool { return o.Name == p.Output })
		node := s.nodes[p.Node]
		if at < 0 || node == nil {
			return nil, fmt.Errorf("no output %q of step %q", p.Output, p.Key)
		}
		part, err := s.made(node, p.Key, step.Partition)
		if err != nil {
			return nil, err
		}
		outs = append(outs, askedOutput{at, part, p.Version})
	}
	return outs, nil
}

// store hands an output to an IO manager of the user's, and describes it.
func (s *stepServer) store(ctx context.Context, out *askedOutput, def *dag.Output, v any) (stepEvent, error) {
	e := stepEvent{Type: storage.EventStepOutput, Output: def.Name, Stored: true}
	o := &storage.Output{Name: def.Name, RunID: s.ref.RunID, Step: out.step.Key}
	if f, ok := v.(dag.File); ok {
		e.DataVersion, e.Size, e.File = f.Version().String(), f.Size(), refOfFile(f)
	} else {
		data, err := codec.Encode(def.Type, v)
		if err != nil {
			return e, err
		}
		e.DataVersion, e.Size = canon.Sum(data).String(), int64(len(data))
	}
	if out.version != "" {
		var err error
		if o.Version, err = canon.ParseDigest(out.version); err != nil {
			return e, err
		}
	}
	io := s.io(out.step.Op)
	m, err := s.res.ioManager(ctx, io)
	if err != nil {
		return e, err
	}
	return e, handleCustom(ctx, m, io, outputContext(s.jobKey(), out.step, o), v)
}

// give describes an output with its bytes: beside it, or in a file.
func (s *stepServer) give(def *dag.Output, v any) (stepEvent, error) {
	e := stepEvent{Type: storage.EventStepOutput, Output: def.Name}
	if f, ok := v.(dag.File); ok {
		e.DataVersion, e.Size, e.File = f.Version().String(), f.Size(), refOfFile(f)
		return e, nil
	}
	data, err := codec.Encode(def.Type, v)
	if err != nil {
		return e, err
	}
	d := canon.Sum(data)
	e.DataVersion, e.Size = d.String(), int64(len(data))
	if len(data) <= storage.MaxInline {
		e.Data = data
		return e, nil
	}
	packed, coding := iomanager.Pack(data)
	e.Object = &fileRef{Path: s.newName(""), Codec: coding, Size: e.Size, Digest: e.DataVersion}
	return e, os.WriteFile(e.Object.Path, packed, 0o600)
}

// output describes an output, and keeps it if it is not what it is known to be.
func (s *stepServer) output(def *dag.Output, v any, known string) (stepEvent, error) {
	e := stepEvent{Type: storage.EventStepOutput, Output: def.Name}
	if f, ok := v.(dag.File); ok {
		e.DataVersion, e.Size, e.File = f.Version().String(), f.Size(), refOfFile(f)
		if e.DataVersion == known || known == "" {
			e.File.Path = "" // nobody will look at it
			if filepath.Dir(f.Path()) == s.ref.Folder {
				_ = os.Remove(f.Path()) // it may have been an output twice
			}
		}
		return e, nil
	}
	data, err := codec.Encode(def.Type, v)
	if err != nil {
		return e, err
	}
	e.DataVersion, e.Size = canon.Sum(data).String(), int64(len(data))
	if known != "" && e.DataVersion != known {
		e.Kept = s.newName("")
		err = os.WriteFile(e.Kept, data, 0o600)
	}
	return e, err
}

func (s *stepServer) newName(ext string) string {
	s.files++
	return filepath.Join(s.ref.Folder, "output-"+strconv.Itoa(s.files)+ext)
}

// newFile makes a file of a step: what dag.WriteFile does there.
func (s *stepServer) newFile(name string, write func(io.Writer) error) (dag.File, error) {
	if err := dag.CheckFileName(name); err != nil {
		return dag.File{}, err
	}
	return dag.WriteTo(s.newName(filepath.Ext(name)), name, write)
}
