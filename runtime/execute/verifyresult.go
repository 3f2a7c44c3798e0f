package execute

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute/differ"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// What [Verify] found out about a step.
const (
	VerifySame    = "same"    // each time it gave what is stored
	VerifyDiffers = "differs" // it gave something else, at least once
	VerifyFails   = "fails"   // it failed, at least once
	VerifySkipped = "skipped" // it was not computed
)

// What a difference was found to depend on.
const (
	CauseEnvironment = "environment" // on what Environment names, and it is the same each time
	CauseRuns        = "runs"        // on chance: it differs from run to run, where Environment is not empty only there
	CauseCalls       = "calls"       // on how often the function was called in its process
	CauseElsewhere   = "elsewhere"   // on nothing that Verify changes: it is the same in every environment, and not what is stored
)

// A VerifyResult is what a [Verify] found.
type VerifyResult struct {
	Job          string         // empty for assets
	Steps        []VerifiedStep // in plan order; steps that are not in the sample are left out
	Stored       int            // how many steps could have been verified
	Sample       int            // how many of them were asked for; 0 for all
	Seed         uint64
	Times        int
	Environments [][]string // what was changed, such as "TZ=Pacific/Chatham": a step is computed in one after the other
	Elapsed      time.Duration
}

// A VerifiedStep is a step that was computed again, or why it was not.
type VerifiedStep struct {
	Key         string
	Op          *dag.Op
	Version     canon.Digest
	Result      string             // same, differs, fails or skipped
	Because     string             // of a skipped one: why
	Differences []OutputDifference // of one that differs: one for each such output, as it was first seen
	Error       string             // of one that fails
	Stack       string             // of a panic: the user's frames
	Cause       string             // of one that differs or fails: one of the Cause constants
	Environment []string           // see Cause
	Notes       []string           // what else differs, and is no part of the promise: metadata
	Elapsed     time.Duration      // all of it

	step *plan.Step
}

// An OutputDifference is where an output differs from what is stored.
type OutputDifference struct {
	Output string `json:"output"`
	differ.Difference
}

// Counts returns how many steps gave what is stored, gave something else, failed and were skipped.
func (r *VerifyResult) Counts() (same, differs, fails, skipped int) {
	for i := range r.Steps {
		switch r.Steps[i].Result {
		case VerifySame:
			same++
		case VerifyDiffers:
			differs++
		case VerifyFails:
			fails++
		case VerifySkipped:
			skipped++
		}
	}
	return same, differs, fails, skipped
}

// Err returns nil if every step that was computed gave what is stored, else a [*VerifyError].
func (r *VerifyResult) Err() error {
	e := &VerifyError{}
	for i := range r.Steps {
		switch s := &r.Steps[i]; s.Result {
		case VerifySame, VerifySkipped:
			e.Of++
		default:
			e.Of++
			e.Steps = append(e.Steps, s)
		}
	}
	if e.Steps == nil {
		return nil
	}
	return e
}

// drop leaves out the steps that were not reached, and returns how many were.
func (r *VerifyResult) drop() (reached, of int) {
	of = len(r.Steps)
	r.Steps = slices.DeleteFunc(r.Steps, func(s VerifiedStep) bool { return s.Result == "" })
	return len(r.Steps), of
}

// A VerifyError says that steps do not give what is stored.
type VerifyError struct {
	Steps []*VerifiedStep // those, in plan order
	Of    int             // how many were looked at
}

// Error has a line for each step.
func (e *VerifyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %s", len(e.Steps), steps(e.Of))
	b.WriteString(" did not give what is stored")
	for i, s := range e.Steps {
		if i == 10 {
			fmt.Fprintf(&b, "\nand %d more", len(e.Steps)-i)
			break
		}
		b.WriteString("\n" + s.Key + ": " + strings.Join(s.Lines(), "; "))
	}
	return b.String()
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprint(n, " steps")
}

// Lines says for people what was found, a line for each output that differs: "output result differs at [3].Mean: 4.25 stored, 4.5 now
// (TZ=Pacific/Chatham)". A step that gave what is stored has none.
func (s *VerifiedStep) Lines() []string {
	var lines []string
	switch s.Result {
	case VerifySkipped:
		return []string{s.Because}
	case VerifyFails:
		lines = []string{"fails now: " + firstLine(s.Error)}
	case VerifyDiffers:
		for i := range s.Differences {
			d := &s.Differences[i]
			lines = append(lines, "output "+d.Output+" "+d.String())
		}
	default:
		return nil
	}
	lines[0] += " (" + s.why() + ")"
	return lines
}

// why says what the difference depends on.
func (s *VerifiedStep) why() string {
	where := strings.Join(s.Environment, ", ")
	switch s.Cause {
	case CauseEnvironment:
		return where
	case CauseCalls:
		return "differs from call to call in one process"
	case CauseElsewhere:
		return "in every environment"
	}
	if where != "" {
		return "differs from run to run with " + where
	}
	return "differs from run to run"
}

// MarshalJSON writes {"job","stored","sample","seed","times","environments","steps":[{"key","version","result","seconds",...}],"counts","seconds"}, as
// docs/cli.md has it.
func (r *VerifyResult) MarshalJSON() ([]byte, error) {
	type step struct {
		Key         string             `json:"key"`
		Version     *string            `json:"version"`
		Result      string             `json:"result"`
		Seconds     float64            `json:"seconds"`
		Because     *string            `json:"because,omitempty"`
		Differences []OutputDifference `json:"differences,omitempty"`
		Error       *string            `json:"error,omitempty"`
		Stack       *string            `json:"stack,omitempty"`
		Cause       *string            `json:"cause,omitempty"`
		Environment []string           `json:"environment,omitempty"`
		Notes       []string           `json:"notes,omitempty"`
	}
	type counts struct {
		Same    int `json:"same"`
		Differs int `json:"differs"`
		Fails   int `json:"fails"`
		Skipped int `json:"skipped"`
	}
	doc := struct {
		Job          *string    `json:"job"`
		Stored       int        `json:"stored"`
		Sample       *int       `json:"sample"`
		Seed         *uint64    `json:"seed"`
		Times        int        `json:"times"`
		Environments [][]string `json:"environments"`
		Steps        []step     `json:"steps"`
		Counts       counts     `json:"counts"`
		Seconds      float64    `json:"seconds"`
	}{Job: optional(r.Job), Stored: r.Stored, Times: r.Times, Environments: r.Environments, Steps: make([]step, len(r.Steps)), Seconds: r.Elapsed.Seconds()}
	if r.Sample > 0 {
		doc.Sample, doc.Seed = &r.Sample, &r.Seed
	}
	c := &doc.Counts
	c.Same, c.Differs, c.Fails, c.Skipped = r.Counts()
	for i := range r.Steps {
		s := &r.Steps[i]
		doc.Steps[i] = step{
			Key: s.Key, Version: digestText(s.Version), Result: s.Result, Seconds: s.Elapsed.Seconds(), Because: optional(s.Because), Differences: s.Differences,
			Error: optional(s.Error), Stack: optional(s.Stack), Cause: optional(s.Cause), Environment: s.Environment, Notes: s.Notes,
		}
	}
	return json.Marshal(doc)
}
