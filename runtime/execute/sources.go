package execute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A sighting is what a source said, with what it takes to notice a file that changes later.
type sighting struct {
	plan.Observation
	files  []dag.File  // that it is; of a folder, all of them
	dir    dag.Dir     // where it is one
	stamps []fileStamp // of the files
	fresh  bool        // one of them changed so shortly before that its stamp proves nothing
}

// fileStamp is what a file system says of a file without reading it.
type fileStamp struct {
	info os.FileInfo
	ok   bool
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	return fileStamp{info, err == nil}
}

func (s fileStamp) same(t fileStamp) bool {
	return s.ok && t.ok && os.SameFile(s.info, t.info) && s.info.Size() == t.info.Size() && s.info.ModTime().Equal(t.info.ModTime())
}

// racy is how close to its observation a change of a file makes its time stamp worthless: no file system in use is coarser.
const racy = 2 * time.Second

// observe asks all sources of a target what their data is now, several at once unless one at a time is asked for.
func (of *run) observe(ctx context.Context) map[plan.Sight]*sighting {
	t, r := of.target, of.asked
	watches := t.Watches()
	found := make(map[plan.Sight]*sighting, len(watches))
	var mu sync.Mutex
	var wg sync.WaitGroup
	width := runtime.GOMAXPROCS(0)
	if r.executor == InProcessExecutor {
		width = 1
	}
	slots := make(chan struct{}, width)
	var once answers
	for _, w := range watches {
		// What stays if the function ends this goroutine.
		found[w.Sight()] = &sighting{Observation: plan.Observation{Err: &StepError{Step: watched(t, w), Where: WhereSource, Err: errGoexit}}}
	}
	for _, w := range watches {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s := of.observeOne(ctx, t, w, &once)
			mu.Lock()
			defer mu.Unlock()
			found[w.Sight()] = s
		})
	}
	wg.Wait()
	return found
}

// watched is the key of the step that an observation is of; all partitions may have one node.
func watched(t *plan.Target, w plan.Watch) string {
	n := &t.Graph.Nodes[w.Place]
	if w.Partition != nil && n.Partition == nil {
		return dag.PartitionStep(n.Key, w.Partition.Key)
	}
	return n.Key
}

func (of *run) observeOne(ctx context.Context, t *plan.Target, w plan.Watch, once *answers) *sighting {
	r, res := of.asked, of.res
	n, s, key := &t.Graph.Nodes[w.Place], &sighting{}, watched(t, w)
	fail := func(where string, err error, stack string) *sighting {
		s.Err = &StepError{Step: key, Where: where, Err: err, Stack: stack}
		return s
	}
	if err := ctx.Err(); err != nil {
		return fail(WhereSource, err, "")
	}
	if n.Op.External {
		dv, err := of.reported(ctx, n.Op, w.Partition)
		if err == nil && dv != "" {
			err = s.read(n, w.Partition, []any{dv})
		}
		if err != nil {
			return fail(WhereSource, err, "")
		}
		if dv != "" {
			return s
		}
	}
	// One more slot than outputs: a source that returns a value and its version fills both.
	call := &dag.Call{Out: make([]any, len(n.Op.Outputs)+1)}
	config, err := r.config(n, w.Partition)
	if err != nil {
		return fail(WhereSource, err, "")
	}
	if config != nil {
		call.Config = config.Go
	}
	for _, u := range n.Op.Resources {
		v, err := res.get(ctx, u.Key)
		if err != nil {
			return fail(WhereResource, err, stackOf(err))
		}
		call.Resources = append(call.Resources, v)
	}
	began := time.Now()
	own := dag.Scope{}
	if res.scope != nil {
		own = *res.scope
	}
	own.Op, own.Info.StepKey, own.Info.Partition, own.Info.Tags = n.Op, key, w.Partition, n.Tags
	ask := func() answer {
		err, stack := guard(func() error { return n.Op.Invoke(dag.WithScope(ctx, &own), call) })
		return answer{call.Out, err, stack}
	}
	said := answer{}
	if n.Op.Versions {
		own.Info.StepKey, own.Info.Partition = n.Op.Key, nil // it is asked for all of them
		said = once.of(n.Op, ask)
	} else {
		said = ask()
	}
	if said.err != nil {
		return fail(WhereSource, said.err, said.stack)
	}
	if err := s.read(n, w.Partition, said.out); err != nil {
		return fail(WhereSource, err, "")
	}
	for _, f := range s.files {
		stamp := stampOf(f.Path())
		s.stamps = append(s.stamps, stamp)
		s.fresh = s.fresh || !stamp.ok || stamp.info.ModTime().After(began.Add(-racy))
	}
	return s
}

