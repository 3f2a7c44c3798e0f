package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/instance"
)

func (a *app) assetsWipeCommand() *cobra.Command {
	var data bool
	cmd := &cobra.Command{
		Use:   "wipe ASSET...",
		Short: "Forget what is stored of assets: they have never been materialized then",
		Long: "Forget the records of assets, so that they have never been materialized and the next run computes them. The events stay in the logs of their runs.\n" +
			"What was stored is removed by `gc` once nothing needs it, with --data at once. Nothing is asked: there is no way back but to compute.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, fmt.Errorf("%s needs the key of an asset", cmd.CommandPath()))
			}
			return nil
		},
		ValidArgsFunction: a.completeAssets,
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.openThere(cmd.Context())
			if err != nil {
				return err
			}
			out, err := a.wipeAssets(cmd, inst, args, data)
			if err = closed(err, inst); err != nil {
				return err
			}
			return a.result(out, out.view)
		},
	}
	cmd.Flags().BoolVar(&data, "data", false, "remove their stored outputs too, as far as nothing else needs them")
	return cmd
}

// A wipedAsset says what became of an asset.
type wipedAsset struct {
	Key    string `json:"key"`
	Status string `json:"status"` // "wiped", or "nothing stored"
}

type wipedAssets struct {
	Assets  []wipedAsset `json:"assets"`
	Records int          `json:"records"` // removed with their data; 0 without --data
	Objects int          `json:"objects"` // files
	Blobs   int          `json:"blobs"`   // small outputs in the store
	Bytes   int64        `json:"bytes"`
	Waiting int          `json:"waiting"` // records whose data stays until the runs that live now have ended
	data    bool
}

// wipeAssets wipes all of the assets, or none where one is not known.
func (a *app) wipeAssets(cmd *cobra.Command, inst *instance.Instance, keys []string, data bool) (*wipedAssets, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	out := &wipedAssets{Assets: []wipedAsset{}, data: data}
	var stored []string
	var wrong []error
	seen := map[string]bool{}
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		has := false
		for _, name := range cat.AssetNames(key) { // those that it had before are it, too
			known, err := inst.HasAsset(cmd.Context(), name)
			if err != nil {
				return nil, err
			}
			if known && !slices.Contains(stored, name) {
				stored = append(stored, name)
			}
			has = has || known
		}
		_, _, defined := cat.AssetOp(key)
		switch {
		case has:
			out.Assets = append(out.Assets, wipedAsset{key, "wiped"})
		case defined:
			out.Assets = append(out.Assets, wipedAsset{key, "nothing stored"})
		default:
			wrong = append(wrong, usage(cmd, unknownAsset(key, cat)))
		}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	if len(stored) == 0 {
		return out, nil
	}
	c, err := inst.WipeAssets(cmd.Context(), data, stored...)
	if err != nil {
		return nil, err
	}
	out.Records, out.Objects, out.Blobs, out.Bytes, out.Waiting = c.Records, c.Objects, c.Blobs, c.Bytes, c.Waiting
	return out, nil
}

func (w *wipedAssets) view(l look) []string {
	var lines []string
	for _, s := range w.Assets {
		st := yellow
		if s.Status != "wiped" {
			st = dim
		}
		lines = append(lines, escape(s.Key)+" "+l.paint(s.Status, st))
	}
	if !w.data {
		return lines
	}
	parts := []string{"removed " + plural(w.Objects+w.Blobs, "stored output") + ", " + size(w.Bytes)}
	if w.Waiting > 0 {
		parts = append(parts, plural(w.Waiting, "record")+" waiting for runs to end")
	}
	return append(lines, "", l.paint(strings.Join(parts, "; "), bold))
}
