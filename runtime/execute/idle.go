package execute

import "github.com/dagstergen/dagstergen/runtime/plan"

// idle reports whether the run would neither compute anything nor remember anything new.
func (r *run) idle() bool {
	for i := range r.plan.Len() {
		if s := r.plan.At(i); s.Observed != nil && (s.Observed.Err != nil || s.Latest == nil || s.Latest.Content != s.Content) {
			return false
		}
	}
	for _, s := range r.plan.Steps {
		if s.Observed == nil && (s.Action != plan.Reuse || s.Note) {
			return false
		}
	}
	return true
}
