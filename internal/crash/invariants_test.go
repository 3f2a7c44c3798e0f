package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The invariants, by the numbers that the campaigns name them by. What is checked right after a kill is checked with no repair, no waiting and no daemon.
//
//	I1  every command that looks works at once                 I9   the log of each run: 1, 2, 3 ..., one start, one end iff it has ended, last
//	I2  what exited with 0 is a success for ever               I10  the database is whole
//	I3  no run is going on while no process lives               I11  no process of ours outlives its parent
//	I4  what is reused is what an undisturbed run gives         I12  each version is computed once at a time
//	I5  no half file under a final name                         I13  looking changes nothing
//	I6  what was reported done is not done again                I14  the exit code is that of what is stored
//	I7  a run after the kills gives what an undisturbed one does, and then nothing is left to do
//	I8  nothing is left lying about                             I15  readers beside writers wait for nobody
//	                                                            I16  no record speaks of what is not there
//
// I12 and I15 are those of the crowds.

// sound checks a store right after a kill. acked are the steps that were reported done for salt.
func (l *lab) sound(salt string, acked map[string]bool) error {
	if err := l.noOrphans(); err != nil {
		l.reapOrphans()
		return err
	}
	before, err := l.tree()
	if err != nil {
		return err
	}
	plan, err := l.plan(salt)
	if err != nil {
		return fmt.Errorf("I1: %w", err)
	}
	for _, s := range plan.Steps {
		if acked[s.Key] && s.Action != "reuse" {
			return fmt.Errorf("I6: lost work: %s was reported done and is to %s: %v", s.Key, s.Action, s.Reasons)
		}
	}
	runs, err := l.nothingRuns()
	if err != nil {
		return err
	}
	if err := l.successesStay(runs); err != nil {
		return err
	}
	if len(runs) > 0 {
		if err := l.logged(runs[0].RunID); err != nil {
			return err
		}
	}
	if err := l.whole(); err != nil {
		return err
	}
	after, err := l.tree()
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("I13: looking changed the store: it was\n%s\nand is\n%s", before, after)
	}
	files, err := l.objects()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := named(f); err != nil {
			return fmt.Errorf("I5: torn output: %w", err)
		}
	}
	return nil
}

// tree lists the files of a store, but for those that SQLite makes to read.
func (l *lab) tree() (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(l.home, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, "-wal") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	return b.String(), err
}

// A listedRun is what runs list says of a run.
type listedRun struct {
	RunID  string `json:"run_id"`
	Status string
	Cause  string
}

// nothingRuns returns all runs and checks that every one reads as ended while no process of ours lives.
func (l *lab) nothingRuns() ([]listedRun, error) {
	stdout, _, err := l.run("runs", "list", "-n", "100000", "-o", "json")
	if err != nil {
		return nil, fmt.Errorf("I1: %w", err)
	}
	var doc struct{ Runs []listedRun }
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		return nil, fmt.Errorf("I1: runs list: %w in\n%s", err, stdout)
	}
	for _, r := range doc.Runs {
		if !slices.Contains([]string{"SUCCESS", "FAILURE", "CANCELED"}, r.Status) {
			return nil, fmt.Errorf("I3: zombie: run %s is %s, and no process lives", r.RunID, r.Status)
		}
	}
	return doc.Runs, nil
}

// successesStay checks that every run that was seen to end with 0 is listed as a success.
func (l *lab) successesStay(runs []listedRun) error {
	status := map[string]string{}
	for _, r := range runs {
		status[r.RunID] = r.Status
	}
	for _, id := range l.succeeded {
		if status[id] != "SUCCESS" {
			return fmt.Errorf("I2: run %s ended with exit code 0 and reads as %q", id, status[id])
		}
	}
	return nil
}

