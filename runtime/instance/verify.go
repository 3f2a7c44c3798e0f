package instance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Problem is something that [Instance.Verify] found.
type Problem struct {
	Kind     string `json:"kind"`     // "store", "record", "object" or "run"
	What     string `json:"what"`     // with the path of what is wrong
	Repaired bool   `json:"repaired"` // it is not there any more
}

// The kinds of problems.
const (
	ProblemStore  = "store"  // the database itself: its structure, its references, a blob in it
	ProblemRecord = "record" // a record that speaks of an output that is not there, or not right: the step would be computed again
	ProblemObject = "object" // a file that is not what its name promises, and that no record needs
	ProblemRun    = "run"    // a run that is recorded as going on and whose process is gone
)

// Verified says what [Instance.Verify] looked at and found.
type Verified struct {
	Problems []Problem `json:"problems"`
	Records  int       `json:"records"` // that a version can find
	Objects  int       `json:"objects"` // files
	Bytes    int64     `json:"bytes"`   // of these, on disk
	Garbage  struct {  // objects that no record needs: no problem, `gc` removes them
		Objects int   `json:"objects"`
		Bytes   int64 `json:"bytes"`
	} `json:"garbage"`
}

// Left returns how many problems were not repaired.
func (v *Verified) Left() int {
	n := 0
	for _, p := range v.Problems {
		if !p.Repaired {
			n++
		}
	}
	return n
}

// Verify reads the whole instance: the structure of the store, every record, and every stored output against its digest. It may be called beside runs.
//
// With repair, records of outputs that are damaged or missing are dropped, so that their steps are computed again; damaged files that nobody may be using are
// removed; dead runs are recorded as such. A store whose structure is damaged is not repaired: it is moved away by hand, and everything is computed
// again.
func (i *Instance) Verify(ctx context.Context, repair bool) (*Verified, error) {
	out := &Verified{Problems: []Problem{}}
	if i.runs == nil {
		return out, nil // in memory, or not there yet
	}
	if repair {
		if err := i.writable(); err != nil {
			return nil, err
		}
	}
	files, err := i.io.Files()
	if err != nil {
		return nil, err
	}
	v := &verification{inst: i, files: files, repair: repair, out: out, bad: map[string]error{}, needed: map[string]bool{}}
	if err := v.runs(ctx); err != nil {
		return nil, err
	}
	if err := v.readObjects(ctx); err != nil {
		return nil, err
	}
	if err := v.records(ctx); err != nil {
		return nil, err
	}
	if err := v.removeObjects(ctx); err != nil {
		return nil, err
	}
	// What was wrong with the store before a repair may be gone with the records that had it.
	if err := i.store.Verify(ctx, func(p string) { v.problem(ProblemStore, p, false) }); err != nil {
		return nil, err
	}
	return out, nil
}

type verification struct {
	inst   *Instance
	files  *iomanager.Files
	repair bool
	out    *Verified

	objects map[string]iomanager.StoredObject
	bad     map[string]error // objects that are damaged or missing, by name
	needed  map[string]bool
}

func (v *verification) problem(kind, what string, repaired bool) {
	v.out.Problems = append(v.out.Problems, Problem{kind, what, repaired})
}

// runs looks for dead runs that are recorded as going on.
func (v *verification) runs(ctx context.Context) error {
	if v.repair {
		reaped, err := v.inst.ReapDeadRuns(ctx)
		for _, id := range reaped {
			v.problem(ProblemRun, "run "+id+" is recorded as going on, and its process is gone", true)
		}
		return err
	}
	f := storage.RunFilter{Statuses: inProgress, Limit: 1000}
	for {
		runs, err := v.inst.store.Runs(ctx, f)
		if err != nil {
			return err
		}
		for k := range runs {
			dead, err := v.inst.dead(ctx, runs[k].ID)
			if err != nil {
				return err
			}
			if dead {
				v.problem(ProblemRun, "run "+runs[k].ID+" is recorded as going on, and its process is gone", false)
			}
		}
		if len(runs) < f.Limit {
			return nil
		}
		f.Cursor = runs[len(runs)-1].ID
	}
}

// readObjects reads all files.
func (v *verification) readObjects(ctx context.Context) error {
	v.objects = map[string]iomanager.StoredObject{}
	return v.files.Objects(ctx, func(o iomanager.StoredObject) error {
		v.objects[o.Name] = o
		v.out.Objects++
		v.out.Bytes += o.Size
		return v.note(o)
	})
}

