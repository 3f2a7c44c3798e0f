package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (a *app) assetsReportCommand() *cobra.Command {
	e := instance.AssetEvent{Type: storage.EventMaterialization}
	var observed bool
	var version string
	var metadata []string
	cmd := &cobra.Command{
		Use:   "report ASSET",
		Short: "Record that something outside of this pipeline made or saw an asset",
		Long: "Record a materialization of an asset, or an observation, that happened outside of any run. What is made from an external source runs again when another data version is reported of it;\n" +
			"of any other asset the report is a note, which no plan relies on.",
		Args:              arguments("", "the key of an asset"),
		ValidArgsFunction: a.completeAssets,
		RunE: func(cmd *cobra.Command, args []string) error {
			e.Asset, e.DataVersion = args[0], dag.DataVersion(version)
			if observed {
				e.Type = storage.EventObservation
			}
			for _, m := range metadata {
				label, v, ok := strings.Cut(m, "=")
				if !ok || label == "" {
					return usage(cmd, fmt.Errorf("--metadata %q is not LABEL=TEXT", m))
				}
				e.Metadata = append(e.Metadata, dag.Text(label, v))
			}
			op, err := a.checkReport(&e)
			if err != nil {
				return usage(cmd, err)
			}
			inst, err := a.open(cmd.Context(), func() error { return nil })
			if err != nil {
				return err
			}
			e.Time = a.now()
			if err = a.checkReported(cmd, inst, op, &e); err == nil {
				err = inst.ReportAssetEvent(cmd.Context(), e)
			}
			if err = closed(err, inst); err != nil {
				return err
			}
			out := &reportedAsset{Asset: e.Asset, Partition: e.Partition, Type: e.Type, DataVersion: version, Time: e.Time.UTC()}
			return a.result(out, out.view)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&observed, "observed", false, "it was looked at, not made")
	f.StringVar(&version, "data-version", "", "`TEXT` that names the state of the data: as long as it is the same, so is the data")
	f.StringVarP(&e.Partition, "partition", "p", "", "the `KEY` of the partition")
	f.StringVarP(&e.Description, "message", "m", "", "`TEXT` for people")
	f.StringArrayVar(&metadata, "metadata", nil, "a fact `LABEL=TEXT` to show")
	return cmd
}

// checkReport holds a report to what the code says of the asset, which it returns.
func (a *app) checkReport(e *instance.AssetEvent) (*dag.Op, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	op, _, ok := cat.AssetOp(e.Asset)
	switch {
	case !ok:
		return nil, unknownAsset(e.Asset, cat)
	case op.External && op.Partitions != nil && e.Partition == "":
		return nil, fmt.Errorf("asset %q has partitions; say which one with --partition KEY", e.Asset)
	case op.Partitions == nil && e.Partition != "":
		return nil, fmt.Errorf("asset %q has no partitions; leave --partition out", e.Asset)
	case op.External && e.Type == storage.EventObservation && e.DataVersion == "":
		return nil, errors.New("an observation of an external source says which data it saw: --data-version TEXT")
	}
	return op, nil
}

// checkReported holds the partition of a report to those that there are: of one that is not, no plan would ever hear.
func (a *app) checkReported(cmd *cobra.Command, inst *instance.Instance, op *dag.Op, e *instance.AssetEvent) error {
	if e.Partition == "" {
		return nil
	}
	e.Partition = partition.Unquote(e.Partition)
	space, err := op.Partitions.Resolve(execute.PartitionsAt(cmd.Context(), inst, e.Time))
	if err != nil {
		return err
	}
	if _, err := space.Find(e.Partition); err != nil {
		return usage(cmd, fmt.Errorf("asset %q: %w", e.Asset, err))
	}
	return nil
}

// A reportedAsset is what was recorded.
type reportedAsset struct {
	Asset       string            `json:"asset"`
	Partition   string            `json:"partition,omitempty"`
	Type        storage.EventType `json:"type"`
	DataVersion string            `json:"data_version,omitempty"` // as it was reported
	Time        time.Time         `json:"time"`
}

func (r *reportedAsset) view(look) []string {
	what := "materialization"
	if r.Type == storage.EventObservation {
		what = "observation"
	}
	of := []string{"recorded a", what, "of", escape(r.Asset)}
	if what == "observation" {
		of[0] = "recorded an"
	}
	if r.Partition != "" {
		of = slices.Concat(of, []string{"partition", escape(r.Partition)})
	}
	return []string{strings.Join(of, " ")}
}