// logged checks the log of one run.
func (l *lab) logged(id string) error {
	stdout, _, err := l.run("runs", "show", id, "-o", "json")
	if err != nil {
		return fmt.Errorf("I1: %w", err)
	}
	var run struct {
		Status string
		Cause  string
		Events []struct {
			Seq  int
			Type string
		}
	}
	if err := json.Unmarshal([]byte(stdout), &run); err != nil {
		return fmt.Errorf("I1: runs show: %w in\n%s", err, stdout)
	}
	ends := map[string]string{"RUN_SUCCESS": "SUCCESS", "RUN_FAILURE": "FAILURE", "RUN_CANCELED": "CANCELED"}
	ended := ""
	started := 0
	for i, e := range run.Events {
		if e.Seq != i+1 {
			return fmt.Errorf("I9: event %d of run %s has number %d", i+1, id, e.Seq)
		}
		if ended != "" {
			return fmt.Errorf("I9: run %s has an event %s after its end", id, e.Type)
		}
		if e.Type == "RUN_START" {
			started++
		}
		ended = ends[e.Type]
	}
	switch {
	case started != 1:
		return fmt.Errorf("I9: run %s has started %d times", id, started)
	case ended == "" && run.Cause == "crashed": // nobody has recorded yet that its process is gone
	case ended != run.Status:
		return fmt.Errorf("I9: run %s is %s, its log ends with %q", id, run.Status, ended)
	}
	return nil
}

// whole reads the whole store: what nobody reads would be noticed too late.
func (l *lab) whole() error {
	stdout, stderr, err := l.run("instance", "verify", "-o", "json")
	var doc struct {
		Problems []struct{ Kind, What string }
	}
	if jerr := json.Unmarshal([]byte(stdout), &doc); jerr != nil {
		return fmt.Errorf("I1: instance verify: %w\n%s", errors.Join(err, jerr), stderr)
	}
	for _, p := range doc.Problems {
		switch p.Kind {
		case "run": // that a run died is no fault of the store
		case "record":
			return fmt.Errorf("I16: %s", p.What)
		case "object":
			return fmt.Errorf("I5: torn output: %s", p.What)
		default:
			return fmt.Errorf("I10: %s", p.What)
		}
	}
	return nil
}

// converge lets a run end and compares what there is with the undisturbed run; another run must find nothing to do.
func (l *lab) converge(salt string, golden *report) error {
	last, _, err := l.materialize(salt)
	if err != nil {
		return fmt.Errorf("I7: the run after the kills: %w", err)
	}
	if err := same(golden, last); err != nil {
		return fmt.Errorf("I4: %w", err)
	}
	again, _, err := l.materialize(salt)
	if err != nil {
		return fmt.Errorf("I7: %w", err)
	}
	for _, s := range again.Steps {
		if s.Action != "reuse" {
			return fmt.Errorf("I7: needless work: with nothing to do, %s is %s", s.Key, s.Action)
		}
	}
	if err := same(golden, again); err != nil {
		return fmt.Errorf("I4: %w", err)
	}
	return nil
}

// same says whether two runs stored the same data.
func same(want, got *report) error {
	if len(want.Steps) != len(got.Steps) {
		return fmt.Errorf("%d steps, want %d", len(got.Steps), len(want.Steps))
	}
	for _, w := range want.Steps {
		g := got.step(w.Key)
		if g.Version != w.Version || g.Status != "success" || !slices.Equal(g.Outputs, w.Outputs) {
			return fmt.Errorf("wrong output: %s is %+v, undisturbed it is %+v", w.Key, g, w)
		}
	}
	return nil
}

// tidy checks that nothing of dead processes is left lying about once a run has ended.
func (l *lab) tidy() error {
	entries, err := os.ReadDir(filepath.Join(l.home, "tmp"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("I8: garbage: tmp/%s is left", entries[0].Name())
	}
	locks, err := os.ReadDir(filepath.Join(l.home, "locks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range locks {
		if strings.HasPrefix(e.Name(), "run-") {
			return fmt.Errorf("I8: garbage: locks/%s is left", e.Name())
		}
	}
	return nil
}

// small checks that what the kills have left is removed by gc, and that gc leaves what an undisturbed run needs.
func (l *lab) small(salt string, golden *report) error {
	if _, _, err := l.run("gc"); err != nil {
		return fmt.Errorf("I8: %w", err)
	}
	stdout, _, err := l.run("instance", "verify", "-o", "json")
	if err != nil {
		return fmt.Errorf("I10: %w", err)
	}
	var doc struct {
		Garbage struct{ Objects int }
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		return err
	}
	if doc.Garbage.Objects > 0 {
		return fmt.Errorf("I8: gc leaves %d objects that no record needs", doc.Garbage.Objects)
	}
	return l.converge(salt, golden)
}
