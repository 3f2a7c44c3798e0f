package execute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute/differ"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// differences says for each output of an attempt that is not what is stored where it differs. The error is that of ctx.
func (v *verification) differences(ctx context.Context, s *plan.Step, a *attempt) ([]OutputDifference, error) {
	var all []OutputDifference
	for k := range s.Op.Outputs {
		def, said := &s.Op.Outputs[k], &a.outs[k]
		stored := plan.OutputOf(v.record(s), def.Name)
		if stored.Said != "" || said.Said != "" { // the step says what counts as the same
			if now := mask.Hide(said.Said); stored.Said != now {
				all = append(all, OutputDifference{def.Name, differ.Difference{Stored: saidText(stored.Said), Now: saidText(now)}})
			}
			continue
		}
		if stored.DataVersion.String() == said.DataVersion {
			continue
		}
		d, err := v.difference(ctx, s, def, stored, said)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if d == nil { // what an IO manager gives back may be less than what it was given
			now, _ := canon.ParseDigest(said.DataVersion) // it was written by String
			d = &differ.Difference{Stored: "data " + stored.DataVersion.Short(), Now: "data " + now.Short()}
			if err != nil {
				d.Note = "where cannot be said: " + v.redact.Hide(err.Error())
			}
		}
		all = append(all, OutputDifference{def.Name, *d})
	}
	return all, nil
}

// saidText writes a data version that a step says itself.
func saidText(v string) string {
	if v == "" {
		return "no data version said"
	}
	return fmt.Sprintf("data version %q", v)
}

func (v *verification) difference(ctx context.Context, s *plan.Step, def *dag.Output, stored *storage.Output, said *stepEvent) (*differ.Difference, error) {
	was, err := v.stored(ctx, s, def, stored)
	if err != nil {
		return nil, err
	}
	if said.File != nil {
		now, err := said.File.file()
		if err != nil {
			return nil, err
		}
		f, _ := was.(dag.File)
		return v.fileDifference(f, now)
	}
	data, err := os.ReadFile(said.Kept)
	if err != nil {
		return nil, err
	}
	now, err := codec.Decode(def.Type, data)
	if err != nil {
		return nil, err
	}
	return differ.Values(def.Type, was, now, v.redact), nil
}

// stored loads an output of a step.
func (v *verification) stored(ctx context.Context, s *plan.Step, def *dag.Output, out *storage.Output) (any, error) {
	if out.IO == "" {
		return v.base.inst.IO().Load(ctx, out, def.Type)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.base.loadCustom(ctx, s, out, s.Key, &dag.Input{Name: def.Name, Type: def.Type})
}

func (v *verification) fileDifference(was, now dag.File) (d *differ.Difference, err error) {
	switch {
	case was.IsZero() || now.IsZero():
		return &differ.Difference{Stored: fileText(was), Now: fileText(now)}, nil
	case was.Name() != now.Name():
		return &differ.Difference{Path: "its name", Stored: fileText(was), Now: fileText(now)}, nil
	}
	a, err := os.Open(was.Path())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	b, err := os.Open(now.Path())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	d, err = differ.Files(a, b, v.redact)
	if d != nil && was.Size() != now.Size() {
		d.Note = fmt.Sprintf("%d bytes stored, %d now", was.Size(), now.Size())
	}
	if d != nil {
		d.Path += " of " + was.Name()
	}
	return d, err
}

func fileText(f dag.File) string {
	if f.IsZero() {
		return "no file"
	}
	return f.String()
}

// notes says what differs in the metadata of outputs.
func (v *verification) notes(s *plan.Step, a *attempt) []string {
	var notes []string
	for k := range a.outs {
		said, stored := &a.outs[k], plan.OutputOf(v.record(s), s.Op.Outputs[k].Name)
		of := func(list []dag.MetadataEntry, label string) string {
			i := slices.IndexFunc(list, func(e dag.MetadataEntry) bool { return e.Label == label })
			if i < 0 {
				return "nothing"
			}
			return v.redact.Short(string(list[i].Value))
		}
		var labels []string
		for _, e := range append(slices.Clone(stored.Metadata), said.Metadata...) {
			if !slices.Contains(labels, e.Label) {
				labels = append(labels, e.Label)
			}
		}
		for _, label := range labels {
			if was, now := of(stored.Metadata, label), of(said.Metadata, label); was != now {
				notes = append(notes, fmt.Sprintf("metadata %q of output %s: %s stored, %s now", label, said.Output, was, now))
			}
		}
	}
	return notes
}