// note remembers an object that is not what it should be. An error that says nothing about the object is returned.
func (v *verification) note(o iomanager.StoredObject) error {
	err := v.files.Inspect(o)
	if err != nil && !errors.Is(err, iomanager.ErrDamaged) {
		return err
	}
	if err != nil {
		v.bad[o.Name] = err
	}
	return nil
}

// records holds every record against what is stored, and drops those that speak of something else.
func (v *verification) records(ctx context.Context) (err error) {
	up, ok := v.inst.store.(storage.Upkeeper)
	if !ok {
		return nil // this storage says for itself what is wrong with it
	}
	type found struct {
		id   int64
		what []string
	}
	var damaged []found
	blobs := map[canon.Digest]error{}
	if v.repair {
		defer func() {
			if err == nil {
				_, err = up.RemoveDamaged(ctx) // no record that is found needs one any more
			}
		}()
	}
	err = up.ScanRecords(ctx, 0, func(rec *storage.ScannedRecord) error {
		for k := range rec.Outputs {
			if name := iomanager.ObjectName(&rec.Outputs[k]); name != "" {
				v.needed[name] = true
			}
		}
		if rec.Usable {
			v.out.Records++
		}
		if !rec.Usable || rec.Err == nil && !rec.Found {
			return nil
		}
		f := found{id: rec.ID}
		if rec.Err != nil {
			f.what = append(f.what, fmt.Sprintf("%s: record %d: %v", v.inst.dir, rec.ID, rec.Err))
		}
		for k := range rec.Outputs {
			o := &rec.Outputs[k]
			err := v.output(ctx, o, blobs)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				f.what = append(f.what, fmt.Sprintf("output %s of step %s, run %s: %v", o.Name, rec.StepKey, rec.RunID, err))
			}
		}
		if len(f.what) > 0 {
			damaged = append(damaged, f)
		}
		return nil
	})
	if err != nil || len(damaged) == 0 {
		return err
	}
	if v.repair {
		var ids []int64
		for _, f := range damaged {
			ids = append(ids, f.id)
		}
		if err := v.inst.store.Submit(&storage.Batch{Drop: ids}).Wait(ctx); err != nil {
			return err
		}
	}
	for _, f := range damaged {
		for _, what := range f.what {
			v.problem(ProblemRecord, what, v.repair)
		}
	}
	return nil
}

// output says what is wrong with a stored output.
func (v *verification) output(ctx context.Context, o *storage.Output, blobs map[canon.Digest]error) error {
	name := iomanager.ObjectName(o)
	if name == "" {
		if !o.Inline {
			return nil // another IO manager's, or a source's
		}
		err, known := blobs[o.Blob]
		if !known {
			_, err = v.inst.store.Blob(ctx, o.Blob)
			blobs[o.Blob] = err
		}
		return err
	}
	if _, there := v.objects[name]; !there && v.bad[name] == nil {
		// It may have been stored since the files were listed.
		if err := v.note(iomanager.StoredObject{Name: name, Digest: o.Blob}); err != nil {
			return err
		}
	}
	return v.bad[name]
}

// removeObjects counts what no record needs, and removes what is damaged.
func (v *verification) removeObjects(ctx context.Context) (err error) {
	var s *iomanager.Sweeper
	if v.repair && len(v.bad) > 0 {
		if s, err = v.files.Sweep(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
	}
	return v.files.Objects(ctx, func(o iomanager.StoredObject) error {
		wrong := v.bad[o.Name]
		if !v.needed[o.Name] && wrong == nil {
			v.out.Garbage.Objects++
			v.out.Garbage.Bytes += o.Size
		}
		if wrong == nil {
			return nil
		}
		removed := false
		if s != nil {
			_, err := s.Alone(o, func() error {
				if v.files.Inspect(o) == nil {
					removed = true // somebody stored it again
					return nil
				}
				err := s.Remove(o)
				removed = err == nil
				return err
			})
			if err != nil {
				return err
			}
		}
		if !v.needed[o.Name] || s != nil {
			what := strings.TrimPrefix(wrong.Error(), v.inst.dir+string(filepath.Separator))
			v.problem(ProblemObject, filepath.Join(v.inst.dir, what), removed)
		}
		return nil
	})
}
