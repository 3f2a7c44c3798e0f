// Package memory keeps what an instance remembers in memory, for instances that end with their process.
//
// Stage: below instance; it implements storage.Store and imports storage and internal/canon alone.
//
// Invariants: those of storage, but for durability: a batch is applied whole or not at all, in the order of submission, before Submit
// returns. A batch belongs to the store once it is submitted; what is returned is shared and not modified by anyone.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Store is a storage.Store in memory. Make one with [New] or [Empty].
type Store struct {
	readOnly string // the name of what cannot be written; empty for a store that can

	mu        sync.RWMutex
	closed    bool
	runs      map[string]*run
	order     []*run
	records   []*record // by number - 1
	byStep    map[canon.Digest][]int64
	byContent map[canon.Digest][]int64
	byAsset   map[string][]int64
	latest    map[string]int64
	blobs     map[canon.Digest][]byte
	manifests map[canon.Digest][]byte
	snapshots map[canon.Digest][]byte
	files     map[string]storage.FileState
	dynamic   map[string]*keys
	created   int64 // runs so far, deleted ones too
	backfills []*storage.Backfill
	log       []entry
	none      run // of events that are of no run
}

type run struct {
	storage.Run
	events  []storage.Event
	deleted bool
}

// An entry is an event in the order of all; its number is its place.
type entry struct {
	run *run
	at  int32 // in run.events
}

type record struct {
	storage.Record
	dropped bool
}

var _ storage.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		runs: map[string]*run{}, byStep: map[canon.Digest][]int64{}, byContent: map[canon.Digest][]int64{}, byAsset: map[string][]int64{},
		latest: map[string]int64{}, blobs: map[canon.Digest][]byte{}, manifests: map[canon.Digest][]byte{}, snapshots: map[canon.Digest][]byte{}, files: map[string]storage.FileState{},
		dynamic: map[string]*keys{},
	}
}

// Empty returns a store that stays empty, in place of one that is read and does not exist. Its errors call it name.
func Empty(name string) *Store {
	s := New()
	s.readOnly = name
	return s
}

// A ticket is a batch that is done.
type ticket struct{ err error }

// Wait implements storage.Ticket.
func (t *ticket) Wait(context.Context) error { return t.err }

var done = &ticket{}

// Submit implements storage.Store.
func (s *Store) Submit(b *storage.Batch) storage.Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(b); err != nil {
		return &ticket{err}
	}
	s.apply(b)
	return done
}

// check finds everything that could be wrong with a batch before any of it is applied.
func (s *Store) check(b *storage.Batch) error {
	switch {
	case s.readOnly != "":
		return fmt.Errorf("%s: %w: it was opened for reading", s.readOnly, storage.ErrReadOnly)
	case s.closed:
		return storage.ErrClosed
	}
	if err := s.checkRuns(b); err != nil {
		return err
	}
	if err := s.checkBackfills(b); err != nil {
		return err
	}
	for _, a := range b.Aliases {
		if a.Record < 1 || a.Record > int64(len(s.records)+len(b.Records)) {
			return fmt.Errorf("alias of record %d: %w", a.Record, storage.ErrNotFound)
		}
	}
	return nil
}

