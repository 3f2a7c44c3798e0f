package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/internal/nearest"
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
	list := &cobra.Command{
		Use:   "list",
		Short: "List assets and when each was last materialized",
		Args:  arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.assetList(cmd.Context())
			if err != nil {
				return err
			}
			return a.result(l, l.view)
		},
	}
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
	cmd.AddCommand(list, show, a.assetsStatusCommand(), a.assetsGetCommand(), a.assetsPartitionsCommand(), a.assetsObserveCommand(), a.assetsWipeCommand())
	return cmd
}

// An assetState is an asset of `assets list`: what the code says, and what is stored.
type assetState struct {
	Key     string           `json:"key"`
	Kind    string           `json:"kind"` // "asset", "source", or "" for one that no code defines any more
	Group   string           `json:"group,omitempty"`
	Latest  *materialization `json:"latest"` // null for none
	Checks  []checkState     `json:"checks,omitempty"`
	Overdue *overdue         `json:"expected,omitempty"` // where a new value is
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

func (a *app) assetList(ctx context.Context) (*assetList, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	l := &assetList{Assets: []assetState{}, now: a.now()}
	var identities []string
	known := map[string]bool{}
	identity := map[string][]string{} // of each asset, the one that counts first
	for _, op := range cat.Assets() {
		ids := []string{"asset:" + op.Key}
		for _, was := range op.Was {
			ids, known[was] = append(ids, "asset:"+was), true
		}
		identities = append(identities, ids...)
		for _, as := range assetsOf(op) {
			known[as.Key], identity[as.Key] = true, ids
			l.Assets = append(l.Assets, assetState{Key: as.Key, Kind: as.Kind, Group: as.Group, defined: true, fresh: op.Freshness, partitioned: op.Partitions != nil})
		}
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	err = a.latest(ctx, cat, inst.Store(), l, identities, identity, known)
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
		l.Assets[i].Overdue = overdueOf(l.Assets[i].fresh, l.Assets[i].Latest, l.now)
	}
	for _, s := range states {
		as := &l.Assets[at[s.Asset]]
		as.Checks = append(as.Checks, s)
	}
	return err
}

// latest fills in what is stored, and adds the assets that only the store knows.
func (a *app) latest(ctx context.Context, cat *plan.Catalog, store storage.Store, l *assetList, identities []string, identity map[string][]string, known map[string]bool) error {
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
		if known[key] {
			continue
		}
		s := assetState{Key: key}
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
			kind = "gone"
		}
		data, last, facts := "-", "never", ""
		if s.Latest != nil {
			data, last, facts = shortDigest(s.Latest.DataVersion), shortTime(s.Latest.Time, lk), shortMetadata(s.Latest.Metadata)
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

// An assetDetail is an asset with its history.
type assetDetail struct {
	listedAsset
	Defined bool              `json:"defined"`
	Latest  *materialization  `json:"latest"`
	Results []checkState      `json:"checks,omitempty"`
	Overdue *overdue          `json:"expected,omitempty"` // where a new value is
	History []materialization `json:"history"`            // the newest first; Latest is its first, unless a run went back to an earlier one

	op   *dag.Op   // nil where no code defines it
	typ  *dag.Type // of its value; nil for none
	show func(string) string
}

func (a *app) assetDetail(cmd *cobra.Command, key string, history int) (*assetDetail, error) {
	ctx := cmd.Context()
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	d := &assetDetail{listedAsset: listedAsset{Key: key, From: []string{}}, History: []materialization{}, show: a.relative}
	if op, output, ok := cat.AssetOp(key); ok {
		d.Defined, d.op = true, op
		d.listedAsset = assetsOf(op)[max(output, 0)]
		if len(op.Outputs) > 0 {
			d.typ = op.Outputs[max(output, 0)].Type
		}
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	if err = d.read(ctx, inst, cat.AssetNames(key), history); err == nil {
		d.Results, err = checkStates(ctx, inst, cat.Checks(key), map[string]*materialization{key: d.Latest})
		if d.op != nil {
			d.Overdue = overdueOf(d.op.Freshness, d.Latest, a.now())
		}
	}
	if err = closed(err, inst); err != nil {
		return nil, err
	}
	if !d.Defined && d.Latest == nil {
		return nil, usage(cmd, unknownAsset(key, cat))
	}
	return d, nil
}

func unknownAsset(key string, cat *plan.Catalog) error {
	keys := cat.AssetKeys()
	hint := nearest.Hint(key, keys)
	if i := slices.IndexFunc(keys, func(k string) bool { return strings.HasSuffix(k, "/"+key) }); i >= 0 {
		hint = fmt.Sprintf("; did you mean %q?", keys[i])
	}
	if hint == "" && len(keys) > 0 && len(keys) <= 10 {
		hint = "; there is " + strings.Join(keys, ", ")
	}
	return fmt.Errorf("no asset %q%s", key, hint)
}

// read fills in what is stored of the asset.
func (d *assetDetail) read(ctx context.Context, inst *instance.Instance, names []string, history int) error {
	records, err := historyOf(ctx, inst.Store(), names, history)
	if err != nil {
		return err
	}
	for i := range records {
		m, _ := materializationOf(&records[i], names...)
		d.History = append(d.History, *m)
	}
	if len(records) == 0 {
		return nil
	}
	latest := &records[0]
	if d.op != nil {
		ids := []string{"asset:" + d.op.Key}
		for _, was := range d.op.Was {
			ids = append(ids, "asset:"+was)
		}
		found, err := inst.Store().Latest(ctx, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if r := found[id]; r != nil {
				latest = r
				break
			}
		}
	}
	var out *storage.Output
	if d.Latest, out = materializationOf(latest, names...); out == nil {
		return nil
	}
	d.Latest.File = filePath(ctx, inst, d.Key, d.Latest.Partition, out, d.typ)
	for i := range records {
		if records[i].ID == latest.ID {
			d.History[i].File = d.Latest.File
		}
	}
	return nil
}

// historyOf returns the newest records of an asset under all keys that it has or had, at most limit (0: all).
func historyOf(ctx context.Context, store storage.Store, names []string, limit int) ([]storage.Record, error) {
	var all []storage.Record
	for _, name := range names {
		records, err := store.AssetRecords(ctx, name, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	slices.SortStableFunc(all, func(a, b storage.Record) int { return cmp.Compare(b.ID, a.ID) })
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all, nil
}

// view shows an asset as a page: what it is, what is stored, what was recorded about it, and its history.
func (d *assetDetail) view(l look) []string {
	kind := d.Kind
	if !d.Defined {
		kind = "no code defines it any more"
	}
	out := []string{l.paint(escape(d.Key), bold) + gap + l.paint(kind, dim)}
	if d.Description != "" {
		for _, line := range escapeLines(d.Description) {
			out = append(out, wrapLine(line, l.width)...)
		}
	}
	head := &table{columns: []column{{}, {wrap: true}}}
	row := func(label string, lines ...string) {
		if strings.Join(lines, "") != "" {
			head.add(styled(label, dim), texts(lines))
		}
	}
	row("group", d.Group)
	row("from", strings.Join(d.From, ", "))
	row("type", shortType(d.Type))
	row("owners", strings.Join(d.Owners, ", "))
	row("kinds", strings.Join(d.Kinds, ", "))
	row("was", strings.Join(d.Was, ", "))
	row("tags", sortedTags(d.Tags)...)
	row("metadata", sortedTags(d.Metadata)...)
	if d.Latest == nil {
		row("last", "never materialized")
		row("expected", d.Overdue.text())
		out = append(append(out, ""), head.render(l)...)
		if lines := checkTable(d.Results, l); lines != nil {
			out = append(append(out, ""), lines...)
		}
		return out
	}
	m := d.Latest
	row("last", m.Time.Local().Format(timeLayout))
	row("expected", d.Overdue.text())
	row("partition", m.Partition)
	row("run", m.RunID)
	row("version", shortDigest(m.Version))
	row("data", shortDigest(m.DataVersion)+saidVersion(m.Said))
	if m.Code != "" { // a source has none
		row("code", shortDigest(m.Code))
	}
	row("config", string(m.Config))
	row("inputs", inputLines(m.Inputs)...)
	row("size", size(m.Size))
	if m.File != "" {
		row("file", d.show(m.File))
	}
	out = append(append(out, ""), head.render(l)...)
	if lines := metadataView(m.Metadata, l); lines != nil {
		out = append(append(out, ""), lines...)
	}
	if lines := checkTable(d.Results, l); lines != nil {
		out = append(append(out, ""), lines...)
	}
	if len(d.History) > 1 {
		t := &table{columns: []column{{title: "HISTORY"}, {title: "VERSION"}, {title: "DATA"}, {title: "RUN"}}}
		for _, h := range d.History {
			t.add(text(shortTime(h.Time, l)), text(shortDigest(h.Version)), text(shortDigest(h.DataVersion)), text(shortRun(h.RunID, l)))
		}
		out = append(append(out, ""), t.render(l)...)
	}
	return out
}

// saidVersion is what stands behind the digest of a data version that an asset said itself.
func saidVersion(said string) string {
	if said == "" {
		return ""
	}
	return ", said to be " + strconv.Quote(said)
}

func inputLines(inputs []usedInput) []string {
	var lines []string
	for _, in := range inputs {
		from := in.From
		if from == "" {
			from = "a value"
		}
		line := in.Name + " ← " + from + " " + shortDigest(in.DataVersion)
		if in.Name == in.From {
			line = in.Name + " " + shortDigest(in.DataVersion)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n < 1024 {
		return plural(int(n), "byte")
	}
	v, unit := float64(n)/1024, 0
	for v >= 1023.95 && unit < 4 {
		v /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %s", v, [...]string{"KiB", "MiB", "GiB", "TiB", "PiB"}[unit])
}
