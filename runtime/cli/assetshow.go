package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An assetDetail is an asset with its history.
type assetDetail struct {
	listedAsset
	Defined bool              `json:"defined"`
	Latest  *materialization  `json:"latest"`
	Note    *assetNote        `json:"reported,omitempty"` // what was last said of it, where no run computes it
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
		d.listedAsset = assetsOf(cat, op)[max(output, 0)]
		d.Declared = new(plan.Positions).Of(op.Symbol)
		if len(op.Outputs) > 0 {
			d.typ = op.Outputs[max(output, 0)].Type
		}
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	err = d.read(ctx, inst, cat.AssetNames(key), history)
	if err == nil && (d.Latest == nil || d.op != nil && d.op.External) {
		d.Note, err = noteOf(ctx, inst, key)
	}
	if err == nil {
		d.Results, err = checkStates(ctx, inst, cat.Checks(key), map[string]*materialization{key: d.Latest})
		if d.op != nil {
			d.Overdue = overdueOf(d.op.Freshness, d.Note.last(d.Kind, d.Latest), a.now())
		}
	}

	if err = closed(err, inst); err != nil {
		return nil, err
	}
	if !d.Defined && d.Latest == nil && d.Note == nil {
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
		if d.Latest == nil { // it never did
			kind = "no code defines it"
		}
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
	row("declared", d.Declared)
	row("owners", strings.Join(d.Owners, ", "))
	row("kinds", strings.Join(d.Kinds, ", "))
	row("was", strings.Join(d.Was, ", "))
	row("tags", sortedTags(d.Tags)...)
	row("metadata", sortedTags(d.Metadata)...)
	if d.Note != nil {
		d.Note.rows(row)
	}
	if d.Latest == nil {
		if d.Note == nil {
			row("last", "never materialized")
		}
		row("expected", d.Overdue.text())
		out = append(append(out, ""), head.render(l)...)
		if d.Note != nil {
			if lines := metadataView(d.Note.Metadata, l); lines != nil {
				out = append(append(out, ""), lines...)
			}
		}
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
	told := m.Metadata
	if d.Note != nil { // an external source has none of its own
		told = d.Note.Metadata
	}
	if lines := metadataView(told, l); lines != nil {
		out = append(append(out, ""), lines...)
	}
	if lines := checkTable(d.Results, l); lines != nil {
		out = append(append(out, ""), lines...)
	}
	if len(d.History) > 1 {
		t := &table{columns: []column{{title: "HISTORY"}, {title: "VERSION"}, {title: "DATA"}, {title: "RUN"}}}
		parts := slices.ContainsFunc(d.History, func(h materialization) bool { return h.Partition != "" })
		if parts {
			t.columns = slices.Insert(t.columns, 1, column{title: "PARTITION"})
		}
		for _, h := range d.History {
			cells := []cell{text(shortTime(h.Time, l)), text(shortDigest(h.Version)), text(shortDigest(h.DataVersion)), text(shortRun(h.RunID, l))}
			if parts {
				cells = slices.Insert(cells, 1, text(h.Partition))
			}
			t.add(cells...)
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
