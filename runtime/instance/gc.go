package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The files below locks/ that a clean-up uses.
const (
	collectFile = "locks/gc"      // locked by the one clean-up; it holds the runs that the records retired so far wait for
	objectsFile = "locks/objects" // shards of objects, see iomanager
)

// anyRun stands in collectFile for runs that were not listed yet.
const anyRun = "*"

// Collected says what a clean-up removed, or would remove. Bytes are those on disk.
type Collected struct {
	Records int // retired by the retention, or dropped before because they were damaged
	Objects int // files
	Blobs   int // small outputs in the store
	Bytes   int64
	Printed int   // deleted runs of which something printed was left
	Freed   int64 // given back to the system by making the store's file smaller; part of it may be counted in Bytes

	Waiting int // records that are retired and stay until the runs that live now have ended
	InUse   int // objects that no record needs and that a living run may have just stored
	Living  int // runs that live now
	Reaped  int // dead runs that were recorded as such
}

// Collect removes what no record needs, and what a retention says besides. It may be called beside runs, and killed at any time: what a living run may use
// stays, and what is left half done the next call ends. A dry run writes nothing. One that is at work already is [ErrBusy].
//
// Nothing is removed that somebody may have found. A record is first retired, so that no look-up finds it any more, and goes when no run is left that
// lived then; a file goes under a lock that whoever stores files of its shard holds until his run has ended, and only if no record needs it.
func (i *Instance) Collect(ctx context.Context, r Retention, dry bool) (*Collected, error) {
	up, ok := i.store.(storage.Upkeeper)
	if i.runs == nil || !ok {
		if _, ok := i.store.(storage.Upkeeper); !ok && i.runs != nil && !i.readOnly {
			return nil, errors.New("the storage of this instance cannot be cleaned up")
		}
		return &Collected{}, nil // in memory, or not there yet
	}
	files, err := i.io.Files()
	if err != nil {
		return nil, err
	}
	c := &collection{inst: i, store: up, files: files, rule: r}
	if dry {
		return c.dryRun(ctx)
	}
	if err := i.writable(); err != nil {
		return nil, err
	}
	return c.run(ctx)
}

// collection is one clean-up.
type collection struct {
	inst  *Instance
	store storage.Upkeeper
	files *iomanager.Files
	rule  Retention
	out   Collected

	records []kept
	last    int64           // number of the last record seen
	needed  map[string]bool // things of records that stay
	objects []iomanager.StoredObject
	sizes   map[string]int64
	lock    *os.File
}

