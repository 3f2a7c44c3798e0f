package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func (a *app) assetsObserveCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "observe [SOURCE...]",
		Short: "Look at sources, all or some, and record what their data is now; nothing is computed",
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			cat, err := a.catalog()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var keys []string
			for _, op := range sourcesOf(cat) {
				if !slices.Contains(args, op.Key) {
					keys = append(keys, op.Key)
				}
			}
			return keys, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			if f.selection, err = observed(cmd, cat, args, f.partition != ""); err != nil {
				return err
			}
			return a.run(cmd, "", &f)
		},
	}
	f.config.add(a, cmd)
	f.addPartition(cmd)
	cmd.Flags().StringArrayVar(&f.tags, "tag", nil, "put a tag `KEY=VALUE` on the run")
	return cmd
}

// sourcesOf are those of a catalog, in plan order.
func sourcesOf(cat *plan.Catalog) (ops []*dag.Op) {
	for _, op := range cat.Assets() {
		if op.Kind == dag.KindSource {
			ops = append(ops, op)
		}
	}
	return ops
}

// observed is the selection of sources without their checks: those with these keys; with none all of them, where those with partitions are left out unless a partition is given.
func observed(cmd *cobra.Command, cat *plan.Catalog, keys []string, partition bool) (string, error) {
	if len(keys) == 0 {
		for _, op := range sourcesOf(cat) {
			if op.Partitions == nil || partition {
				keys = append(keys, op.Key)
			}
		}
		if len(keys) == 0 {
			if len(sourcesOf(cat)) > 0 {
				return "", usage(cmd, errors.New("all sources have partitions; say which ones are meant with --partition KEY"))
			}
			return "", &plan.Error{Problems: []plan.Problem{{Code: "nothing", Message: "no package given to this binary has a source"}}}
		}
	}
	var clauses []string
	var wrong []error
	for _, key := range keys {
		op, _, ok := cat.AssetOp(key)
		switch {
		case !ok:
			wrong = append(wrong, usage(cmd, unknownAsset(key, cat)))
			continue
		case op.Kind != dag.KindSource:
			wrong = append(wrong, usage(cmd, fmt.Errorf("asset %s is computed here, not observed; bring it up to date with materialize --select %s", key, plan.Clause(key))))
			continue
		}
		clause := plan.Clause(key)
		if len(cat.Checks(key)) > 0 {
			clause = "(" + clause + " and not check:" + clause + ")"
		}
		clauses = append(clauses, clause)
	}
	return strings.Join(clauses, " or "), errors.Join(wrong...)
}
