package cli

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A runDetail is a run with all that happened in it.
type runDetail struct {
	shownRun
	Output string      `json:"output,omitempty"` // file with what the process printed that executed it on its own
	Config string      `json:"config"`           // YAML, secrets redacted
	Steps  []shownStep `json:"steps"`
	Events []shownLine `json:"events"`

	now time.Time
	all bool // every event, not only what a person wants to know
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

func newRunDetail(run *storage.Run, events []storage.Event, now time.Time, all bool) *runDetail {
	d := &runDetail{shownRun: showRun(run), Config: run.Config, Steps: []shownStep{}, Events: []shownLine{}, now: now, all: all}
	at := map[string]int{}
	for _, e := range events {
		line := lineOf(&e)
		d.Events = append(d.Events, line)
		step := func(key string) *shownStep {
			i, known := at[key]
			if !known {
				i = len(d.Steps)
				at[key] = i
				d.Steps = append(d.Steps, shownStep{Key: key})
			}
			return &d.Steps[i]
		}
		for _, key := range line.reused() {
			step(key).Status = "reused"
		}
		if e.StepKey != "" && e.Type != storage.EventCheckPlanned { // that comes before all steps
			step(e.StepKey).apply(&line)
		}
	}
	return d
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
