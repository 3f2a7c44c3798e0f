package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (a *app) assetsStatusCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which assets are fresh, stale or missing, why, and where that begins",
		Long: "Show for each asset how it stands, why, where that begins, and what a run would do. Sources are observed, and nothing is written.\n\n" +
			"STATUS     compared with the assets above it as they are stored now\n" +
			"PROJECTED  compared with what those would be if all were brought up to date\n" +
			"PLAN       what `materialize` would do; maybe: it is reused if what runs above it gives the same data as before",
		Args: arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd, &f) },
	}
	f.config.add(a, cmd)
	a.selectFlag(cmd, &f.selection)
	f.addPartition(cmd)
	return cmd
}

func (a *app) status(cmd *cobra.Command, f *runFlags) error {
	cat, o, err := a.options(cmd, f)
	if err != nil {
		return err
	}
	st, err := a.assetStatus(cmd.Context(), cat, o)
	if err != nil {
		return err
	}
	v := &statusView{st, a.verbose}
	return a.result(v, v.view)
}

// assetStatus looks at the instance without writing to it.
func (a *app) assetStatus(ctx context.Context, cat *plan.Catalog, o execute.Options) (*plan.Status, error) {
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	o.Instance = inst
	st, err := execute.Status(ctx, cat, o)
	return st, closed(err, inst)
}

// statusView is a status with what its table needs beside it.
type statusView struct {
	*plan.Status
	all bool // fresh assets of a long list too
}

func freshnessStyle(f plan.Freshness) style {
	switch f {
	case plan.Stale:
		return yellow
	case plan.Missing:
		return red
	}
	return dim
}

// view shows a line for each asset, and what it comes to. Fresh assets of a long list are only counted, unless all are asked for.
func (v *statusView) view(l look) []string {
	t := &table{columns: []column{{title: "ASSET"}, {title: "STATUS"}, {title: "PROJECTED"}, {title: "PLAN"}, {title: "WHY", wrap: true}, {title: "BEGINS AT", wrap: true}}}
	left := 0
	var run, maybe []string // functions: several assets may be of one
	for i := range v.Assets {
		s := &v.Assets[i]
		switch {
		case s.Kind == dag.KindSource.String():
		case s.Action == plan.Run && !slices.Contains(run[max(0, len(run)-1):], s.Op):
			run = append(run, s.Op)
		case s.Action == plan.Maybe && !slices.Contains(maybe[max(0, len(maybe)-1):], s.Op):
			maybe = append(maybe, s.Op)
		}
		if s.Projected == plan.Fresh && s.Action == plan.Reuse && len(v.Assets) > mostReused && !v.all {
			left++
			continue
		}
		why := make([]string, len(s.Causes))
		for k, c := range s.Causes {
			if why[k] = c.Text; s.Partitions != nil {
				why[k] += " (" + group(int64(s.Partitions.Causes[k].Len())) + ")"
			}
		}
		roots := s.Roots
		if len(roots) > mostRoots && !v.all {
			roots = append(slices.Clone(roots[:mostRoots]), fmt.Sprintf("and %d more", len(roots)-mostRoots))
		}
		action := string(s.Action)
		if s.Kind == dag.KindSource.String() {
			action = "-" // it is observed, whatever it is
		}
		name := s.Key
		if s.Partition != "" {
			name = dag.PartitionStep(name, dag.PartitionKey(s.Partition))
		}
		t.add(text(name), styled(string(s.Status), freshnessStyle(s.Status)), styled(string(s.Projected), freshnessStyle(s.Projected)),
			styled(action, actionStyle(action)), texts(why), text(strings.Join(roots, ", ")))
	}
	lines := t.render(l)
	if left > 0 {
		lines = append(lines, l.paint("and "+plural(left, "fresh asset"), dim))
	}
	lines = append(lines, v.partitions(l)...)
	now, projected := v.Count()
	sum := fmt.Sprintf("%s fresh, %s stale, %s missing", group(int64(now[plan.Fresh])), group(int64(now[plan.Stale])), group(int64(now[plan.Missing])))
	if projected > 0 {
		sum += fmt.Sprintf("; to bring all up to date: %s to run, %s maybe", group(int64(len(run))), group(int64(len(maybe))))
	}
	if c := v.countPartitions(); c.total > 0 {
		sum += fmt.Sprintf("\n%s: %s fresh, %s stale, %s missing", plural(c.total, "partition"), group(int64(c.fresh)), group(int64(c.stale)), group(int64(c.missing)))
		if c.run+c.maybe > 0 {
			sum += fmt.Sprintf("; to bring all up to date: %s to run, %s maybe", group(int64(c.run)), group(int64(c.maybe)))
		}
	}
	lines = append(lines, "")
	for _, line := range strings.Split(sum, "\n") {
		lines = append(lines, l.paint(line, bold))
	}
	return lines
}

// mostRoots is how many places a line of a status names where staleness begins.
const mostRoots = 5

// outdated makes the selection of a run what is stale or missing of it; nothing reports that all is up to date.
func (a *app) outdated(ctx context.Context, cat *plan.Catalog, o *execute.Options) (nothing bool, err error) {
	st, err := a.assetStatus(ctx, cat, *o)
	if err != nil {
		return false, err
	}
	o.Select = st.Outdated()
	partitions, err := st.OutdatedPartitions()
	if err != nil || partitions.Empty() {
		return o.Select == "" && err == nil, err
	}
	if n := partitions.Len(); n > mostAtOnce {
		return false, fmt.Errorf("%s are stale or missing, and one run takes at most %s; choose some with --partition", plural(n, "partition"), group(mostAtOnce))
	}
	tags := map[string]string{plan.TagPartition: strings.Join(partitions.Terms(), ",")}
	maps.Copy(tags, o.Tags)
	o.Tags = tags
	return false, nil
}

// mostAtOnce is how many partitions --stale computes in one run, each of whose steps is planned at once.
const mostAtOnce = 10_000

// upToDate is the result of a command that had nothing to run: no run was made.
type upToDate struct {
	RunID  *string           `json:"run_id"`
	Job    *string           `json:"job"`
	Status storage.RunStatus `json:"status"`
	Steps  []struct{}        `json:"steps"`
}

func (a *app) nothingStale() error {
	return a.result(&upToDate{Status: storage.RunSuccess, Steps: []struct{}{}}, func(l look) []string {
		return []string{l.paint("nothing to run, all is up to date", bold)}
	})
}
