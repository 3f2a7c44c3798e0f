package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (a *app) assetsPartitionsCommand() *cobra.Command {
	selection := "*"
	cmd := &cobra.Command{
		Use:   "partitions ASSET",
		Short: "Show which partitions an asset has, and which of them are stored",
		Long: "Show which partitions an asset has, and which of them are stored. Ranges are written as FROM...TO, with both ends.\n\n" +
			"--partition takes a key, a range FROM...TO, FROM... or ...TO, or a list of these with commas; of several dimensions DIM=KEYS|DIM=KEYS. A key with commas or the like stands in quotes.",
		Args:              arguments("", "the key of an asset"),
		ValidArgsFunction: a.completeAssets,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := a.partitions(cmd, args[0], selection)
			if err != nil {
				return err
			}
			return a.result(v, v.view)
		},
	}
	severalFlag(cmd, &selection, "partition", "p", "only the partitions of this `SELECTION`")
	return cmd
}

// assetPartitions are the partitions of an asset, as ranges.
type assetPartitions struct {
	Asset      string   `json:"asset"`
	Definition string   `json:"definition"`
	Total      int      `json:"total"` // of those that are selected
	Stored     int      `json:"stored"`
	Missing    int      `json:"missing"`
	StoredAre  []string `json:"stored_are"`  // keys, and ranges FROM...TO
	MissingAre []string `json:"missing_are"` // likewise
}

func (a *app) partitions(cmd *cobra.Command, key, selection string) (*assetPartitions, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	op, _, ok := cat.AssetOp(key)
	if !ok {
		return nil, usage(cmd, unknownAsset(key, cat))
	}
	if op.Partitions == nil {
		return nil, usage(cmd, fmt.Errorf("asset %s has no partitions; give it partitions=, see docs/partitions.md", key))
	}
	inst, err := a.openReadOnly(cmd.Context())
	if err != nil {
		return nil, err
	}
	var space *partition.Space
	var asked, stored partition.Set
	err = func() error {
		if space, err = op.Partitions.Resolve(execute.PartitionsAt(cmd.Context(), inst, a.now())); err != nil {
			return err
		}
		if asked, err = space.Select(selection); err != nil {
			return usage(cmd, err)
		}
		stored, err = storedPartitions(cmd.Context(), inst.Store(), cat.AssetNames(key), space)
		return err
	}()
	if err = closed(err, inst); err != nil {
		return nil, err
	}
	stored = stored.Intersect(asked)
	missing := asked.Minus(stored)
	return &assetPartitions{
		Asset: key, Definition: op.Partitions.String(), Total: asked.Len(), Stored: stored.Len(), Missing: missing.Len(),
		StoredAre: append([]string{}, space.Terms(stored)...), MissingAre: append([]string{}, space.Terms(missing)...),
	}, nil
}

// storedPartitions are the partitions of a space that there is a record of. What was stored of others, which a definition had before, is left out.
func storedPartitions(ctx context.Context, store storage.Store, names []string, space *partition.Space) (partition.Set, error) {
	records, err := historyOf(ctx, store, names, 0)
	if err != nil {
		return partition.Set{}, err
	}
	seen := map[string]bool{}
	var points []partition.Point
	for i := range records {
		key := records[i].Partition
		if key == "" || seen[key] {
			continue
		}
		seen[key] = true
		if p, err := space.Find(key); err == nil {
			points = append(points, p)
		}
	}
	return partition.Of(points...), nil
}

// mostRanges is how many ranges of partitions people are shown.
const mostRanges = 20

func (v *assetPartitions) view(l look) []string {
	lines := []string{l.paint(v.Asset, bold) + "  " + v.Definition, "", fmt.Sprintf("%s, %s stored, %s missing", plural(v.Total, "partition"), group(int64(v.Stored)), group(int64(v.Missing)))}
	t := &table{columns: []column{{title: "STATE"}, {title: "PARTITIONS", wrap: true}}}
	for _, row := range []struct {
		state string
		terms []string
	}{{"stored", v.StoredAre}, {"missing", v.MissingAre}} {
		shown := row.terms
		if len(shown) > mostRanges {
			shown = append(shown[:mostRanges:mostRanges], fmt.Sprintf("and %d ranges more (-o json has all)", len(row.terms)-mostRanges))
		}
		if len(shown) > 0 {
			t.add(text(row.state), text(strings.Join(shown, ", ")))
		}
	}
	if v.Total > 0 {
		lines = append(append(lines, ""), t.render(l)...)
	}
	return lines
}