// read finds the value and the data version among what a source returned.
func (s *sighting) read(n *plan.Node, of *dag.Partition, out []any) error {
	if len(n.Op.Outputs) != 1 {
		return fmt.Errorf("a source has one output, %s has %d; run `go generate ./...` again", n.Op.Symbol, len(n.Op.Outputs))
	}
	o := &n.Op.Outputs[0]
	h := plan.NewHasher()
	if all, ok := out[0].(dag.DataVersionsByPartition); ok {
		dv, err := versionOf(all, of)
		if err != nil {
			return err
		}
		out = []any{dv}
	}
	s.Value = out[0]
	for _, v := range out {
		if dv, ok := v.(dag.DataVersion); ok {
			if dv == "" {
				if n.Op.External {
					return errors.New("nothing was reported of it; report it with `assets report`, or return a data version that holds until then")
				}
				return errors.New("it returned an empty data version; return one that names the state of the data")
			}
			name := "asset:" + cmp.Or(o.Asset, n.Op.Key) // wherever the source is used
			if of != nil {
				name = dag.PartitionStep(name, of.Key)
			}
			s.Data = h.NamedData(name, o.Name, dv)
			s.Text = fmt.Sprintf("version %q", string(dv))
		}
	}
	if f, ok := out[0].(dag.File); ok {
		if f.IsZero() {
			return errors.New("it returned no file; return an error where there is none")
		}
		s.files = []dag.File{f}
		if s.Data.IsZero() {
			s.Data, s.Text = f.Version(), f.String()
		}
	}
	if d, ok := out[0].(dag.Dir); ok {
		if d.IsZero() {
			return errors.New("it returned no folder; return an error where there is none")
		}
		s.dir, s.files = d, d.Files()
		if s.Data.IsZero() {
			s.Data, s.Text = d.Version(), d.String()
		}
	}
	if s.Data.IsZero() {
		data, err := codec.Encode(o.Type, out[0])
		if err != nil {
			return err
		}
		s.Data = canon.Sum(data)
		s.Text = "value of " + fmt.Sprint(len(data)) + " bytes"
	}
	return nil
}

// changed reports whether the files of a source are not what was observed. It reads a file again only where its stamp is no proof.
func (s *sighting) changed() bool {
	if !s.dir.IsZero() {
		if same, err := s.dir.SameNames(); err != nil || !same {
			return true
		}
	}
	for i, f := range s.files {
		if now := stampOf(f.Path()); now.same(s.stamps[i]) && !s.fresh {
			continue
		}
		r, err := f.Open() // its reader compares
		if err != nil {
			return true
		}
		_, err = io.Copy(io.Discard, r)
		if errors.Join(err, r.Close()) != nil {
			return true
		}
	}
	return false
}

// sourceRecord is what is remembered of an observation.
func (r *run) sourceRecord(s *plan.Step) storage.Record {
	out := storage.Output{Name: s.Op.Outputs[0].Name, Asset: sourceAsset(s), DataVersion: s.Observed.Data, Codec: "source", Version: s.Observed.Data, RunID: r.id}
	if f, ok := s.Observed.Value.(dag.File); ok {
		out.File, out.Size = f.Name(), f.Size()
	}
	if d, ok := s.Observed.Value.(dag.Dir); ok {
		out.Size = d.Size()
	}
	return storage.Record{
		Step: s.Version, Content: s.Content, Identity: s.Identity, RunID: r.id, StepKey: s.Key, Symbol: s.Op.Symbol, Partition: partitionKey(s),
		Outputs: []storage.Output{out}, Time: time.Now().UTC(),
	}
}

func sourceAsset(s *plan.Step) string {
	if a := s.Op.Outputs[0].Asset; a != "" {
		return a
	}
	return s.Op.Key
}
