package execute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A lane verifies one step after the other. It keeps a child for each environment, as long as it lives.
type lane struct {
	v      *verification
	number int
	warm   map[string]*subprocess.Process // by what their environment changes
	keep   []string                       // variables that are not changed for the step at hand
}

func (l *lane) close() {
	for _, p := range l.warm {
		p.Stop()
	}
}

// An attempt is one computation of a step.
type attempt struct {
	in      environment
	outs    []stepEvent // the outputs
	failure *stepEvent  // why there are none
	elapsed time.Duration
}

// failed is what stands for the outputs of an attempt that has none.
const failed = "failed"

// gave is what tells one attempt from another: the data versions of its outputs.
func (a *attempt) gave() string {
	if a.failure != nil {
		return failed
	}
	versions := make([]string, len(a.outs))
	for i := range a.outs {
		versions[i] = toldApart(a.outs[i].DataVersion, mask.Hide(a.outs[i].Said))
	}
	return strings.Join(versions, " ")
}

// start starts a child and prepares it. A child that dies of that is no error: it is a failure of the step it was started for, because what it does before main
// is user code.
func (l *lane) start(e environment) (p *subprocess.Process, died *stepEvent, err error) {
	folder, err := l.v.folder()
	if err != nil {
		return nil, nil, err
	}
	if p, err = subprocess.Start(e.spec(folder, l.keep, l.number)); err != nil {
		return nil, nil, err
	}
	ref := l.v.begin
	ref.Folder = folder
	ref.Zone, ref.Offset = e.zone()
	var said stepEvent
	err = p.Send(stepRequest{Run: &ref})
	if err == nil {
		err = p.Receive(&said)
	}
	switch {
	case err != nil:
		return nil, death(p), nil
	case said.Type != eventReady:
		p.Kill()
		return nil, nil, errors.New(said.Err.Text)
	}
	return p, nil, nil
}

// death says how a child ended that should not have.
func death(p *subprocess.Process) *stepEvent {
	how, printed := p.Ended()
	printed = mask.Hide(printed) // a child masks what it says, not what it prints
	text := "the process ended: " + how
	if how == "signal: killed" {
		text += " (as the system does where memory runs out)"
	}
	if printed != "" {
		if subprocess.IsReason(printed) {
			text = firstLine(printed) + "; " + text
		} else {
			text += ", after it had printed: " + printed[strings.LastIndexByte(printed, '\n')+1:]
		}
	}
	return &stepEvent{Type: storage.EventStepFailure, Where: WhereOp, Err: &wireError{Text: text}}
}

// compute computes a step once, in the child *at, which is started where there is none. The error is not nil if ctx ended or no child can be started.
func (l *lane) compute(ctx context.Context, at **subprocess.Process, e environment, ref *stepRef) (a attempt, err error) {
	if err := ctx.Err(); err != nil {
		return a, err
	}
	began := time.Now()
	defer func() { a.elapsed = time.Since(began) }()
	used := *at != nil
	if *at == nil {
		p, died, err := l.start(e)
		if err != nil || died != nil {
			a.failure = died
			return a, err
		}
		*at = p
	}
	p := *at
	limited, cancel := ctx, func() {}
	if d := l.v.opts.Timeout; d > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, d, errTooLong)
	}
	defer cancel()
	listening := context.AfterFunc(limited, p.Interrupt)
	entered := false // the user's function was reached
	err = p.Send(stepRequest{Step: ref, Go: &goRef{Info: dag.StepInfo{RunID: l.v.begin.RunID, JobKey: l.v.begin.Job, StepKey: ref.Key, Partition: ref.Partition, MappingKeys: l.v.base.mappingKeys(ref.Key, ref.Partition)}}})
	for err == nil {
		var said stepEvent
		if err = p.Receive(&said); err != nil {
			break
		}
		switch said.Type {
		case storage.EventStepOutput:
			a.outs = append(a.outs, said)
			continue
		case storage.EventStepFailure:
			a.failure = &said
		case storage.EventStepSuccess:
		default:
			entered = true
			continue
		}
		break
	}
	if listening() && err == nil {
		return a, nil
	}
	*at = nil // it is gone, or was told to go
	switch {
	case ctx.Err() != nil:
		p.Stop()
		return a, ctx.Err()
	case limited.Err() != nil:
		p.Stop()
		a.failure = &stepEvent{Type: storage.EventStepFailure, Where: WhereOp, Err: &wireError{Text: fmt.Sprintf("%v %v", errTooLong, l.v.opts.Timeout)}}
	case used && !entered: // it died of what an earlier step had left running
		p.Stop()
		return l.compute(ctx, at, e, ref)
	default:
		a.failure = death(p)
	}
	return a, nil
}

var errTooLong = errors.New("it took longer than")

// warmly is compute in a child that is kept for the steps that follow.
func (l *lane) warmly(ctx context.Context, e environment, ref *stepRef) (attempt, error) {
	// TMPDIR is no factor, because each child has its own: one that must not be changed makes a difference too.
	key := strings.Join(append(e.labels(), l.keep...), " ")
	p := l.warm[key]
	a, err := l.compute(ctx, &p, e, ref)
	if l.warm == nil {
		l.warm = map[string]*subprocess.Process{}
	}
	if l.warm[key] = p; p == nil {
		delete(l.warm, key)
	}
	a.in = e
	return a, err
}

