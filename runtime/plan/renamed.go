package plan

import (
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// newest fetches the newest records of the identities of steps, and of those that they had before, in one batch.
func (b *builder) newest(steps []*Step) (map[string]*storage.Record, error) {
	if b.look == nil || len(steps) == 0 {
		return nil, nil
	}
	ids := make([]string, 0, len(steps))
	for _, s := range steps {
		ids = append(ids, s.Identity)
		for _, key := range s.Op.Was {
			ids = append(ids, s.earlier(key))
		}
	}
	return b.look.Latest(b.ctx, ids)
}

// earlier is the identity that a step had when its asset had another key: what was stored of the whole asset does not stand for a partition.
func (s *Step) earlier(key string) string {
	if s.Partition != nil {
		return dag.PartitionStep("asset:"+key, s.Partition.Key)
	}
	return "asset:" + key
}

// newestOf is the newest record of a step: that of its identity, else of the first one of those before that has one.
func newestOf(s *Step, latest map[string]*storage.Record) *storage.Record {
	if rec := latest[s.Identity]; rec != nil {
		return rec
	}
	for _, key := range s.Op.Was {
		if rec := latest[s.earlier(key)]; rec != nil {
			return rec
		}
	}
	return nil
}

// AssetNames returns the keys under which the history of an asset is stored: its own, then those that it had before.
func (c *Catalog) AssetNames(key string) []string {
	if ref, ok := c.assetByKey[key]; ok {
		return append([]string{key}, ref.op.op.Was...)
	}
	return []string{key}
}

// earlierKeys holds the keys that assets had before to those of all packages: a history goes on in one asset.
func (c *Catalog) earlierKeys(wrong *problems) {
	claimed := map[string]*dag.Op{}
	for _, o := range c.ops {
		for _, key := range o.op.Was {
			if ref, ok := c.assetByKey[key]; ok {
				wrong.add("duplicate_key", "asset %q: was=%s is the key of another asset, %s; drop it", o.op.Key, key, ref.op.op.Symbol)
			}
			if other := claimed[key]; other != nil {
				wrong.add("duplicate_key", "two assets claim the history of %q: %s and %s; drop was= from one of them", key, other.Symbol, o.op.Symbol)
			}
			claimed[key] = o.op
		}
		if len(o.op.Was) > 0 && (o.op.Kind == dag.KindOp || len(o.op.Outputs) > 1 || slices.Contains(o.op.Was, o.op.Key)) {
			wrong.add("bad_was", "%q: was= is for a function that makes one asset, and names other keys than its own; run `go generate ./...` again", o.op.Key)
		}
	}
}
