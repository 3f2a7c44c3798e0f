package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// What has become of a job since a run.
const (
	jobAsNow   = "as now"
	jobChanged = "changed since"
	jobGone    = "not in this binary any more"
)

// A runJob is the job of a run as it was.
type runJob struct {
	RunID string `json:"run_id"`
	Since string `json:"since"` // "as now", "changed since" or "not in this binary any more"
	*execute.JobSnapshot
}

// runJob reads the job snapshot of a run, and holds it against what the binary has now.
func (a *app) runJob(cmd *cobra.Command, inst *instance.Instance, id string) (*runJob, error) {
	run, err := a.findRun(cmd, inst, id)
	if err != nil {
		return nil, err
	}
	s, err := execute.SnapshotOf(cmd.Context(), inst, run)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, usage(cmd, fmt.Errorf("run %s was recorded without its job: by an older release", run.ID))
	}
	if err != nil {
		return nil, err
	}
	out := &runJob{RunID: run.ID, Since: jobGone, JobSnapshot: s}
	if cat, err := a.catalog(); err == nil {
		if _, now, err := execute.Snapshot(cat, run.Job); err == nil {
			if out.Since = jobChanged; now == run.Snapshot {
				out.Since = jobAsNow
			}
		}
	}
	return out, nil
}

func (r *runJob) view(l look) []string {
	head := &table{columns: []column{{}, {wrap: true}}}
	row := func(label, value string) {
		if value != "" {
			head.add(styled(label, dim), text(value))
		}
	}
	row("run", r.RunID)
	row("job", r.Job)
	row("", r.Description)
	row("is", r.Since)
	row("tags", strings.Join(sortedTags(r.Tags), ", "))
	row("gives", strings.Join(r.Outputs, ", "))
	t := &table{columns: []column{{title: "STEP"}, {title: "OP"}, {title: "CODE"}, {title: "FROM", wrap: true}}}
	for i := range r.Steps {
		s := &r.Steps[i]
		t.add(text(s.Key), text(s.Symbol), styled(shortCode(s.Code), dim), text(strings.Join(s.From, ", ")))
	}
	return append(append(head.render(l), ""), t.render(l)...)
}

// shortCode is a version of code for people.
func shortCode(code string) string {
	if digest, ok := strings.CutPrefix(code, "sha256:"); ok && len(digest) > 12 {
		return digest[:12]
	}
	return code
}
