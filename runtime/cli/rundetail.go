package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A runDetail is a run with all that happened in it.
type runDetail struct {
	shownRun
	Output string      `json:"output,omitempty"` // file with what the process printed that executed it on its own
	Config string      `json:"config"`           // YAML, secrets redacted
	Steps  []shownStep `json:"steps"`
	Events []shownLine `json:"events"`     // the newest mostLines
	Cut    bool        `json:"events_cut"` // there are earlier ones

	now time.Time
	all bool           // every event, not only what a person wants to know
	at  map[string]int // where a step stands in Steps
}

// A shownStep is what the events of a run say of a step.
type shownStep struct {
	Key     string     `json:"key"`
	Status  string     `json:"status"` // "success", "failure", "skipped", "reused", "observed" or "started"
	Started *time.Time `json:"started"`
	Ended   *time.Time `json:"ended"`
	Message string     `json:"message,omitempty"` // why it failed or was skipped
}

// A shownLine is an event.
type shownLine struct {
	Seq     int64           `json:"seq"`
	Time    time.Time       `json:"time"`
	Type    string          `json:"type"`
	Step    string          `json:"step,omitempty"`
	Level   string          `json:"level"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`

	Asset     string `json:"asset,omitempty"`
	Partition string `json:"partition,omitempty"`
}

// mostLines is how many lines of the log a run is shown with, the newest; `runs logs` has all of them.
const mostLines = 1000

// stepEvents are the types that say how a step went.
var stepEvents = []storage.EventType{
	storage.EventStepStart, storage.EventStepUpForRetry, storage.EventStepRestarted, storage.EventStepSuccess, storage.EventStepFailure, storage.EventStepSkipped,
	storage.EventObservation, storage.EventCheck, storage.EventEngine,
}

