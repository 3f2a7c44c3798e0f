package dag

import (
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// A CheckResult is what a function marked //dag:check says of an asset's value (Dagster's AssetCheckResult). A function that returns a bool says Passed alone.
type CheckResult struct {
	Passed      bool
	Severity    CheckSeverity   // of a result that did not pass; empty for what the directive says
	Description string          // what was found
	Metadata    []MetadataEntry // facts to show: how many rows, which ones
}

// A CheckSeverity is how bad it is that a check did not pass (Dagster's AssetCheckSeverity).
type CheckSeverity string

// The severities of a [CheckResult].
const (
	CheckWarn  CheckSeverity = "WARN"  // worth a look; blocks nothing
	CheckError CheckSeverity = "ERROR" // the asset is not to be used; a blocking check stops what is made from it
)

// A CheckDef is what an op of kind [KindCheck] says beside how it is computed (the role of Dagster's AssetCheckSpec). It is no part of a version: another severity judges what is recorded
// anew, and nothing is computed for it.
type CheckDef struct {
	Asset    string // key of the asset that is checked
	Name     string // unique among the checks of the asset
	Severity CheckSeverity
	Blocking bool
}

// A CheckEvaluation is a [CheckResult] with what it is about (Dagster's AssetCheckEvaluation).
type CheckEvaluation struct {
	Asset       string          `json:"asset"`
	Check       string          `json:"check"`
	Passed      bool            `json:"passed"`
	Severity    CheckSeverity   `json:"severity"`
	Blocking    bool            `json:"blocking"`
	Description string          `json:"description,omitempty"`
	Metadata    []MetadataEntry `json:"metadata,omitempty"`
}

// Evaluate takes a result as one of this check. The error is one of a severity that there is not.
func (c *CheckDef) Evaluate(r CheckResult) (*CheckEvaluation, error) {
	e := &CheckEvaluation{Asset: c.Asset, Check: c.Name, Passed: r.Passed, Severity: r.Severity, Blocking: c.Blocking, Description: r.Description, Metadata: r.Metadata}
	switch e.Severity {
	case "":
		e.Severity = c.Severity
	case CheckWarn, CheckError:
	default:
		return nil, fmt.Errorf("check %s of %s gave the severity %q; there are %s and %s", c.Name, c.Asset, r.Severity, CheckWarn, CheckError)
	}
	return e, nil
}

// Blocks reports whether nothing is to be made from the asset.
func (e *CheckEvaluation) Blocks() bool {
	return e.Blocking && !e.Passed && e.Severity == CheckError
}

// Verdict says in a word or two what came out: "passed", "failed", "failed (warn)"; and in the same line what was found.
func (e *CheckEvaluation) Verdict() string {
	text := "passed"
	if !e.Passed {
		if text = "failed"; e.Severity == CheckWarn {
			text = "failed (warn)"
		}
	}
	if line, _, _ := strings.Cut(e.Description, "\n"); line != "" {
		text += ": " + line
	}
	return text
}

// A CheckFailedError is why a step of a blocking check failed whose result did not pass (the role of Dagster's DagsterAssetCheckFailedError).
type CheckFailedError struct{ Evaluation *CheckEvaluation }

// Error says which check of which asset did not pass, and what it found.
func (e *CheckFailedError) Error() string {
	text := fmt.Sprintf("blocking check %s of %s did not pass", e.Evaluation.Check, e.Evaluation.Asset)
	if d := e.Evaluation.Description; d != "" {
		text += ": " + d
	}
	return text
}

// CheckOutput is the output of every check. It is for generated code, and not to be modified.
var CheckOutput = Output{Name: "result", Type: TypeOf[CheckResult]("github.com/dagstergen/dagstergen/runtime/dag.CheckResult")}

// GiveCheck takes what a check returned, with secrets masked. It is for generated code only.
func GiveCheck(c *Call, r CheckResult, err error) error {
	if err != nil {
		return err
	}
	r.Description, r.Metadata = mask.Hide(r.Description), MaskedMetadata(r.Metadata)
	c.Out[0] = r
	return nil
}