func (c *collection) run(ctx context.Context) (out *Collected, err error) {
	unlock, err := c.begin()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	reaped, err := c.inst.ReapDeadRuns(ctx)
	if err != nil {
		return nil, err
	}
	c.out.Reaped = len(reaped)
	if err := c.scan(ctx); err != nil {
		return nil, err
	}
	purge, err := c.retire(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.purge(ctx, purge); err != nil {
		return nil, err
	}
	if err := c.leftovers(ctx, false); err != nil {
		return nil, err
	}
	return &c.out, nil
}

// A busyError is an [ErrBusy] with words of its own.
type busyError string

func (e busyError) Error() string { return string(e) }

// Is makes it an ErrBusy.
func (e busyError) Is(target error) bool { return target == ErrBusy }

// begin makes this the only clean-up.
func (c *collection) begin() (end func() error, err error) {
	name := filepath.Join(c.inst.dir, collectFile)
	f, err := c.inst.root.OpenFile(collectFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, storage.FileError("open", name, err)
	}
	ok, err := oslock.TryFile(f)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", c.inst.dir, busyError("another clean-up is at work; wait for it"))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	c.lock = f
	return f.Close, nil
}

// scan finds out what is there and what is needed.
func (c *collection) scan(ctx context.Context) error {
	c.sizes = map[string]int64{}
	// Objects first: one that comes later is none of ours.
	if err := c.files.Objects(ctx, func(o iomanager.StoredObject) error {
		c.objects = append(c.objects, o)
		c.sizes[o.Name] = o.Size
		return nil
	}); err != nil {
		return err
	}
	if err := c.store.ScanBlobs(ctx, func(d canon.Digest, size int64) error {
		c.sizes[blobName(d.Hex())] = size
		return nil
	}); err != nil {
		return err
	}
	return c.scanRecords(ctx, func(k *kept) { c.records = append(c.records, *k) })
}

// scanRecords looks at the records that it has not seen yet.
func (c *collection) scanRecords(ctx context.Context, each func(*kept)) error {
	return c.store.ScanRecords(ctx, c.last, func(rec *storage.ScannedRecord) error {
		if rec.Err != nil && rec.Usable {
			return fmt.Errorf("record %d: %w; what it needs is not known, so nothing is removed: `instance verify --repair` drops it", rec.ID, rec.Err)
		}
		c.last = rec.ID
		each(&kept{
			id: rec.ID, identity: rec.Identity, time: rec.Time, usable: rec.Usable, found: rec.Found, latest: rec.Latest,
			things: things(iomanager.ObjectName, rec.Outputs),
		})
		return nil
	})
}

// retire retires what the retention says, and returns what can be purged now.
func (c *collection) retire(ctx context.Context) (purge []int64, err error) {
	var earlier []int64
	for i := range c.records {
		if k := &c.records[i]; !k.usable && !k.found {
			earlier = append(earlier, k.id)
		}
	}
	waits, err := c.readWaits()
	if err != nil {
		return nil, err
	}
	now := c.rule.retire(c.records, c.sizes, time.Now())
	if len(now) > 0 {
		// The runs that may have found these are those that live when they are found no more. Killed before they are listed, the next clean-up waits for all.
		if err := c.writeWaits(append(waits, anyRun)); err != nil {
			return nil, err
		}
		if err := c.struck(failpoint.GCRetiring); err != nil {
			return nil, err
		}
		if mutant.Is(mutant.LooseGC) {
			if _, err := c.sweep(ctx, c.garbage(now)); err != nil {
				return nil, err
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err := c.store.Retire(ctx, now); err != nil {
			return nil, err
		}
		if err := c.struck(failpoint.GCRetired); err != nil {
			return nil, err
		}
	}
	living, err := c.inst.livingRuns()
	if err != nil {
		return nil, err
	}
	if mutant.Is(mutant.GreedyGC) {
		living = nil
	}
	c.out.Living = len(living)
	forAll := slices.ContainsFunc(waits, func(id string) bool { return checkRunID(id) != nil })
	waiting := slices.DeleteFunc(slices.Clone(living), func(id string) bool { return !forAll && !slices.Contains(waits, id) })
	if len(waiting) == 0 {
		purge = earlier
	} else {
		c.out.Waiting = len(earlier)
	}
	switch {
	case len(now) == 0:
	case len(living) == 0:
		purge = append(purge, now...)
	default:
		c.out.Waiting += len(now)
		waiting = living
	}
	slices.Sort(purge)
	return purge, c.writeWaits(waiting)
}

// struck is the error that a campaign wants at a point.
func (c *collection) struck(p failpoint.Point) error {
	return storage.FileError("write", c.inst.dir, failpoint.Hit(p))
}

// readWaits returns the ids of the runs that retired records wait for.
func (c *collection) readWaits() ([]string, error) {
	data, err := c.inst.root.ReadFile(collectFile)
	return strings.Fields(string(data)), storage.FileError("read", filepath.Join(c.inst.dir, collectFile), err)
}

// writeWaits replaces them, durably. The file is too small to be torn; what is no id in it stands for all runs.
func (c *collection) writeWaits(ids []string) error {
	text := []byte(strings.Join(ids, "\n"))
	_, err := c.lock.WriteAt(text, 0)
	if err == nil {
		err = c.lock.Truncate(int64(len(text)))
	}
	if err == nil {
		err = c.lock.Sync()
	}
	return storage.FileError("write", filepath.Join(c.inst.dir, collectFile), err)
}

// livingRuns returns the ids of the runs whose processes live, whether they are stored yet or not.
func (i *Instance) livingRuns() (ids []string, err error) {
	entries, err := fs.ReadDir(i.root.FS(), locks)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, storage.FileError("read", filepath.Join(i.dir, locks), err)
	}
	for _, e := range entries {
		id, ok := runOfLock(e.Name())
		if !ok {
			continue
		}
		alive, err := i.runs.alive(id)
		if err != nil {
			return nil, err
		}
		if alive {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// purge removes records, then what no record needs.
func (c *collection) purge(ctx context.Context, records []int64) error {
	if err := c.struck(failpoint.GCListed); err != nil {
		return err
	}
	done, err := c.store.Purge(ctx, storage.Purge{Records: records, Manifests: c.out.Living == 0})
	if err != nil {
		return err
	}
	c.out.Records, c.out.Blobs, c.out.Bytes = done.Records, done.Blobs, done.Bytes
	if err := c.struck(failpoint.GCPurged); err != nil {
		return err
	}
	gone, err := c.sweep(ctx, c.garbage(records))
	if len(gone) > 0 {
		err = errors.Join(err, c.struck(failpoint.GCRemoved))
		_, perr := c.store.Purge(ctx, storage.Purge{Files: gone})
		err = errors.Join(err, perr)
	}
	if err == nil && c.out.Living == 0 {
		c.out.Freed, err = c.store.Compact(ctx)
	}
	return err
}

// garbage returns the objects that no record needs once some are gone.
func (c *collection) garbage(purged []int64) []iomanager.StoredObject {
	c.needed = map[string]bool{}
	for i := range c.records {
		if k := &c.records[i]; !contains(purged, k.id) {
			c.need(k)
		}
	}
	var out []iomanager.StoredObject
	for _, o := range c.objects {
		if !c.needed[o.Name] {
			out = append(out, o)
		}
	}
	return out
}

func (c *collection) need(k *kept) {
	for _, t := range k.things {
		c.needed[t] = true
	}
}

func contains(sorted []int64, id int64) bool {
	_, ok := slices.BinarySearch(sorted, id)
	return ok
}

// sweep removes objects, a shard at a time, and returns their names. What was stored since they were listed is looked at while nobody can store more.
func (c *collection) sweep(ctx context.Context, garbage []iomanager.StoredObject) (gone []string, err error) {
	if len(garbage) == 0 {
		return nil, nil
	}
	s, err := c.files.Sweep()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for len(garbage) > 0 && err == nil {
		n := 1
		for n < len(garbage) && iomanager.SameShard(garbage[0], garbage[n]) {
			n++
		}
		shard := garbage[:n]
		garbage = garbage[n:]
		var ok bool
		ok, err = s.Alone(shard[0], func() error {
			if err := c.scanRecords(ctx, c.need); err != nil {
				return err
			}
			for _, o := range shard {
				if c.needed[o.Name] {
					continue
				}
				if err := s.Remove(o); err != nil {
					return err
				}
				gone = append(gone, o.Name)
				c.out.Objects++
				c.out.Bytes += o.Size
			}
			return nil
		})
		if err == nil && !ok {
			c.out.InUse += len(shard)
		}
	}
	return gone, err
}

// dryRun finds out what run would remove if no run lived, and how many do.
func (c *collection) dryRun(ctx context.Context) (*Collected, error) {
	if err := c.scan(ctx); err != nil {
		return nil, err
	}
	living, err := c.inst.livingRuns()
	if err != nil {
		return nil, err
	}
	c.out.Living = len(living)
	purge := c.rule.retire(c.records, c.sizes, time.Now())
	for i := range c.records {
		if k := &c.records[i]; !k.usable && !k.found {
			purge = append(purge, k.id)
		}
	}
	slices.Sort(purge)
	c.out.Records = len(purge)
	for _, o := range c.garbage(purge) {
		c.out.Objects++
		c.out.Bytes += o.Size
	}
	for name, size := range c.sizes {
		if path.Dir(name) == "." && !c.needed[name] { // a blob
			c.out.Blobs++
			c.out.Bytes += size
		}
	}
	if err := c.leftovers(ctx, true); err != nil {
		return nil, err
	}
	return &c.out, nil
}
