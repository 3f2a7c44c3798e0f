package execute

import (
	"context"
	"fmt"
	"os"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// OpenResource builds a resource as a run would, with all that it takes, and returns it with what cleans all of it up, in reverse order. doc holds their config, below
// resources.KEY.config; nil for defaults. replaced are values in place of resources, by key. It is for tests, see package dagtest.
func OpenResource(ctx context.Context, cat *plan.Catalog, key string, doc *runconfig.Document, replaced map[string]any) (value any, cleanup func(), err error) {
	byKey := map[string]*dag.Resource{}
	for _, r := range cat.Resources() {
		byKey[r.Key] = r
	}
	var s runconfig.Schema
	needed := map[string]bool{}
	for queue := []string{key}; len(queue) > 0; queue = queue[1:] {
		r := byKey[queue[0]]
		if _, given := replaced[queue[0]]; given || needed[queue[0]] {
			continue
		}
		if r == nil {
			return nil, nil, fmt.Errorf("no package defines a resource %q", queue[0])
		}
		needed[r.Key] = true
		s.Resources = append(s.Resources, r)
		for _, u := range r.Resources {
			queue = append(queue, u.Key)
		}
	}
	for _, r := range cat.Resources() {
		if !needed[r.Key] {
			s.OptionalResources = append(s.OptionalResources, r)
		}
	}
	resolved, err := runconfig.Resolve(doc, s, os.LookupEnv)
	if err != nil {
		return nil, nil, err
	}
	res := newResources(cat, configs(resolved.Resources), replaced)
	if value, err = res.get(ctx, key); err != nil {
		res.close()
		return nil, nil, err
	}
	return value, res.close, nil
}