// readRunDetail reads a run, however many events it has: its steps page by page, and the newest lines of its log.
func readRunDetail(ctx context.Context, inst *instance.Instance, run *storage.Run, now time.Time, all, brief bool) (*runDetail, error) {
	d := newRunDetail(run, now, all)
	const page = 10_000
	f := storage.EventFilter{RunID: run.ID, Types: stepEvents, Ascending: true, Limit: page}
	for more := true; more; {
		found, err := inst.EventRecords(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range found.Records {
			d.note(lineOf(&found.Records[i].Event))
		}
		f.After, more = found.Cursor, found.More
	}
	filters := []storage.EventFilter{{}}
	if brief { // what logTable shows, and nothing else
		filters = []storage.EventFilter{{Types: []storage.EventType{storage.EventLog}}, {Levels: []string{"WARN", "ERROR"}}}
	}
	var lines []shownLine
	for _, f := range filters {
		f.RunID, f.Limit = run.ID, mostLines
		found, err := inst.EventRecords(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range found.Records {
			lines = append(lines, lineOf(&found.Records[i].Event))
		}
		d.Cut = d.Cut || found.More
	}
	slices.SortFunc(lines, func(a, b shownLine) int { return cmp.Compare(a.Seq, b.Seq) })
	lines = slices.CompactFunc(lines, func(a, b shownLine) bool { return a.Seq == b.Seq }) // a line of the log at WARN is found twice
	if n := len(lines); n > mostLines {
		lines, d.Cut = lines[n-mostLines:], true
	}
	d.Events = append(d.Events, lines...)
	return d, nil
}

func newRunDetail(run *storage.Run, now time.Time, all bool) *runDetail {
	return &runDetail{shownRun: showRun(run), Config: run.Config, Steps: []shownStep{}, Events: []shownLine{}, now: now, all: all, at: map[string]int{}}
}

// note takes in what an event says of steps.
func (d *runDetail) note(line shownLine) {
	step := func(key string) *shownStep {
		i, known := d.at[key]
		if !known {
			i = len(d.Steps)
			d.at[key] = i
			d.Steps = append(d.Steps, shownStep{Key: key})
		}
		return &d.Steps[i]
	}
	for _, key := range line.reused() {
		step(key).Status = "reused"
	}
	if line.Step != "" {
		step(line.Step).apply(&line)
	}
}

// reused returns the steps that an event says are reused.
func (e *shownLine) reused() []string {
	var data struct {
		Reused []string `json:"reused"`
	}
	if e.Type != string(storage.EventEngine) || json.Unmarshal(e.Data, &data) != nil {
		return nil
	}
	return data.Reused
}

// apply takes in one event of the step.
func (s *shownStep) apply(e *shownLine) {
	switch storage.EventType(e.Type) {
	case storage.EventStepStart:
		s.Status, s.Started = "started", &e.Time
	case storage.EventStepUpForRetry:
		s.Status, s.Message = "retrying", e.Message
	case storage.EventStepRestarted:
		s.Status = "started"
	case storage.EventStepSuccess:
		s.Status, s.Ended = "success", &e.Time
	case storage.EventStepFailure:
		s.Status, s.Ended, s.Message = "failure", &e.Time, e.Message
	case storage.EventObservation:
		s.Status, s.Message = "observed", e.Message
	case storage.EventCheck:
		s.Message = e.Message
	case storage.EventStepSkipped:
		s.Status, s.Message = "skipped", e.Message
	}
}

// view shows the run as a person asks about it: how it went, what it was given, its steps, and its log.
func (d *runDetail) view(l look) []string {
	head := &table{columns: []column{{}, {wrap: true}}}
	row := func(label string, c cell) { head.add(styled(label, dim), c) }
	row("run", text(d.RunID))
	row("what", text(d.what()))
	status := d.Status
	if d.Cause != "" {
		status += ": " + d.Cause
	}
	row("status", styled(status, statusStyle(d.Status)))
	row("started", text(d.began().Local().Format(timeLayout)))
	if d.Parent != "" {
		row("again", text("of run "+d.Parent))
	}
	if d.Output != "" {
		row("output", text(d.Output))
	}
	row("took", text(d.took(d.now)))
	row("steps", text(d.counts()))
	if len(d.Tags) > 0 {
		row("tags", texts(sortedTags(d.Tags)))
	}
	out := head.render(l)
	if d.Config != "" {
		out = append(out, "", l.paint("CONFIG", bold))
		out = append(out, escapeLines(d.Config)...)
	}
	if lines := d.stepTable().render(l); lines != nil {
		out = append(out, "")
		out = append(out, lines...)
	}
	if lines := d.logTable().render(l); lines != nil {
		out = append(out, "")
		out = append(out, lines...)
		if d.Cut {
			out = append(out, l.paint(fmt.Sprintf("the newest %d lines; runs logs has all", mostLines), dim))
		}
	}
	return out
}

func (d *runDetail) stepTable() *table {
	t := &table{columns: []column{{title: "STATUS"}, {title: "STEP"}, {title: "TIME", right: true}, {title: "MESSAGE", wrap: true}}}
	for _, s := range d.Steps {
		took := ""
		if s.Started != nil && s.Ended != nil {
			took = seconds(s.Ended.Sub(*s.Started))
		}
		st := statusStyle(s.Status)
		if s.Status == "reused" || s.Status == "observed" {
			st = dim
		}
		t.add(styled(s.Status, st), text(s.Key), text(took), text(firstLine(s.Message)))
	}
	return t
}

// logTable has the log lines of user code, and warnings and errors of the engine; with -v everything.
func (d *runDetail) logTable() *table {
	t := &table{columns: []column{{title: "TIME"}, {title: "LEVEL"}, {title: "EVENT"}, {title: "STEP"}, {title: "MESSAGE", wrap: true}}}
	for _, e := range d.Events {
		worth := storage.EventType(e.Type) == storage.EventLog || e.Level == "WARN" || e.Level == "ERROR"
		if !worth && !d.all {
			continue
		}
		t.add(styled(e.Time.Local().Format("15:04:05.000"), dim), styled(e.Level, levelStyle(e.Level)), styled(e.Type, dim), text(e.Step), texts(strings.Split(e.Message, "\n")))
	}
	return t
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
