package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (a *app) assetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "assets",
		Short: "Look at assets and what is stored of them",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.group,
	}
	var only assetChoice
	list := &cobra.Command{
		Use:   "list",
		Short: "List assets and when each was last materialized",
		Args:  arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.assetList(cmd.Context(), only)
			if err != nil {
				return err
			}
			return a.result(l, l.view)
		},
	}
	only.flags(list)
	var history int
	show := &cobra.Command{
		Use:               "show ASSET",
		Short:             "Show an asset: where it comes from, its latest value's versions and metadata, its history",
		Args:              arguments("", "the key of an asset"),
		ValidArgsFunction: a.completeAssets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if history < 1 {
				return usage(cmd, fmt.Errorf("--history is %d; it must be at least 1", history))
			}
			d, err := a.assetDetail(cmd, args[0], history)
			if err != nil {
				return err
			}
			return a.result(d, d.view)
		},
	}
	show.Flags().IntVarP(&history, "history", "n", 10, "show at most `N` materializations")
	cmd.AddCommand(list, show, a.assetsStatusCommand(), a.assetsGetCommand(), a.assetsPartitionsCommand(), a.assetsObserveCommand(), a.assetsReportCommand(), a.assetsWipeCommand())
	return cmd
}

// An assetState is an asset of `assets list`: what the code says, and what is stored.
type assetState struct {
	Key   string `json:"key"`
	Kind  string `json:"kind"` // "asset", "source", "external", or "" for one that no code defines any more
	Group string `json:"group,omitempty"`

	Description string            `json:"description,omitempty"`
	Owners      []string          `json:"owners,omitempty"`
	Kinds       []string          `json:"kinds,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Declared    string            `json:"declared,omitempty"` // "shop.go:12"

	Latest  *materialization `json:"latest"` // null for none
	Checks  []checkState     `json:"checks,omitempty"`
	Overdue *overdue         `json:"expected,omitempty"` // where a new value is
	Note    *assetNote       `json:"reported,omitempty"` // what was last said of an asset that no run computes
	defined bool

	fresh       time.Duration
	partitioned bool
}

// A materialization is one stored value of an asset, or one observation of a source.
type materialization struct {
	Time        time.Time           `json:"time"`
	RunID       string              `json:"run_id"`
	Partition   string              `json:"partition,omitempty"`
	Version     string              `json:"version"`
	DataVersion string              `json:"data_version"`
	Said        string              `json:"said_data_version,omitempty"` // as the asset said it
	Code        string              `json:"code"`
	Config      rawJSON             `json:"config,omitempty"`
	Inputs      []usedInput         `json:"inputs"`
	Size        int64               `json:"size"`
	File        string              `json:"file,omitempty"` // where the value is a file
	Metadata    []dag.MetadataEntry `json:"metadata"`
}

// rawJSON is JSON that is there already.
type rawJSON []byte

// MarshalJSON returns the bytes.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

type usedInput struct {
	Name        string `json:"name"`
	From        string `json:"from"` // the asset or step; empty for a value
	DataVersion string `json:"data_version"`
}

// materializationOf reads what a record has of one asset, under any of the keys that it has or had.
func materializationOf(r *storage.Record, names ...string) (*materialization, *storage.Output) {
	m := &materialization{Time: r.Time.UTC(), RunID: r.RunID, Partition: r.Partition, Version: r.Step.String(), Code: r.Code, Config: r.Config, Inputs: []usedInput{}, Metadata: []dag.MetadataEntry{}}
	for _, in := range r.Inputs {
		m.Inputs = append(m.Inputs, usedInput{in.Name, in.From, in.DataVersion.String()})
	}
	for i := range r.Outputs {
		if o := &r.Outputs[i]; slices.Contains(names, o.Asset) {
			m.DataVersion, m.Said, m.Size, m.RunID = o.DataVersion.String(), o.Said, o.Size, r.RunID
			if !o.Version.IsZero() {
				m.Version = o.Version.String()
			}
			m.Metadata = append(m.Metadata, o.Metadata...)
			return m, o
		}
	}
	return m, nil
}

type assetList struct {
	Assets []assetState `json:"assets"`
	now    time.Time
}

func (a *app) assetList(ctx context.Context, only assetChoice) (*assetList, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	l := &assetList{Assets: []assetState{}, now: a.now()}
	var declared plan.Positions
	var identities []string
	known := map[string]bool{}
	identity := map[string][]string{} // of each asset, the one that counts first
	for _, op := range cat.Assets() {
		ids := []string{"asset:" + op.Key}
		for _, was := range op.Was {
			ids, known[was] = append(ids, "asset:"+was), true
		}
		identities = append(identities, ids...)
		for _, as := range assetsOf(cat, op) {
			known[as.Key], identity[as.Key] = true, ids
			if only.takes(as.Key, as.Group) {
				l.Assets = append(l.Assets, assetState{
					Key: as.Key, Kind: as.Kind, Group: as.Group, Description: as.Description, Owners: as.Owners, Kinds: as.Kinds, Tags: as.Tags, Declared: declared.Of(op.Symbol),
					defined: true, fresh: op.Freshness, partitioned: op.Partitions != nil,
				})
			}
		}
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	err = a.latest(ctx, cat, inst.Store(), l, identities, identity, known, only)
	if err == nil {
		err = l.notes(ctx, inst)
	}
	if err == nil {
		err = l.checks(ctx, inst, cat)
	}
	return l, closed(err, inst)
}

// checks fills in what the checks of the assets said last.
func (l *assetList) checks(ctx context.Context, inst *instance.Instance, cat *plan.Catalog) error {
	made, at := map[string]*materialization{}, map[string]int{}
	for i := range l.Assets {
		made[l.Assets[i].Key], at[l.Assets[i].Key] = l.Assets[i].Latest, i
	}
	states, err := checkStates(ctx, inst, cat.Checks(""), made)
	for i := range l.Assets {
		l.Assets[i].Overdue = overdueOf(l.Assets[i].fresh, l.Assets[i].Note.last(l.Assets[i].Kind, l.Assets[i].Latest), l.now)
	}
	for _, s := range states {
		if i, listed := at[s.Asset]; listed {
			l.Assets[i].Checks = append(l.Assets[i].Checks, s)
		}
	}
	return err
}

// latest fills in what is stored, and adds the assets that only the store knows.
func (a *app) latest(ctx context.Context, cat *plan.Catalog, store storage.Store, l *assetList, identities []string, identity map[string][]string, known map[string]bool, only assetChoice) error {
	records, err := store.Latest(ctx, identities)
	if err != nil {
		return err
	}
	for i := range l.Assets {
		for _, id := range identity[l.Assets[i].Key] {
			if r := records[id]; r != nil {
				l.Assets[i].Latest, _ = materializationOf(r, cat.AssetNames(l.Assets[i].Key)...)
				break
			}
		}
		if l.Assets[i].Latest == nil && l.Assets[i].partitioned { // its records are those of partitions
			names := cat.AssetNames(l.Assets[i].Key)
			newest, err := historyOf(ctx, store, names, 1)
			if err != nil {
				return err
			}
			if len(newest) > 0 {
				l.Assets[i].Latest, _ = materializationOf(&newest[0], names...)
			}
		}
	}
	stored, err := store.AssetKeys(ctx, storage.AssetFilter{})
	if err != nil {
		return err
	}
	for _, key := range stored {
		if known[key] || !only.takes(key, "") {
			continue
		}
		s := assetState{Key: key} // of code that is gone, or only told of
		records, err := store.AssetRecords(ctx, key, 1)
		if err != nil {
			return err
		}
		if len(records) > 0 {
			s.Latest, _ = materializationOf(&records[0], key)
		}
		l.Assets = append(l.Assets, s)
	}
	return nil
}

func (l *assetList) view(lk look) []string {
	if len(l.Assets) == 0 {
		return []string{"no assets"}
	}
	t := &table{columns: []column{{title: "ASSET"}, {title: "KIND"}, {title: "GROUP"}, {title: "DATA"}, {title: "LAST"}, {title: "METADATA", wrap: true}}}
	checked := slices.ContainsFunc(l.Assets, func(s assetState) bool { return s.Checks != nil })
	if checked {
		t.columns = slices.Insert(t.columns, 5, column{title: "CHECKS"})
	}
	for _, s := range l.Assets {
		kind := s.Kind
		if !s.defined {
			if kind = "gone"; s.Latest == nil {
				kind = "told" // of by a step, or reported
			}
		}
		data, last, facts := "-", "never", ""
		if s.Latest != nil {
			data, last, facts = shortDigest(s.Latest.DataVersion), shortTime(s.Latest.Time, lk), shortMetadata(s.Latest.Metadata)
		}
		if s.Note != nil {
			data, last, facts = s.Note.data(), shortTime(s.Note.Time, lk), shortMetadata(s.Note.Metadata)
		}
		if s.Overdue != nil && s.Overdue.Late {
			last += " (late)"
		}
		cells := []cell{text(s.Key), styled(kind, dim), text(s.Group), styled(data, dim), text(last), text(facts)}
		if checked {
			cells = slices.Insert(cells, 5, text(checkMark(s.Checks)))
		}
		t.add(cells...)
	}
	return t.render(lk)
}

// shortDigest is the 12 hexadecimal digits that people see of "sha256:...".
func shortDigest(s string) string {
	s = strings.TrimPrefix(s, "sha256:")
	if len(s) > 12 {
		return s[:12]
	}
	if s == "" {
		return "-"
	}
	return s
}