func (s *Store) apply(b *storage.Batch) {
	s.applyRuns(b)
	s.applyBackfills(b)
	for d, data := range b.Manifests {
		if _, ok := s.manifests[d]; !ok {
			s.manifests[d] = data
		}
	}
	for d, data := range b.Blobs {
		if old, ok := s.blobs[d]; !ok || !bytes.Equal(old, data) {
			s.blobs[d] = data
		}
	}
	for i := range b.Records {
		r := &record{Record: b.Records[i]}
		s.records = append(s.records, r)
		number := int64(len(s.records))
		r.ID = number
		s.byStep[r.Step] = append(s.byStep[r.Step], number)
		s.byContent[r.Content] = append(s.byContent[r.Content], number)
		for _, o := range r.Outputs {
			if list := s.byAsset[o.Asset]; o.Asset != "" && (len(list) == 0 || list[len(list)-1] != number) {
				s.byAsset[o.Asset] = append(list, number)
			}
		}
		if r.Identity != "" {
			s.latest[r.Identity] = number
		}
	}
	for _, a := range b.Aliases {
		if list := s.byStep[a.Step]; !a.Step.IsZero() && !slices.Contains(list, a.Record) {
			list = append(list, a.Record)
			slices.Sort(list)
			s.byStep[a.Step] = list
		}
		if a.Identity != "" {
			s.latest[a.Identity] = a.Record
		}
	}
	for _, number := range b.Drop {
		if number >= 1 && number <= int64(len(s.records)) {
			s.records[number-1].dropped = true
		}
	}
	for _, asset := range b.Wipe {
		s.wipe(asset)
	}
	for i := range b.Files {
		s.files[b.Files[i].Path] = b.Files[i]
	}
	s.applyPartitions(b)
	s.applyEvents(b)
}

// wipe forgets an asset.
func (s *Store) wipe(asset string) {
	doomed := map[int64]bool{}
	for i, r := range s.records {
		if r.Identity == "asset:"+asset || slices.ContainsFunc(r.Outputs, func(o storage.Output) bool { return o.Asset == asset }) {
			doomed[int64(i+1)] = true
			r.dropped = true
		}
	}
	delete(s.byAsset, asset)
	for name, number := range s.latest {
		if !doomed[number] {
			continue
		}
		if !slices.ContainsFunc(s.records[number-1].Outputs, func(o storage.Output) bool { return slices.Contains(s.byAsset[o.Asset], number) }) {
			delete(s.latest, name) // no other asset has it
		}
	}
	for _, e := range s.log {
		if !e.run.deleted && e.run.events[e.at].Asset == asset {
			e.run.events[e.at].Asset = ""
		}
	}
}

// read calls do while the store cannot change.
func (s *Store) read(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return storage.ErrClosed
	}
	return do()
}

// copyOf returns a record as a look-up does.
func (s *Store) copyOf(number int64) *storage.Record {
	r := s.records[number-1].Record
	r.Newest = r.Identity != "" && s.latest[r.Identity] == number
	return &r
}

