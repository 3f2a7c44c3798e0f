package storage

import (
	"encoding/json"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// The data of events: one type for each kind of data, JSON with stable names. Fields may be added; none is renamed or removed. Versions and
// digests are "sha256:" with 64 hexadecimal digits, durations are seconds.

// RunStartData is the data of RUN_ENQUEUED, RUN_DEQUEUED, RUN_STARTING, RUN_START and RUN_CANCELING: what the run is of, and who asked where that
// is known.
type RunStartData struct {
	Job       string `json:"job,omitempty"`
	Selection string `json:"selection,omitempty"`
	Because   string `json:"because,omitempty"` // of RUN_CANCELING: "asked by another process", "stopped by interrupt"
}

// RunEndData is the data of RUN_SUCCESS, RUN_FAILURE and RUN_CANCELED.
type RunEndData struct {
	Ran     int     `json:"ran"`
	Reused  int     `json:"reused"`
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
	Seconds float64 `json:"seconds"`
	Cause   string  `json:"cause,omitempty"` // of a run that nobody ended: "crashed"
}

// StepStartData is the data of STEP_START and STEP_RESTARTED.
type StepStartData struct {
	Version     string   `json:"version,omitempty"`      // of the step
	Reasons     []string `json:"reasons,omitempty"`      // why it runs
	RetryNumber int      `json:"retry_number,omitempty"` // of STEP_RESTARTED: 1 for the first retry
}

// StepInputData is the data of STEP_INPUT and LOADED_INPUT.
type StepInputData struct {
	Input       string         `json:"input"`
	From        string         `json:"from,omitempty"` // step or asset
	DataVersion string         `json:"data_version,omitempty"`
	Type        string         `json:"type"`                 // Go type
	TypeCheck   *dag.TypeCheck `json:"type_check,omitempty"` // of a value that says itself whether it is right
}

// StepOutputData is the data of STEP_OUTPUT.
type StepOutputData struct {
	Output      string         `json:"output"`
	Version     string         `json:"version,omitempty"`
	DataVersion string         `json:"data_version,omitempty"`
	Said        string         `json:"said_data_version,omitempty"` // as the step said it, where it did
	Type        string         `json:"type"`                        // Go type
	TypeCheck   *dag.TypeCheck `json:"type_check,omitempty"`        // of a value that says itself whether it is right
}

// HandledOutputData is the data of HANDLED_OUTPUT.
type HandledOutputData struct {
	Output string `json:"output"`
	Size   int64  `json:"size"` // bytes
	Blob   string `json:"blob,omitempty"`
	Codec  string `json:"codec,omitempty"`
	File   string `json:"file,omitempty"` // name of a dag.File
	IO     string `json:"io,omitempty"`   // key of the IO manager; empty for the default one
}

// StepSuccessData is the data of STEP_SUCCESS.
type StepSuccessData struct {
	Seconds float64 `json:"seconds"`
}

// StepFailureData is the data of STEP_FAILURE.
type StepFailureData struct {
	Error   string  `json:"error"`             // the whole chain
	Where   string  `json:"where"`             // what failed: "op", "io manager", ...
	Retries int     `json:"retries,omitempty"` // that were made before
	Stack   string  `json:"stack,omitempty"`
	Seconds float64 `json:"seconds"`

	// Of a dag.Failure:
	Description string              `json:"description,omitempty"`
	Metadata    []dag.MetadataEntry `json:"metadata,omitempty"`
}

// StepRetryData is the data of STEP_UP_FOR_RETRY: how the step failed, and when it is computed again.
type StepRetryData struct {
	Error       string  `json:"error"`
	Where       string  `json:"where"`
	Stack       string  `json:"stack,omitempty"`
	RetryNumber int     `json:"retry_number"` // 1 for the first
	MaxRetries  int     `json:"max_retries"`
	Wait        float64 `json:"seconds_to_wait"`
	Seconds     float64 `json:"seconds"`

	// Of a dag.Failure:
	Description string              `json:"description,omitempty"`
	Metadata    []dag.MetadataEntry `json:"metadata,omitempty"`
}

// StepSkippedData is the data of STEP_SKIPPED.
type StepSkippedData struct {
	Because string `json:"because,omitempty"` // the step that failed or is skipped
	Code    string `json:"code,omitempty"`    // of one that is skipped although nothing failed: "branch", ...
}

// MaterializationData is the data of ASSET_MATERIALIZATION and ASSET_MATERIALIZATION_PLANNED, which has the asset alone.
type MaterializationData struct {
	Asset       string              `json:"asset"`
	Version     string              `json:"version,omitempty"`
	DataVersion string              `json:"data_version,omitempty"`
	Said        string              `json:"said_data_version,omitempty"` // as the step said it, where it did
	Metadata    []dag.MetadataEntry `json:"metadata,omitempty"`
}

// ObservationData is the data of ASSET_OBSERVATION.
type ObservationData struct {
	Asset       string              `json:"asset"`
	DataVersion string              `json:"data_version,omitempty"`
	Said        string              `json:"said_data_version,omitempty"` // as it was reported
	Text        string              `json:"text"`                        // what the source says of itself
	Metadata    []dag.MetadataEntry `json:"metadata,omitempty"`
}

// CheckPlannedData is the data of ASSET_CHECK_EVALUATION_PLANNED.
type CheckPlannedData struct {
	Asset string `json:"asset"`
	Check string `json:"check"` // its name
}

// CheckData is the data of ASSET_CHECK_EVALUATION: what the check said, and of which data of the asset.
type CheckData struct {
	dag.CheckEvaluation
	DataVersion string `json:"data_version,omitempty"`
	Partition   string `json:"partition,omitempty"` // that was checked; empty for none
}

// ResourceInitData is the data of RESOURCE_INIT_STARTED, RESOURCE_INIT_SUCCESS and RESOURCE_INIT_FAILURE.
type ResourceInitData struct {
	Resource string   `json:"resource"`
	Seconds  *float64 `json:"seconds,omitempty"` // how long it took; nil unless it is built
	Error    string   `json:"error,omitempty"`
	Stack    string   `json:"stack,omitempty"`
}

// StepWorkerData is the data of STEP_WORKER_STARTED: the process that computes steps.
type StepWorkerData struct {
	PID int `json:"pid"`
}

// LogsCapturedData is the data of LOGS_CAPTURED: whose output is kept, and how much.
type LogsCapturedData struct {
	Steps  []string `json:"steps,omitempty"`  // empty for all that the process printed
	Stdout int64    `json:"stdout,omitempty"` // bytes
	Stderr int64    `json:"stderr,omitempty"`
}

// EngineData is the data of ENGINE_EVENT: what it is about, where that is not a step.
type EngineData struct {
	Reused   []string `json:"reused,omitempty"`  // keys of steps
	Records  []int64  `json:"records,omitempty"` // numbers of the records that stand for them, in their order; 0 for a source
	Content  string   `json:"content,omitempty"` // of one step that is reused by the data of its inputs
	RunID    string   `json:"run_id,omitempty"`  // of the run that computed it
	Step     string   `json:"step,omitempty"`    // of this run that computed it
	Resource string   `json:"resource,omitempty"`
	Steps    []string `json:"steps,omitempty"` // keys of others that a step was computed with, by one call of their function
}

// HookData is the data of HOOK_COMPLETED, HOOK_ERRORED and HOOK_SKIPPED.
type HookData struct {
	Hook    string   `json:"hook"`              // key
	Seconds *float64 `json:"seconds,omitempty"` // how long it took; nil where it was not called
	Error   string   `json:"error,omitempty"`
	Stack   string   `json:"stack,omitempty"`
}

// ExpectationData is the data of STEP_EXPECTATION_RESULT.
type ExpectationData = dag.Expectation

// payloads make the data of each type of event whose fields are fixed.
var payloads = map[EventType]func() any{
	EventRunEnqueued: of[RunStartData], EventRunDequeued: of[RunStartData], EventRunStarting: of[RunStartData], EventRunStart: of[RunStartData],
	EventRunCanceling: of[RunStartData],
	EventRunSuccess:   of[RunEndData], EventRunFailure: of[RunEndData], EventRunCanceled: of[RunEndData],
	EventStepStart: of[StepStartData], EventStepInput: of[StepInputData], EventLoadedInput: of[StepInputData],
	EventStepOutput: of[StepOutputData], EventHandledOutput: of[HandledOutputData],
	EventStepRestarted: of[StepStartData], EventStepUpForRetry: of[StepRetryData],
	EventStepSuccess: of[StepSuccessData], EventStepFailure: of[StepFailureData], EventStepSkipped: of[StepSkippedData],
	EventMaterialization: of[MaterializationData], EventMaterializationPlanned: of[MaterializationData], EventObservation: of[ObservationData],
	EventCheckPlanned: of[CheckPlannedData], EventCheck: of[CheckData],
	EventResourceInitStarted: of[ResourceInitData], EventResourceInitSuccess: of[ResourceInitData], EventResourceInitFailure: of[ResourceInitData],
	EventExpectation:   of[ExpectationData],
	EventHookCompleted: of[HookData], EventHookErrored: of[HookData], EventHookSkipped: of[HookData],
	EventLogsCaptured:      of[LogsCapturedData],
	EventStepWorkerStarted: of[StepWorkerData], EventEngine: of[EngineData],
}

func of[T any]() any { return new(T) }

// Payload decodes the data of an event: a pointer to the type that this file has for the event's type, a map[string]any for LOG and for a type it
// has none for, nil where there is no data.
func (e *Event) Payload() (any, error) {
	if len(e.Data) == 0 {
		return nil, nil
	}
	var into any = &map[string]any{}
	if make, ok := payloads[e.Type]; ok {
		into = make()
	}
	if err := json.Unmarshal(e.Data, into); err != nil {
		return nil, fmt.Errorf("data of %s %d of run %s: %w", e.Type, e.Seq, e.RunID, err)
	}
	if m, ok := into.(*map[string]any); ok {
		return *m, nil
	}
	return into, nil
}
