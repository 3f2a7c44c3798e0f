package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A resourceSet is what resources are by the keys that ops ask for: those of the binary, or those of a job that has some in the place of others.
type resourceSet struct {
	resourceByKey map[string]*resourceInfo
	resourceOrder []*resourceInfo // each after the ones it needs
}

// Resource returns the resource that stands for a key.
func (s *resourceSet) Resource(key string) (*dag.Resource, bool) {
	if r := s.resourceByKey[key]; r != nil {
		return r.resource, true
	}
	return nil, false
}

// Known returns all resources, needed or not, sorted by key.
func (s *resourceSet) Known() []*dag.Resource {
	rs := make([]*dag.Resource, 0, len(s.resourceByKey))
	for _, key := range slices.Sorted(maps.Keys(s.resourceByKey)) {
		rs = append(rs, s.resourceByKey[key].resource)
	}
	return rs
}

// ResourceManifestDigest is [Node.ManifestDigest] for a resource; zero for a key that is not known.
func (s *resourceSet) ResourceManifestDigest(key string) canon.Digest {
	r := s.resourceByKey[key]
	if r == nil {
		return canon.Digest{}
	}
	return r.closure.sum(r.pkg.closures, r.resource.Symbol)
}

// ResourceManifest is [Node.OpManifest] for a resource; the digest is zero for a key that is not known.
func (s *resourceSet) ResourceManifest(key string) (canon.Digest, []byte) {
	r := s.resourceByKey[key]
	if r == nil {
		return canon.Digest{}, nil
	}
	return r.closure.take(r.pkg.closures, r.resource.Symbol)
}

// checkResources reports resources that are named and not there, and resources that need themselves.
func (c *Catalog) checkResources(wrong *problems) {
	known := slices.Collect(maps.Keys(c.resourceByKey))
	for _, o := range c.ops {
		for _, u := range o.op.Resources {
			if c.resourceByKey[u.Key] == nil {
				wrong.add("unknown_resource", "%s %q needs the resource %q, which no package defines%s", o.op.Kind, o.op.Key, u.Key, nearest.Hint(u.Key, known))
			}
		}
		if o.op.IO != "" && c.resourceByKey[o.op.IO] == nil {
			wrong.add("unknown_resource", "%s %q has io=%s, which no package defines as a resource%s", o.op.Kind, o.op.Key, o.op.IO, nearest.Hint(o.op.IO, known))
		}
	}
	c.order("", wrong)
}

// order finds an order in which each resource comes after those it needs. where begins messages.
func (s *resourceSet) order(where string, wrong *problems) {
	keys := slices.Sorted(maps.Keys(s.resourceByKey))
	index := make(map[string]int, len(keys))
	for i, key := range keys {
		index[key] = i
	}
	edges := make([][]int32, len(keys))
	for i, key := range keys {
		for _, u := range s.resourceByKey[key].resource.Resources {
			j, ok := index[u.Key]
			if !ok {
				wrong.add("unknown_resource", "%sresource %q needs the resource %q, which no package defines%s", where, key, u.Key, nearest.Hint(u.Key, keys))
				continue
			}
			edges[i] = append(edges[i], int32(j))
		}
	}
	level, cycle := levels(edges)
	if cycle != nil {
		wrong.add("cycle", "%sresource %q transitively depends on itself: %s; break the circle", where, keys[cycle[0]], chain(cycle, func(i int32) string { return keys[i] }))
		return
	}
	s.resourceOrder = make([]*resourceInfo, len(keys))
	for i, key := range keys {
		s.resourceOrder[i] = s.resourceByKey[key]
	}
	slices.SortStableFunc(s.resourceOrder, func(a, b *resourceInfo) int {
		return cmp.Compare(level[index[a.resource.Key]], level[index[b.resource.Key]])
	})
}

// resourcesOf are the resources as a job sees them.
func (c *Catalog) resourcesOf(job *dag.JobDef) *resourceSet {
	if job != nil {
		if s := c.jobResources[job.Key]; s != nil {
			return s
		}
	}
	return c.resourceSet
}

// jobOptions checks what jobs say that were made in Go code, and finds their resources.
func (c *Catalog) jobOptions(wrong *problems) {
	c.jobResources = map[string]*resourceSet{}
	for _, j := range c.jobs {
		names := make([]string, len(j.Params))
		for i := range j.Params {
			names[i] = j.Params[i].Name
		}
		for _, name := range slices.Sorted(maps.Keys(j.Inputs)) {
			if !slices.Contains(names, name) {
				wrong.add("unknown_input", "job %q has a value for the input %q, and no such parameter%s", j.Key, name, nearest.Hint(name, names))
			}
		}
		if len(j.Replaces) > 0 {
			c.replace(j, wrong)
		}
		c.jobHooks(j, wrong)
	}
}

