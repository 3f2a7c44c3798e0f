package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// logFlags say which events of a run to write.
type logFlags struct {
	follow bool
	step   string
	types  []string
	level  string
	last   int
	file   string
	prints [2]printFlag // stdout and stderr
}

// levels in order; a flag names the least.
var levels = []string{"debug", "info", "warn", "error"}

func (a *app) runsLogsCommand() *cobra.Command {
	var l logFlags
	cmd := &cobra.Command{
		Use:   "logs [RUN]",
		Short: "Write the log of a run, a line for each event; with -f also what comes, until it ends",
		Long: "Write the log of a run, a line for each event. RUN is the id of a run or the start or end of one that says which; without it the newest run is shown. " +
			"What each step says of its inputs and outputs is left out; -v writes every event. With -o json each line is a JSON document.",
		Args: arguments("a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.openHistory(cmd, l.file)
			if err != nil {
				return err
			}
			return closed(a.logs(cmd, inst, first(args), &l), inst)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&l.follow, "follow", "f", false, "go on until the run has ended")
	f.StringVar(&l.step, "step", "", "only events of the step `STEP`")
	for i, s := range []computelog.Stream{computelog.Stdout, computelog.Stderr} {
		l.prints[i].add(f, s)
	}
	cmd.MarkFlagsMutuallyExclusive("stdout", "stderr")
	f.StringArrayVar(&l.types, "type", nil, "only events of the type `TYPE`, such as STEP_FAILURE; may be repeated")
	f.Var(&choice{&l.level, levels}, "level", "only events of this level or above")
	f.IntVarP(&l.last, "last", "n", 0, "begin with the last `N` of them")
	fileFlag(cmd, &l.file)
	complete(cmd, "level", levels...)
	return cmd
}

// logs writes events page by page: a log may be long.
func (a *app) logs(cmd *cobra.Command, inst *instance.Instance, id string, l *logFlags) error {
	ctx := cmd.Context()
	if l.last < 0 {
		return usage(cmd, fmt.Errorf("--last is %d; it must be at least 1", l.last))
	}
	run, err := a.findRun(cmd, inst, id)
	if err != nil {
		return err
	}
	for i := range l.prints {
		if p := &l.prints[i]; p.set {
			return a.printed(ctx, inst, run, p)
		}
	}
	want := l.filter(a.verbose)
	var kept []storage.Event // of --last
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for after := int64(0); ; {
		// Whether it has ended is asked before its events: what is appended between the two is not missed.
		if run, err = inst.Run(ctx, run.ID); err != nil {
			return err
		}
		const page = 1000
		events, err := inst.Events(ctx, run.ID, after, page)
		if err != nil {
			return err
		}
		for i := range events {
			after = events[i].Seq
			if !want(&events[i]) {
				continue
			}
			if l.last > 0 {
				if kept = append(kept, events[i]); len(kept) > l.last {
					kept = kept[1:]
				}
				continue
			}
			if err := a.logLine(&events[i]); err != nil {
				return err
			}
		}
		switch {
		case a.out.err != nil || a.out.gone:
			return nil // said elsewhere
		case len(events) == page:
			continue
		}
		for i := range kept {
			if err := a.logLine(&kept[i]); err != nil {
				return err
			}
		}
		kept, l.last = nil, 0
		if !l.follow || run.Status.Finished() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil // whoever follows has seen enough
		}
	}
}

// filter returns which events are wanted.
func (l *logFlags) filter(all bool) func(*storage.Event) bool {
	types := map[storage.EventType]bool{}
	for _, t := range l.types {
		types[storage.EventType(strings.ToUpper(t))] = true
	}
	least := rank(l.level)
	return func(e *storage.Event) bool {
		if l.step != "" && e.StepKey != l.step || rank(e.Level) < least {
			return false
		}
		if len(types) > 0 {
			return types[e.Type]
		}
		switch e.Type {
		case storage.EventStepInput, storage.EventStepOutput, storage.EventLoadedInput, storage.EventHandledOutput:
			return all
		}
		return true
	}
}

// rank is the place of a level in their order; the least for one that is none.
func rank(level string) int {
	for i, l := range levels {
		if strings.EqualFold(l, level) {
			return i
		}
	}
	return 0
}

// logLine writes one event.
func (a *app) logLine(e *storage.Event) error {
	if a.format == formatJSON {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(lineOf(e))
	}
	l := a.look
	lines := strings.Split(e.Message, "\n")
	head := l.paint(e.Time.Local().Format("2006-01-02 15:04:05.000"), dim) + " " + l.paint(fmt.Sprintf("%-5s", escape(e.Level)), levelStyle(e.Level)) + " " + l.paint(escape(string(e.Type)), dim)
	if e.StepKey != "" {
		head += " " + l.paint(escape(e.StepKey), bold)
	}
	if lines[0] != "" {
		head += " " + escape(lines[0])
	}
	out := []string{head}
	for _, more := range lines[1:] {
		out = append(out, "    "+escape(more))
	}
	a.lines(out)
	return nil
}

// lineOf is an event as JSON has it.
func lineOf(e *storage.Event) shownLine {
	line := shownLine{Seq: e.Seq, Time: e.Time.UTC(), Type: string(e.Type), Step: e.StepKey, Level: e.Level, Message: e.Message, Asset: e.Asset, Partition: e.Partition}
	if json.Valid(e.Data) {
		line.Data = e.Data
	}
	return line
}
