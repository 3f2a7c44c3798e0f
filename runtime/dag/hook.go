package dag

import "context"

// A Hook is a function marked //dag:hook: called when a step that has it has succeeded, or has failed for good (Dagster's HookDefinition). It is no
// part of a version, and changes nothing about the step: an error of it is recorded, and the run goes on.
type Hook struct {
	Key         string
	Symbol      string
	Description string
	On          HookOn
	Resources   []ResourceUse

	// Invoke calls the user's function: c.In[0] is the HookContext.
	Invoke func(ctx context.Context, c *Call) error
}

// HookOn says what a hook is called for.
type HookOn string

// What hooks are called for.
const (
	HookOnBoth    HookOn = ""
	HookOnSuccess HookOn = "success"
	HookOnFailure HookOn = "failure"
)

// A HookContext tells a hook what happened (Dagster's HookContext).
type HookContext struct {
	Hook        string // key
	RunID       string
	JobKey      string // empty for assets
	StepKey     string
	Op          *Op
	Config      any               // of the op
	Tags        map[string]string // of the step
	RunTags     map[string]string
	RetryNumber int // how often the step had been tried before
	// Err is why the step failed; nil where it succeeded. errors.Is and errors.As find what the function returned.
	Err error
	// Outputs are the values of a step that succeeded, by name. They belong to others: do not modify them.
	Outputs map[string]any
	// Metadata is what was recorded for the outputs, by name.
	Metadata map[string][]MetadataEntry
}

// Success reports whether the step succeeded.
func (h HookContext) Success() bool { return h.Err == nil }
