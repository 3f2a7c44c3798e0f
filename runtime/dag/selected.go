package dag

import (
	"context"
	"slices"
)

// Selected reports whether the output with a name is asked for, which a function marked subset looks at before it computes one: what is not asked for it may leave out, and whatever it
// returns for that is dropped. Everything is asked for of other functions and outside a run, so that a plain call computes all. What a function gives for an output must not depend on which
// others are asked for: each is recorded, and found again, by itself. (The role of can_subset in Dagster.)
func Selected(ctx context.Context, output string) bool {
	s := scopeOf(ctx)
	return s == nil || s.Selected == nil || slices.Contains(s.Selected, output)
}

// SelectedOutputs returns the names of the outputs that are asked for, in the order of the results; nil outside a run. (Dagster's selected_output_names.)
func SelectedOutputs(ctx context.Context) []string {
	return selected(ctx, func(o *Output) string { return o.Name })
}

// SelectedAssets returns the keys of the assets that are asked for, in the order of the results; nil outside a run, and in jobs. (Dagster's selected_asset_keys.)
func SelectedAssets(ctx context.Context) []string {
	if op := OpOf(ctx); op == nil || op.Kind != KindAsset {
		return nil
	}
	return selected(ctx, func(o *Output) string { return o.Asset })
}

func selected(ctx context.Context, name func(*Output) string) (names []string) {
	op := OpOf(ctx)
	if op == nil {
		return nil
	}
	for i := range op.Outputs {
		if o := &op.Outputs[i]; Selected(ctx, o.Name) {
			names = append(names, name(o))
		}
	}
	return names
}
