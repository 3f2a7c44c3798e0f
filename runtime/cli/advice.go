package cli

import (
	"errors"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// advice is what a person can do about an error of the store: nothing is lost that was reported done, and nothing needs a repair, but the
// cause is outside of this program.
func (a *app) advice(err error) []string {
	dir, ferr := instance.Find(a.env.Dir)
	if ferr != nil {
		return nil
	}
	dir = escape(a.relative(dir))
	switch {
	case errors.Is(err, storage.ErrFull):
		return []string{"make room and run it again: what was reported done stays done. `" + escape(a.env.Name) + " gc` removes stored outputs that nothing needs"}
	case errors.Is(err, storage.ErrLocked):
		return []string{"close the program that has the database open, and run it again: what was reported done stays done"}
	case errors.Is(err, storage.ErrCorrupt):
		return []string{"move " + dir + " away, or put a copy of it in its place: nothing was changed, and what is missing is computed again"}
	case errors.Is(err, storage.ErrReadOnly):
		return []string{"make " + dir + " writable, or set " + instance.HomeVariable + " to a folder that is"}
	}
	return nil
}
