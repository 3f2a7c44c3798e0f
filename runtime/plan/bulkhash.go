package plan

import (
	"bytes"
	"runtime"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

func compareDigests(a, b *canon.Digest) int { return bytes.Compare(a[:], b[:]) }

// manyPartitions is how many of one asset are worth a goroutine of their own.
const manyPartitions = 2048

// contents computes the content of each partition from the data that is stored now, on all processors.
func (f *finder) contents() error {
	workers := max(1, min(runtime.GOMAXPROCS(0), f.n/manyPartitions))
	if f.configures() && f.node.Op.Strategy != nil { // it is asked for each, one at a time
		workers = 1
	}
	if workers == 1 {
		return f.hashed(0, f.n)
	}
	each := max(1, (f.n+workers-1)/workers)
	wrong := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { wrong[i] = f.hashed(min(i*each, f.n), min(i*each+each, f.n)) })
	}
	wg.Wait()
	for _, err := range wrong {
		if err != nil { // of the first partitions
			return err
		}
	}
	return nil
}

func (f *finder) hashed(from, to int) error {
	s := *f.step
	h := NewHasher()
	data := make([]canon.Digest, len(f.feeds))
	texts := newPartitionTexts(f.space)
	begun := 0 // how long what all have in common is in the encoding, once it is there
	for n, p := range f.space.Numbered(from, to) {
		known, complete := true, true
		for k := range f.feeds {
			d, ok := f.feeds[k].at(n)
			data[k] = d
			known, complete = known && ok, complete && !d.IsZero()
		}
		f.known[n] = known
		if f.configures() {
			var err error
			if s.work, err = f.workAt(n); err != nil {
				return err
			}
		}
		if !complete {
			continue
		}
		if begun == 0 || f.configures() {
			h.shared(domainContent, &s, data)
			begun = h.enc.Len()
		} else {
			h.enc.Truncate(begun)
			for k := range data {
				h.enc.Replace(h.ends[k], data[k])
			}
		}
		switch {
		case f.encoded != nil:
			h.enc.Fields(f.encoded.of(n))
		case f.node.Op.Partitions != nil:
			texts.encode(h.enc, p)
		}
		f.content[n] = h.enc.Sum()
	}
	return nil
}

// encodedPartitions are the partitions of a space as they stand in the encodings of steps.
type encodedPartitions struct {
	enc  *canon.Encoder
	ends []int // by number, where its fields end
	from int   // where the first one begins
}

// encodedOf encodes the partitions of a space that is not large, once for all assets with it.
func (m *statusMaker) encodedOf(space *partition.Space) *encodedPartitions {
	if space.Len() >= manyPartitions {
		return nil
	}
	if e := m.encoded[space]; e != nil {
		return e
	}
	e := &encodedPartitions{enc: canon.New("")}
	e.from = e.enc.Len()
	texts := newPartitionTexts(space)
	for _, p := range space.Numbered(0, space.Len()) {
		texts.encode(e.enc, p)
		e.ends = append(e.ends, e.enc.Len())
	}
	if m.encoded == nil {
		m.encoded = map[*partition.Space]*encodedPartitions{}
	}
	m.encoded[space] = e
	return e
}

func (e *encodedPartitions) of(n int) []byte {
	from := e.from
	if n > 0 {
		from = e.ends[n-1]
	}
	return e.enc.Encoded()[from:e.ends[n]]
}

// partitionTexts writes partitions as encodePartition does, many in their order. The texts of an axis of several are written once.
type partitionTexts struct {
	space *partition.Space
	dims  []string
	keys  [][]string // by axis, where there are several; empty for one that was not written yet

	last, text string // the end of a window is the beginning of the next one
	end        time.Time
}

func newPartitionTexts(space *partition.Space) *partitionTexts {
	t := &partitionTexts{space: space, dims: space.Dimensions()}
	for range t.dims {
		t.keys = append(t.keys, nil)
	}
	return t
}

func (t *partitionTexts) encode(e *canon.Encoder, p partition.Point) {
	if t.dims == nil {
		e.String("partition", t.space.Key(p))
		e.List("dimensions", 0)
	} else {
		t.text = ""
		for i, dim := range t.dims {
			for len(t.keys[i]) <= p[i] {
				t.keys[i] = append(t.keys[i], "")
			}
			if t.keys[i][p[i]] == "" {
				t.keys[i][p[i]] = t.space.KeyOf(p, dim)
			}
			if i > 0 {
				t.text += "|"
			}
			t.text += t.keys[i][p[i]]
		}
		e.String("partition", t.text)
		e.List("dimensions", len(t.dims))
		for i, dim := range t.dims {
			e.String(dim, t.keys[i][p[i]])
		}
	}
	w, ok := t.space.Window(p)
	if !ok {
		e.Nil("window")
		return
	}
	start := t.last
	if !w.Start.Equal(t.end) || start == "" {
		start = w.Start.UTC().Format(time.RFC3339)
	}
	t.last, t.end = w.End.UTC().Format(time.RFC3339), w.End
	e.String("window", start+"/"+t.last+" "+w.Start.Location().String())
}