func (s *Store) find(ctx context.Context, index *map[canon.Digest][]int64, keys []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	out := make(map[canon.Digest]*storage.Record, len(keys))
	err := s.read(ctx, func() error {
		for _, k := range keys {
			for _, number := range slices.Backward((*index)[k]) {
				if !s.records[number-1].dropped {
					out[k] = s.copyOf(number)
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// RecordsByStep implements storage.Store.
func (s *Store) RecordsByStep(ctx context.Context, steps []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	return s.find(ctx, &s.byStep, steps)
}

// RecordsByContent implements storage.Store.
func (s *Store) RecordsByContent(ctx context.Context, contents []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	return s.find(ctx, &s.byContent, contents)
}

// Latest implements storage.Store.
func (s *Store) Latest(ctx context.Context, identities []string) (map[string]*storage.Record, error) {
	out := make(map[string]*storage.Record, len(identities))
	err := s.read(ctx, func() error {
		for _, name := range identities {
			if number := s.latest[name]; name != "" && number > 0 {
				r := s.copyOf(number)
				r.Identity, r.Newest = name, true
				out[name] = r
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// LatestOf implements storage.Store.
func (s *Store) LatestOf(ctx context.Context, prefix, after string, limit int) (out []storage.LatestRecord, err error) {
	err = s.read(ctx, func() error {
		var names []string
		for name := range s.latest {
			if strings.HasPrefix(name, prefix) && name > after {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names[:min(limit, len(names))] {
			number := s.latest[name]
			r := storage.LatestRecord{Record: *s.copyOf(number), Usable: !s.records[number-1].dropped}
			r.Identity, r.Newest = name, true
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// BriefsOf implements storage.Store.
func (s *Store) BriefsOf(ctx context.Context, prefix, after string, limit int, into []storage.Brief) (out []storage.Brief, ok bool, err error) {
	all, err := s.LatestOf(ctx, prefix, after, limit)
	if err != nil {
		return nil, false, err
	}
	return storage.Briefs(all, into)
}

// Blob implements storage.Store.
func (s *Store) Blob(ctx context.Context, d canon.Digest) (out []byte, err error) {
	err = s.read(ctx, func() error {
		data, ok := s.blobs[d]
		if !ok {
			return fmt.Errorf("blob %s: %w", d, storage.ErrNotFound)
		}
		out = data
		return nil
	})
	if err == nil && canon.Sum(out) != d {
		return nil, fmt.Errorf("blob %s: %w: its bytes have digest %s", d, storage.ErrCorrupt, canon.Sum(out))
	}
	return out, err
}

// Manifests implements storage.Store.
func (s *Store) Manifests(ctx context.Context, digests []canon.Digest) (map[canon.Digest][]byte, error) {
	out := make(map[canon.Digest][]byte, len(digests))
	err := s.read(ctx, func() error {
		for _, d := range digests {
			if data, ok := s.manifests[d]; ok {
				out[d] = data
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(out, func(d canon.Digest, data []byte) bool { return canon.Sum(data) != d })
	return out, nil
}

// FileStates implements storage.Store.
func (s *Store) FileStates(ctx context.Context, paths []string) (map[string]storage.FileState, error) {
	out := map[string]storage.FileState{}
	err := s.read(ctx, func() error {
		for _, p := range paths {
			if f, ok := s.files[p]; ok {
				out[p] = f
			}
		}
		return nil
	})
	return out, err
}

// Record implements storage.Store.
func (s *Store) Record(ctx context.Context, id int64) (out *storage.Record, err error) {
	err = s.read(ctx, func() error {
		if id < 1 || id > int64(len(s.records)) {
			return storage.ErrNotFound
		}
		out = s.copyOf(id)
		return nil
	})
	return out, err
}

// AssetRecords implements storage.Store.
func (s *Store) AssetRecords(ctx context.Context, asset string, limit int) ([]storage.Record, error) {
	var out []storage.Record
	err := s.read(ctx, func() error {
		for _, number := range slices.Backward(s.byAsset[asset]) {
			if limit > 0 && len(out) == limit {
				break
			}
			out = append(out, *s.copyOf(number))
		}
		return nil
	})
	return out, err
}

// AssetKeys implements storage.Store.
func (s *Store) AssetKeys(ctx context.Context, f storage.AssetFilter) (out []string, err error) {
	err = s.read(ctx, func() error {
		for _, key := range slices.Sorted(maps.Keys(s.byAsset)) {
			if strings.HasPrefix(key, f.Prefix) && key > f.After && (f.Limit <= 0 || len(out) < f.Limit) {
				out = append(out, key)
			}
		}
		return nil
	})
	return out, err
}

// Verify implements storage.Store.
func (s *Store) Verify(ctx context.Context, problem func(string)) error {
	return s.read(ctx, func() error {
		for d, data := range s.blobs {
			if got := canon.Sum(data); got != d {
				problem(fmt.Sprintf("blob %s: its bytes have digest %s", d, got))
			}
		}
		for i, r := range s.records {
			for _, o := range r.Outputs {
				if _, ok := s.blobs[o.Blob]; o.Inline && !r.dropped && !ok {
					problem(fmt.Sprintf("record %d needs blob %s, which is not there", i+1, o.Blob))
				}
			}
		}
		return ctx.Err()
	})
}

// Close implements storage.Store: everything is forgotten.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.runs, s.order, s.records, s.byStep, s.byContent, s.byAsset, s.latest, s.blobs, s.manifests, s.files = nil, nil, nil, nil, nil, nil, nil, nil, nil, nil
	s.snapshots, s.log, s.dynamic = nil, nil, nil
	return nil
}