// jobHooks checks that what the hooks of a job need is there: those of a job that was made in Go code may be of a package that was not given.
func (c *Catalog) jobHooks(j *dag.JobDef, wrong *problems) {
	said := map[*dag.Hook]bool{}
	check := func(hooks []*dag.Hook) {
		for _, h := range hooks {
			if said[h] {
				continue
			}
			said[h] = true
			for _, u := range h.Resources {
				if c.resourceByKey[u.Key] == nil {
					wrong.add("unknown_resource", "hook %q of job %q needs the resource %q, which no package defines that was given; give the Definitions of the hook's package too", h.Key, j.Key, u.Key)
				}
			}
		}
	}
	var graph func(def *dag.GraphDef)
	graph = func(def *dag.GraphDef) {
		for i := range def.Nodes {
			check(def.Nodes[i].Hooks)
			switch n := &def.Nodes[i]; {
			case n.Graph != nil:
				graph(n.Graph)
			case n.Op != nil:
				check(n.Op.Hooks)
			}
		}
	}
	check(j.Hooks)
	graph(&j.GraphDef)
}

// replace makes the resources of a job that has some in the place of others.
func (c *Catalog) replace(j *dag.JobDef, wrong *problems) {
	before := len(*wrong)
	known := slices.Sorted(maps.Keys(c.resourceByKey))
	set := &resourceSet{resourceByKey: maps.Clone(c.resourceByKey)}
	for _, key := range slices.Sorted(maps.Keys(j.Replaces)) {
		was, now := c.resourceByKey[key], c.resourceByKey[j.Replaces[key]]
		switch {
		case was == nil:
			wrong.add("unknown_resource", "job %q replaces the resource %q, which no package defines%s", j.Key, key, nearest.Hint(key, known))
		case now == nil:
			wrong.add("unknown_resource", "job %q has the resource %q in place of %q, and no package defines it%s", j.Key, j.Replaces[key], key, nearest.Hint(j.Replaces[key], known))
		case !now.resource.Type.Go.AssignableTo(was.resource.Type.Go):
			wrong.add("type_mismatch", "job %q has the resource %q in place of %q, but it is a %s and not a %s; make the types agree", j.Key, j.Replaces[key], key, now.resource.Type.Name, was.resource.Type.Name)
		default:
			r := *now.resource
			r.Key = key // it answers to the name that ops and run config ask for
			set.resourceByKey[key] = &resourceInfo{resource: &r, pkg: now.pkg, hash: now.hash}
		}
	}
	if len(*wrong) == before {
		set.order("job "+quoted(j.Key)+": ", wrong)
		c.jobResources[j.Key] = set
	}
}

// usedBy are the definitions of the packages whose ops are called by jobs that were made in Go code, with no more of them than these jobs need: their other jobs and
// assets are not offered by a binary that was not given them.
func usedBy(defs []dag.Definitions) []dag.Definitions {
	given := map[string]bool{}
	for _, d := range defs {
		given[d.Package] = true
	}
	var used []dag.Definitions
	at := map[string]int{}
	for _, d := range defs {
		for _, j := range d.Jobs {
			if j == nil {
				continue
			}
			for _, u := range j.Uses {
				if given[u.Package] {
					continue
				}
				i, again := at[u.Package]
				if !again {
					i = len(used)
					at[u.Package] = i
					used = append(used, dag.Definitions{Module: u.Module, Package: u.Package, Manifest: u.Manifest, Proof: u.Proof})
				}
				need(&used[i], u, j)
			}
		}
	}
	return used
}

// need adds to part what a job needs of all that a package defines.
func need(part *dag.Definitions, all *dag.Definitions, j *dag.JobDef) {
	bySymbol := make(map[string]*dag.Op, len(all.Ops))
	for _, op := range all.Ops {
		bySymbol[op.Symbol] = op
	}
	byKey := make(map[string]*dag.Resource, len(all.Resources))
	for _, r := range all.Resources {
		byKey[r.Key] = r
	}
	var resource func(key string)
	resource = func(key string) {
		if r := byKey[key]; r != nil && !slices.Contains(part.Resources, r) {
			part.Resources = append(part.Resources, r)
			for _, u := range r.Resources {
				resource(u.Key)
			}
		}
	}
	var graph func(def *dag.GraphDef)
	graph = func(def *dag.GraphDef) {
		for i := range def.Nodes {
			n := &def.Nodes[i]
			switch {
			case n.Graph != nil:
				graph(n.Graph)
			case n.Op != nil && bySymbol[n.Op.Symbol] != nil:
				op := bySymbol[n.Op.Symbol]
				if slices.Contains(part.Ops, op) {
					continue
				}
				part.Ops = append(part.Ops, op)
				for _, u := range op.Resources {
					resource(u.Key)
				}
				resource(op.IO)
			}
		}
	}
	graph(&j.GraphDef)
	for _, key := range j.Replaces {
		resource(key)
	}
	slices.SortFunc(part.Ops, func(a, b *dag.Op) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(part.Resources, func(a, b *dag.Resource) int { return strings.Compare(a.Key, b.Key) })
}