// verify computes a step as often as asked, and says what came of it.
func (l *lane) verify(ctx context.Context, step *VerifiedStep) error {
	v := l.v
	began := time.Now()
	v.show.started(step.Key)
	finished := func(result, because string) {
		step.Elapsed = time.Since(began)
		step.Result, step.Because = result, because
		v.show.verified(step)
	}
	ref, err := v.ref(ctx, step.step)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		finished(VerifySkipped, v.redact.Hide(err.Error()))
		return nil
	}
	l.keep = counted(step.step)
	stored := strings.Join(ref.Known, " ")
	var attempts []attempt
	var odd *attempt // the first one that failed, else the first one that differs
	for n := range v.opts.Times {
		a, err := l.warmly(ctx, v.rounds[n%len(v.rounds)].without(l.keep), ref)
		if err != nil {
			return err
		}
		switch {
		case a.failure != nil && a.failure.Where == WhereLoad:
			finished(VerifySkipped, v.redact.Hide("its inputs cannot be loaded: "+a.failure.Err.Text))
			return nil
		case a.failure != nil && (odd == nil || odd.failure == nil):
			odd = &a
		case a.failure == nil && a.gave() != stored && odd == nil:
			odd = &a
			if step.Differences, err = v.differences(ctx, step.step, &a); err != nil {
				return err
			}
		}
		for _, o := range a.outs {
			v.forget(o)
		}
		if a.failure == nil && step.Notes == nil {
			step.Notes = v.notes(step.step, &a)
		}
		attempts = append(attempts, a)
	}
	if odd == nil {
		finished(VerifySame, "")
		return nil
	}
	if source := v.changedSource(step.step); source != "" {
		step.Differences = nil
		finished(VerifySkipped, fmt.Sprintf("the file of source %q changed meanwhile", source))
		return nil
	}
	if step.Cause, step.Environment, err = l.isolate(ctx, ref, attempts); err != nil {
		return err
	}
	if f := odd.failure; f != nil {
		step.Differences, step.Error, step.Stack = nil, v.redact.Hide(f.text()), v.redact.Hide(f.Err.Stack)
		finished(VerifyFails, "")
		return nil
	}
	finished(VerifyDiffers, "")
	return nil
}

// forget removes what a child kept of an output.
func (v *verification) forget(o stepEvent) {
	if o.Kept != "" {
		_ = os.Remove(o.Kept)
	}
	if o.File != nil && strings.HasPrefix(o.File.Path, v.scratch+string(os.PathSeparator)) {
		_ = os.Remove(o.File.Path)
	}
}

// probes is how often a step is computed in one environment to find out what it depends on: a cheap one more often, because chance may look like
// anything else; a dear one once.
func probes(longest time.Duration) int {
	const enough, dear, atMost = 2 * time.Second, 5 * time.Second, 8
	if longest > dear {
		return 1
	}
	return max(2, min(atMost, int(enough/max(longest, time.Millisecond))))
}

// isolate finds out what attempts depended on that did not give what is stored. It computes the step in fresh processes: where nothing is changed, then with each
// change alone.
func (l *lane) isolate(ctx context.Context, ref *stepRef, attempts []attempt) (cause string, where []string, err error) {
	stored := strings.Join(ref.Known, " ")
	probe := &stepRef{Key: ref.Key, Node: ref.Node, Partition: ref.Partition, Inputs: ref.Inputs, Known: make([]string, len(ref.Known))}
	var longest time.Duration
	var rounds []environment // in which it was seen
	for i := range attempts {
		a := &attempts[i]
		longest = max(longest, a.elapsed)
		if a.gave() != stored && !slices.ContainsFunc(rounds, func(r environment) bool { return slices.Equal(r, a.in) }) {
			rounds = append(rounds, a.in)
		}
	}
	times := probes(longest)
	first, err := l.again(ctx, nil, probe, times)
	if err != nil {
		return "", nil, err
	}
	second, err := l.again(ctx, nil, probe, times)
	switch {
	case err != nil:
		return "", nil, err
	case slices.Equal(first, second) && !allEqual(first):
		return CauseCalls, nil, nil
	case !allEqual(append(slices.Clone(first), second...)):
		return CauseRuns, nil, nil
	}
	plain := first[0]
	// try computes the step in an environment: whether it differs there, and from one time to the next.
	try := func(e environment) (differs, unsteady bool, err error) {
		gave, err := l.again(ctx, e, probe, times)
		if err != nil {
			return false, false, err
		}
		return allEqual(gave) && gave[0] != plain, !allEqual(gave), nil
	}
	var unsteadyIn []string
	blamed := map[string]bool{}
	for _, e := range rounds {
		for _, f := range e {
			if blamed[f.name] {
				continue
			}
			differs, unsteady, err := try(environment{f})
			if err != nil {
				return "", nil, err
			}
			if differs {
				where = append(where, f.String())
			}
			if unsteady {
				unsteadyIn = append(unsteadyIn, f.String())
			}
			blamed[f.name] = differs || unsteady
		}
	}
	if where != nil {
		return CauseEnvironment, where, nil
	}
	if unsteadyIn != nil {
		return CauseRuns, unsteadyIn, nil
	}
	for _, e := range rounds {
		differs, unsteady, err := try(e)
		switch {
		case err != nil:
			return "", nil, err
		case differs:
			return CauseEnvironment, e.labels(), nil
		case unsteady:
			return CauseRuns, e.labels(), nil
		}
	}
	if plain != stored {
		return CauseElsewhere, nil, nil
	}
	return CauseRuns, nil, nil
}

// again computes a step several times in a fresh child, and returns what it gave.
func (l *lane) again(ctx context.Context, e environment, ref *stepRef, times int) ([]string, error) {
	var p *subprocess.Process
	defer func() {
		if p != nil {
			p.Stop()
		}
	}()
	gave := make([]string, times)
	for i := range gave {
		a, err := l.compute(ctx, &p, e, ref)
		if err != nil {
			return nil, err
		}
		gave[i] = a.gave()
	}
	return gave, nil
}

// allEqual reports whether all texts are equal.
func allEqual(texts []string) bool {
	return len(slices.Compact(slices.Clone(texts))) == 1
}
