package storagetest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func records(t *testing.T, s storage.Store) {
	ctx := t.Context()
	b := &storage.Batch{NewRun: NewRun("r1")}
	var steps, contents []canon.Digest
	for i := range 300 {
		b.Records = append(b.Records, Record(i))
		steps, contents = append(steps, Digest("step", i)), append(contents, Digest("content", i))
	}
	Submit(t, s, b)
	steps, contents = append(steps, Digest("missing", 1)), append(contents, Digest("missing", 1))
	byStep, err := s.RecordsByStep(ctx, steps)
	require.NoError(t, err)
	byContent, err := s.RecordsByContent(ctx, contents)
	require.NoError(t, err)
	require.Len(t, byStep, 300)
	require.Len(t, byContent, 300)
	for i := range 300 {
		got := byStep[Digest("step", i)]
		require.NotNil(t, got)
		want := Record(i)
		want.ID, want.Newest = got.ID, true
		assert.Positive(t, got.ID)
		assert.Equal(t, &want, got)
		assert.Equal(t, &want, byContent[Digest("content", i)])
	}
}

func newest(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := Record(1), Record(1)
	b.Code, b.Content = "other", Digest("content", 2)
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{a}})
	Submit(t, s, &storage.Batch{Records: []storage.Record{b}})
	got, err := s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	assert.Equal(t, "other", got[a.Step].Code)
	assert.True(t, got[a.Step].Newest)
	old, err := s.RecordsByContent(ctx, []canon.Digest{a.Content})
	require.NoError(t, err)
	assert.Equal(t, a.Code, old[a.Content].Code)
	assert.False(t, old[a.Content].Newest)
	assert.Less(t, old[a.Content].ID, got[a.Step].ID)
	latest, err := s.Latest(ctx, []string{a.Identity, "op:nightly/unknown"})
	require.NoError(t, err)
	require.Len(t, latest, 1)
	assert.Equal(t, got[a.Step], latest[a.Identity])
}

func alias(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := Record(1), Record(2)
	b.Identity = a.Identity
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{a, b}})
	recs, err := s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	require.False(t, recs[a.Step].Newest)
	other := Digest("step", 99)
	al := storage.Alias{Step: other, Record: recs[a.Step].ID, Identity: a.Identity}
	Submit(t, s, &storage.Batch{Aliases: []storage.Alias{al, al}})
	recs, err = s.RecordsByStep(ctx, []canon.Digest{a.Step, b.Step, other})
	require.NoError(t, err)
	require.Len(t, recs, 3)
	assert.Equal(t, recs[a.Step], recs[other])
	assert.True(t, recs[other].Newest)
	assert.False(t, recs[b.Step].Newest)
	latest, err := s.Latest(ctx, []string{a.Identity})
	require.NoError(t, err)
	assert.Equal(t, recs[a.Step].ID, latest[a.Identity].ID)
	al.Record = 12345
	require.ErrorIs(t, s.Submit(&storage.Batch{Aliases: []storage.Alias{al}}).Wait(ctx), storage.ErrNotFound)
}

func drop(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := Record(1), Record(1)
	b.Code = "other"
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{a, b}})
	recs, err := s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	require.Equal(t, "other", recs[a.Step].Code)
	Submit(t, s, &storage.Batch{Drop: []int64{recs[a.Step].ID}})
	recs, err = s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	require.Equal(t, a.Code, recs[a.Step].Code, "the one before it is as good")
	Submit(t, s, &storage.Batch{Drop: []int64{recs[a.Step].ID, 4711}})
	for _, look := range []func(context.Context, []canon.Digest) (map[canon.Digest]*storage.Record, error){s.RecordsByStep, s.RecordsByContent} {
		recs, err = look(ctx, []canon.Digest{a.Step, a.Content})
		require.NoError(t, err)
		assert.Empty(t, recs)
	}
}

func blobs(t *testing.T, s storage.Store) {
	ctx := t.Context()
	m := map[canon.Digest][]byte{}
	for _, n := range []int{0, 1, 100, 4096, 5000, storage.MaxInline, 200_000} {
		data := bytes.Repeat([]byte("0123456789"), n/10+1)[:n]
		m[canon.Sum(data)] = data
	}
	Submit(t, s, &storage.Batch{Blobs: m, Manifests: m})
	Submit(t, s, &storage.Batch{Blobs: m, Manifests: m})
	for d, want := range m {
		got, err := s.Blob(ctx, d)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
	}
	all := slices.Collect(maps.Keys(m))
	got, err := s.Manifests(ctx, append(all, Digest("unknown", 1)))
	require.NoError(t, err)
	assert.Equal(t, len(m), len(got))
	for d, want := range m {
		assert.True(t, bytes.Equal(want, got[d]))
	}
	wrong := canon.Sum([]byte("right"))
	Submit(t, s, &storage.Batch{Blobs: map[canon.Digest][]byte{wrong: []byte("wrong")}})
	_, err = s.Blob(ctx, wrong)
	require.ErrorIs(t, err, storage.ErrCorrupt)
	require.ErrorContains(t, err, wrong.String())
	Submit(t, s, &storage.Batch{Blobs: map[canon.Digest][]byte{wrong: []byte("right")}})
	healed, err := s.Blob(ctx, wrong)
	require.NoError(t, err, "a damaged blob is healed by writing it again")
	assert.Equal(t, "right", string(healed))
}

