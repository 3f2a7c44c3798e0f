package execute

import (
	"context"

	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Status says how the assets that o selects stand: fresh, stale or missing, why, where that begins, and what a run would do. It makes the plan of them and of all
// that they are made from, so config is needed as for a run of these. It observes sources and reads the store; it writes nothing. A source that cannot be observed is
// missing, and no error.
func Status(ctx context.Context, cat *plan.Catalog, o Options) (*plan.Status, error) {
	o.status = true
	r, err := planRun(ctx, cat, "", &o)
	if err != nil {
		return nil, err
	}
	defer r.res.close()
	st, err := r.plan.Status(r.shown)
	if err != nil && storage.IsUnavailable(err) {
		err = &StoreError{err}
	}
	return st, err
}
