package storage

import (
	"slices"
	"time"
)

// An EventType is the type of an event, named as Dagster names it.
type EventType string

// The types of events. None is dropped silently. What the data of each one is, payload.go says.
const (
	EventRunEnqueued  EventType = "RUN_ENQUEUED"
	EventRunDequeued  EventType = "RUN_DEQUEUED"
	EventRunStarting  EventType = "RUN_STARTING"
	EventRunStart     EventType = "RUN_START"
	EventRunSuccess   EventType = "RUN_SUCCESS"
	EventRunFailure   EventType = "RUN_FAILURE"
	EventRunCanceling EventType = "RUN_CANCELING"
	EventRunCanceled  EventType = "RUN_CANCELED"

	EventStepStart          EventType = "STEP_START"
	EventStepInput          EventType = "STEP_INPUT"
	EventStepOutput         EventType = "STEP_OUTPUT"
	EventStepSuccess        EventType = "STEP_SUCCESS"
	EventStepFailure        EventType = "STEP_FAILURE"
	EventStepSkipped        EventType = "STEP_SKIPPED"
	EventStepUpForRetry     EventType = "STEP_UP_FOR_RETRY"
	EventStepRestarted      EventType = "STEP_RESTARTED"
	EventExpectation        EventType = "STEP_EXPECTATION_RESULT"
	EventStepWorkerStarting EventType = "STEP_WORKER_STARTING"
	EventStepWorkerStarted  EventType = "STEP_WORKER_STARTED"
	EventLoadedInput        EventType = "LOADED_INPUT"
	EventHandledOutput      EventType = "HANDLED_OUTPUT"

	EventMaterializationPlanned EventType = "ASSET_MATERIALIZATION_PLANNED"
	EventMaterialization        EventType = "ASSET_MATERIALIZATION"
	EventObservation            EventType = "ASSET_OBSERVATION"
	EventCheckPlanned           EventType = "ASSET_CHECK_EVALUATION_PLANNED"
	EventCheck                  EventType = "ASSET_CHECK_EVALUATION"

	EventResourceInitStarted EventType = "RESOURCE_INIT_STARTED"
	EventResourceInitSuccess EventType = "RESOURCE_INIT_SUCCESS"
	EventResourceInitFailure EventType = "RESOURCE_INIT_FAILURE"

	EventHookCompleted EventType = "HOOK_COMPLETED"
	EventHookErrored   EventType = "HOOK_ERRORED"
	EventHookSkipped   EventType = "HOOK_SKIPPED"

	EventLogsCaptured EventType = "LOGS_CAPTURED"
	EventEngine       EventType = "ENGINE_EVENT"
	EventLog          EventType = "LOG" // a line of dag.Log
)

// RunEvents are the types of events that stand for a change of a run's status.
func RunEvents() []EventType {
	return []EventType{EventRunEnqueued, EventRunDequeued, EventRunStarting, EventRunStart, EventRunSuccess, EventRunFailure, EventRunCanceling, EventRunCanceled}
}

// An Event is one entry of a run's log. Seq counts 1, 2, 3 ... within a run without gaps; the Store assigns it.
type Event struct {
	RunID     string
	Seq       int64
	Time      time.Time
	Type      EventType
	StepKey   string
	Level     string // "DEBUG", "INFO", "WARN", "ERROR"
	Message   string
	Data      []byte // JSON, specific to the type; nil for none
	Asset     string // key of the asset that it is about; empty for none
	Partition string // of that asset; empty for none
	Noted     bool   // on its way in: it is a note, and nothing else may know of the asset. So is every event without a run
}

// An AssetFilter selects keys of assets, in their order. The zero AssetFilter selects all.
type AssetFilter struct {
	Prefix string // what they begin with
	After  string // only keys behind this one
	Limit  int    // 0: all
}

// A Cursor is a place in the events of all runs, in the order in which they became durable: the number of an event. An event that is
// appended later has a higher one, whichever run it is of, and a number is never used again; so a cursor stays valid for ever.
type Cursor int64

// An EventRecord is an event with where it is stored.
type EventRecord struct {
	Event
	Number Cursor // storage id
	Job    string // of its run; empty for assets
}

// An EventFilter selects events of all runs; all set fields must hold. The zero EventFilter selects the newest 100.
type EventFilter struct {
	RunID      string
	Job        string
	StepKey    string
	Types      []EventType
	Levels     []string // "DEBUG", "INFO", "WARN", "ERROR"
	Asset      string
	Partitions []string // of that asset

	After, Before         Cursor    // only events between these; 0 for no bound
	AfterTime, BeforeTime time.Time // both exclusive

	Ascending bool // the oldest first, else the newest
	Limit     int  // 0: 100
}

// An EventPage is a part of the events that a filter selects. The rest follows a filter whose After (where it is ascending, else Before)
// is Cursor; after the last page, that filter also finds what is appended later.
type EventPage struct {
	Records []EventRecord
	Cursor  Cursor // of the last record; that of the filter where there is none
	More    bool   // there are more now
}

// DefaultEventLimit is the limit of an EventFilter that has none.
const DefaultEventLimit = 100

// Matches reports whether the filter selects a record, its order and limit aside.
func (f *EventFilter) Matches(e *EventRecord) bool {
	return (f.RunID == "" || e.RunID == f.RunID) &&
		(f.Job == "" || e.Job == f.Job) &&
		(f.StepKey == "" || e.StepKey == f.StepKey) &&
		(len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) &&
		(len(f.Levels) == 0 || slices.Contains(f.Levels, e.Level)) &&
		(f.Asset == "" || e.Asset == f.Asset) &&
		(len(f.Partitions) == 0 || slices.Contains(f.Partitions, e.Partition)) &&
		(f.After == 0 || e.Number > f.After) &&
		(f.Before == 0 || e.Number < f.Before) &&
		(f.AfterTime.IsZero() || e.Time.After(f.AfterTime)) &&
		(f.BeforeTime.IsZero() || e.Time.Before(f.BeforeTime))
}

// Page makes a page of what was found for a filter, one record more than its limit standing for the rest.
func (f *EventFilter) Page(found []EventRecord) EventPage {
	p := EventPage{Records: found, Cursor: f.Before}
	if f.Ascending {
		p.Cursor = f.After
	}
	if n := f.Most(); len(found) > n {
		p.Records, p.More = found[:n], true
	}
	if n := len(p.Records); n > 0 {
		p.Cursor = p.Records[n-1].Number
	}
	return p
}

// Most is how many records a page has at most.
func (f *EventFilter) Most() int {
	if f.Limit <= 0 {
		return DefaultEventLimit
	}
	return f.Limit
}