// Code manifests are read many at once; what is wrong with one of them is no matter of the others.
func manifests(t *testing.T, s storage.Store) {
	ctx := t.Context()
	m := map[canon.Digest][]byte{}
	var digests []canon.Digest
	for n := range 1201 { // more than one statement takes
		text := []byte(strings.Repeat("node ", n%7) + strconv.Itoa(n))
		m[canon.Sum(text)] = text
		digests = append(digests, canon.Sum(text), Digest("unknown", n))
	}
	wrong := canon.Sum([]byte("right"))
	Submit(t, s, &storage.Batch{Manifests: m})
	Submit(t, s, &storage.Batch{Manifests: map[canon.Digest][]byte{wrong: []byte("wrong")}})
	got, err := s.Manifests(ctx, append(digests, wrong))
	require.NoError(t, err)
	assert.Equal(t, m, got)
	got, err = s.Manifests(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, got)
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.Manifests(canceled, digests)
	require.ErrorIs(t, err, context.Canceled)
}

func assets(t *testing.T, s storage.Store) {
	ctx := t.Context()
	b := &storage.Batch{NewRun: NewRun("r1")}
	for i := range 10 {
		rec := Record(i)
		rec.Identity = "asset:a"
		rec.Outputs[0].Asset = []string{"b", "a"}[i%2]
		rec.Outputs = append(rec.Outputs, storage.Output{Name: "second", Asset: "c"})
		b.Records = append(b.Records, rec)
	}
	Submit(t, s, b)
	keys, err := s.AssetKeys(ctx, storage.AssetFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, keys)
	recs, err := s.AssetRecords(ctx, "a", 3)
	require.NoError(t, err)
	var steps []string
	for _, r := range recs {
		steps = append(steps, r.StepKey)
	}
	assert.Equal(t, []string{"step_9", "step_7", "step_5"}, steps)
	all, err := s.AssetRecords(ctx, "c", 0)
	require.NoError(t, err)
	assert.Len(t, all, 10)
	none, err := s.AssetRecords(ctx, "unknown", 0)
	require.NoError(t, err)
	assert.Empty(t, none)

	for _, r := range all {
		one, err := s.Record(ctx, r.ID)
		require.NoError(t, err)
		assert.Equal(t, r.StepKey, one.StepKey)
		assert.Equal(t, r.Outputs, one.Outputs)
	}
	for _, id := range []int64{-1, 0, all[0].ID + 1} {
		_, err = s.Record(ctx, id)
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
	Submit(t, s, &storage.Batch{Drop: []int64{recs[0].ID}})
	dropped, err := s.Record(ctx, recs[0].ID)
	require.NoError(t, err)
	assert.Equal(t, "step_9", dropped.StepKey, "what no version finds is history")
}

func wholeRecord(t *testing.T, s storage.Store) {
	ctx := t.Context()
	rec := Record(1)
	rec.Config = []byte(`{"a":1}`)
	rec.Inputs = append(rec.Inputs, storage.Input{Name: "literal"})
	rec.Resources = map[string]string{"db": "sha256:1", "a": "2"}
	rec.Reached = []storage.ResourceState{{Key: "open_db", Code: "c", Config: []byte("{}")}, {Key: "x", Env: map[string]string{"HOME": "d"}}}
	rec.Env = map[string]string{"MODE": "d1", "ZONE": "d2"}
	rec.Outputs = []storage.Output{
		{Name: "a", Asset: "x", Size: 1 << 40, Codec: "file", File: "chart.png", Metadata: []dag.MetadataEntry{dag.Int("rows", 5), dag.Markdown("table", "|a|\n")}},
		{Name: "b", IO: "warehouse", Said: "snapshot 17"},
	}
	bare := storage.Record{Step: Digest("step", 2), Content: Digest("content", 2), RunID: "r1", Time: rec.Time}
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{rec, bare}})
	got, err := s.RecordsByStep(ctx, []canon.Digest{rec.Step, bare.Step})
	require.NoError(t, err)
	rec.ID, rec.Newest = got[rec.Step].ID, true
	bare.ID = got[bare.Step].ID
	assert.Equal(t, &rec, got[rec.Step])
	assert.Equal(t, &bare, got[bare.Step])
}

func fileStates(t *testing.T, s storage.Store) {
	a := storage.FileState{Path: "/data/a.csv", Size: 1 << 40, Device: 1 << 63, Inode: 7, Modified: -5, Changed: 1 << 60, Boot: "b", Digest: Digest("f", 1)}
	b := storage.FileState{Path: "objects/aa/b", Digest: Digest("f", 2)}
	odd := storage.FileState{Path: "/data/\xff\"'\n.csv", Digest: Digest("f", 3)}
	Submit(t, s, &storage.Batch{Files: []storage.FileState{{Path: a.Path, Size: 3}, b, a, odd}})
	got, err := s.FileStates(t.Context(), []string{a.Path, "missing", b.Path, odd.Path, a.Path})
	require.NoError(t, err)
	assert.Equal(t, map[string]storage.FileState{a.Path: a, b.Path: b, odd.Path: odd}, got)
	got, err = s.FileStates(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, got)
}
