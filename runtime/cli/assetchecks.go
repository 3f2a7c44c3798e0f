package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A listedCheck is a check of an asset, as the code has it.
type listedCheck struct {
	Asset       string            `json:"asset"`
	Name        string            `json:"name"`
	Severity    dag.CheckSeverity `json:"severity"`
	Blocking    bool              `json:"blocking"`
	Description string            `json:"description"`
}

// checksOf lists the checks of an asset, or of all with an empty key.
func checksOf(cat *plan.Catalog, asset string) (all []listedCheck) {
	for _, op := range cat.Checks(asset) {
		all = append(all, listedCheck{op.Check.Asset, op.Check.Name, op.Check.Severity, op.Check.Blocking, op.Description})
	}
	return all
}

// kind says what a person should know of a check before it is made.
func (c *listedCheck) kind() string {
	kind := strings.ToLower(string(c.Severity))
	if c.Blocking {
		kind += ", blocking"
	}
	return kind
}

// A checkState is a check with what it said last.
type checkState struct {
	listedCheck
	Latest *checkedValue `json:"latest"` // null where it was never made
}

// A checkedValue is what a check said, when, and of which data.
type checkedValue struct {
	dag.CheckEvaluation
	Time        time.Time `json:"time"`
	RunID       string    `json:"run_id"`
	DataVersion string    `json:"data_version"`
	Current     bool      `json:"current"` // that is the data of the asset now
}

// checkStates reads what the checks of assets said last; made are the latest materializations by asset. Of an asset with partitions that is about the partition that was
// materialized last.
func checkStates(ctx context.Context, inst *instance.Instance, checks []*dag.Op, made map[string]*materialization) ([]checkState, error) {
	identities := make([]string, len(checks))
	for i, op := range checks {
		identities[i] = "asset:" + op.Key
		if m := made[op.Check.Asset]; m != nil && op.Partitions != nil {
			identities[i] = dag.PartitionStep(identities[i], dag.PartitionKey(m.Partition))
		}
	}
	records, err := inst.Store().Latest(ctx, identities)
	if err != nil {
		return nil, err
	}
	states := make([]checkState, len(checks))
	for i, op := range checks {
		states[i].listedCheck = listedCheck{op.Check.Asset, op.Check.Name, op.Check.Severity, op.Check.Blocking, op.Description}
		if r := records[identities[i]]; r != nil {
			states[i].Latest = checkedBy(ctx, inst, op, r, made[op.Check.Asset])
		}
	}
	return states, nil
}

// checkedBy reads the result that a record has; nil where it cannot be read: the next run makes the check again.
func checkedBy(ctx context.Context, inst *instance.Instance, op *dag.Op, r *storage.Record, made *materialization) *checkedValue {
	out := plan.OutputOf(r, op.Outputs[0].Name)
	if out == nil {
		return nil
	}
	v, err := inst.IO().Load(ctx, out, op.Outputs[0].Type)
	result, ok := v.(dag.CheckResult)
	if err != nil || !ok {
		return nil
	}
	e, err := op.Check.Evaluate(result)
	if err != nil {
		return nil
	}
	c := &checkedValue{CheckEvaluation: *e, Time: r.Time.UTC(), RunID: r.RunID}
	for i := range r.Inputs {
		if in := &r.Inputs[i]; in.From == op.Check.Asset {
			c.DataVersion = in.DataVersion.String()
		}
	}
	switch {
	case made == nil:
	case made.DataVersion == "": // of an asset without a value
		c.Current = !r.Time.Before(made.Time)
	default:
		c.Current = c.DataVersion == made.DataVersion
	}
	return c
}

// checkMark says in a few words how the checks of an asset went: "1 failed, 2 passed".
func checkMark(states []checkState) string {
	var failed, warned, passed, open int
	for i := range states {
		switch l := states[i].Latest; {
		case l == nil || !l.Current:
			open++
		case l.Passed:
			passed++
		case l.Severity == dag.CheckWarn:
			warned++
		default:
			failed++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{failed, "failed"}, {warned, "warned"}, {passed, "passed"}, {open, "not checked"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// checkTable shows the checks of an asset with what they said last.
func checkTable(states []checkState, l look) []string {
	t := &table{columns: []column{{title: "CHECK"}, {title: "SEVERITY"}, {title: "LAST"}, {title: "RESULT", wrap: true}}}
	for i := range states {
		c := &states[i]
		last, lines, st := "never", []string{}, plain
		if v := c.Latest; v != nil {
			last, st = shortTime(v.Time, l), verdictStyle(&v.CheckEvaluation)
			lines = verdictLines(&v.CheckEvaluation)
			if !v.Current {
				lines[0] += " (of other data than the latest)"
			}
		}
		result := texts(lines)
		result.style = st
		t.add(text(c.Name), styled(c.kind(), dim), text(last), result)
	}
	return t.render(l)
}

func verdictStyle(e *dag.CheckEvaluation) style {
	switch {
	case e.Passed:
		return green
	case e.Severity == dag.CheckWarn:
		return yellow
	}
	return red
}

// verdictLines are what came of a check, and the facts that it recorded.
func verdictLines(e *dag.CheckEvaluation) []string {
	lines := []string{e.Verdict()}
	if facts := shortMetadata(e.Metadata); facts != "" {
		lines = append(lines, facts)
	}
	return lines
}

// notPassed is the end of a summary: how many checks did not pass that fail nothing.
func notPassed(steps []execute.StepResult) string {
	n := 0
	for i := range steps {
		if c := steps[i].Check; c != nil && !c.Passed && steps[i].Status != execute.StatusFailure {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return plural(n, "check") + " not passed"
}
