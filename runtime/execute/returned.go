package execute

import (
	"context"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Returned is one result of a job: what the job's function returns under that name.
type Returned struct {
	Name  string
	Type  *dag.Type
	Value any // of the Go type of Type; a [dag.File] is the stored one
}

// Returned reads the results of the job, in the order of the function, also where the steps that made them were reused. A run of
// assets, of a selection or without success has none. The instance of the run must still be open.
func (res *Result) Returned(ctx context.Context) ([]Returned, error) {
	r := res.run
	if r == nil || r.target.Job == nil || r.opts.Select != "" || !res.Success() {
		return nil, nil
	}
	values, err := res.jobOutputs(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Returned, len(values))
	for i, v := range values {
		o := &r.target.Job.Outputs[i]
		out[i] = Returned{o.Name, o.Type, v}
	}
	return out, nil
}
