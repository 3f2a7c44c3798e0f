package dag

import (
	"context"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// An Expectation is the result of a test that a body makes of its data (Dagster's ExpectationResult). It is recorded in the event log and changes nothing by
// itself.
type Expectation struct {
	Label       string          `json:"label"` // what was expected: "no_duplicates"
	Success     bool            `json:"success"`
	Description string          `json:"description,omitempty"` // what was found
	Metadata    []MetadataEntry `json:"metadata,omitempty"`
}

// An ExpectationError is what [Expect] returns for an expectation that is not met.
type ExpectationError struct{ Expectation Expectation }

// Error says what was expected and what was found.
func (e *ExpectationError) Error() string {
	text := "expectation " + e.Expectation.Label + " is not met"
	if d := e.Expectation.Description; d != "" {
		text += ": " + d
	}
	return text
}

// Expect records an expectation with the current step. One that is not met is returned as an [*ExpectationError], for a body that fails for it; a body that does not, goes
// on. Outside a run nothing is recorded. A reused step does not record again.
func Expect(ctx context.Context, e Expectation) error {
	e.Label, e.Description, e.Metadata = mask.Hide(e.Label), mask.Hide(e.Description), MaskedMetadata(e.Metadata)
	if s := scopeOf(ctx); s != nil && s.Expect != nil {
		s.Expect(e)
	}
	if e.Success {
		return nil
	}
	return &ExpectationError{e}
}
