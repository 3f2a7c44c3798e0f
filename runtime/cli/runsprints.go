package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/pflag"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A printFlag asks for what was printed to a stream: by a step, or without one by the process of the run.
type printFlag struct {
	stream computelog.Stream
	step   string
	set    bool
}

func (p *printFlag) add(f *pflag.FlagSet, s computelog.Stream) {
	p.stream = s
	f.VarPF(p, string(s), "", fmt.Sprintf("what the step `STEP` printed to %s, as it is; \"\" for what the process of the run printed", s))
}

// String returns the step.
func (p *printFlag) String() string { return p.step }

// Set takes the step.
func (p *printFlag) Set(step string) error {
	p.step, p.set = step, true
	return nil
}

// Type names the kind of the flag's value.
func (p *printFlag) Type() string { return "string" }

// printed writes a compute log to stdout as it is.
func (a *app) printed(ctx context.Context, inst *instance.Instance, run *storage.Run, p *printFlag) error {
	r, err := inst.ComputeLogs().Open(ctx, computelog.Key{RunID: run.ID, Step: p.step}, p.stream)
	if errors.Is(err, fs.ErrNotExist) {
		return a.nothingPrinted(ctx, inst, run, p)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(a.out, r)
	return errors.Join(err, r.Close())
}

// nothingPrinted says why there is no log: where others have one, they are named.
func (a *app) nothingPrinted(ctx context.Context, inst *instance.Instance, run *storage.Run, p *printFlag) error {
	page, err := inst.Store().EventRecords(ctx, storage.EventFilter{RunID: run.ID, Types: []storage.EventType{storage.EventLogsCaptured}, Limit: 1000})
	if err != nil {
		return err
	}
	var with []string
	for i := range page.Records {
		payload, err := page.Records[i].Payload()
		d, ok := payload.(*storage.LogsCapturedData)
		if err != nil || !ok || p.stream == computelog.Stdout && d.Stdout == 0 || p.stream == computelog.Stderr && d.Stderr == 0 {
			continue
		}
		for _, step := range append(d.Steps, "\"\"")[:max(1, len(d.Steps))] {
			if !slices.Contains(with, step) {
				with = append(with, step)
			}
		}
	}
	slices.Sort(with)
	who := "step " + p.step
	if p.step == "" {
		who = "the process of the run"
	}
	text := fmt.Sprintf("nothing that %s printed to %s is kept", who, p.stream)
	const most = 10
	switch {
	case len(with) > most:
		text += fmt.Sprintf("; there is %s of %d others", p.stream, len(with))
	case len(with) > 0:
		text += fmt.Sprintf("; there is %s of %s", p.stream, joined(with))
	}
	return errors.New(text)
}

func joined(names []string) string {
	text := names[0]
	for _, n := range names[1:] {
		text += ", " + n
	}
	return text
}
