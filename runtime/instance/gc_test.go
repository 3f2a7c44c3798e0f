package instance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// keepStep stores a step of some identity whose output is value, and returns its record.
func keepStep(t testing.TB, i *Instance, identity, value string, at time.Time) storage.Record {
	t.Helper()
	staged, err := i.IO().Stage(t.Context(), bytesType, []byte(value))
	require.NoError(t, err)
	out := staged.Output
	out.Name = "result"
	rec := storage.Record{
		Step: canon.Sum([]byte("step" + value)), Content: canon.Sum([]byte("content" + value)), Identity: identity, RunID: newID(), StepKey: identity,
		Outputs: []storage.Output{out}, Time: at.UTC(),
	}
	b := &storage.Batch{Records: []storage.Record{rec}}
	staged.AddTo(b)
	submit(t, i, b)
	return rec
}

// noise is a text that does not compress, too large to be inline.
func noise(name string) string {
	var b strings.Builder
	for n := 0; b.Len() <= 2*storage.MaxInline; n++ {
		b.WriteString(canon.Sum([]byte(name + strconv.Itoa(n))).Hex())
	}
	return b.String()
}

func found(t testing.TB, i *Instance, rec storage.Record) bool {
	t.Helper()
	byStep, err := i.Store().RecordsByStep(t.Context(), []canon.Digest{rec.Step})
	require.NoError(t, err)
	byContent, err := i.Store().RecordsByContent(t.Context(), []canon.Digest{rec.Content})
	require.NoError(t, err)
	require.Equal(t, byStep[rec.Step] != nil, byContent[rec.Content] != nil)
	return byStep[rec.Step] != nil
}

// there reports whether the output of a record can be loaded.
func there(t testing.TB, i *Instance, rec storage.Record) bool {
	t.Helper()
	_, err := i.IO().Load(t.Context(), &rec.Outputs[0], bytesType)
	if err != nil {
		require.ErrorIs(t, err, iomanager.ErrDamaged)
	}
	return err == nil
}

func collect(t testing.TB, i *Instance, r Retention) *Collected {
	t.Helper()
	would, err := i.Collect(t.Context(), r, true)
	require.NoError(t, err)
	c, err := i.Collect(t.Context(), r, false)
	require.NoError(t, err)
	if c.Waiting == 0 && c.InUse == 0 {
		assert.Equal(t, [3]int{would.Records, would.Objects, would.Blobs}, [3]int{c.Records, c.Objects, c.Blobs}, "a dry run says what is done")
		assert.Equal(t, would.Bytes, c.Bytes)
	}
	verified(t, i)
	return c
}

func verified(t testing.TB, i *Instance) {
	t.Helper()
	v, err := i.Verify(t.Context(), false)
	require.NoError(t, err)
	require.Empty(t, v.Problems)
}

func TestCollectWithoutALimit(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	small, large := keepStep(t, i, "op:j/small", "small", time.Now()), keepStep(t, i, "op:j/large", noise("large"), time.Now())
	// What a process leaves that dies between storing and committing.
	_, err := i.IO().Stage(t.Context(), bytesType, []byte(noise("lost")))
	require.NoError(t, err)
	submit(t, i, &storage.Batch{Blobs: map[canon.Digest][]byte{canon.Sum([]byte("x")): []byte("x")}})

	c := collect(t, i, Retention{})
	assert.Equal(t, 1, c.InUse, "this process may still want it")
	assert.Zero(t, c.Objects)
	assert.Equal(t, 1, c.Blobs)
	require.NoError(t, i.Close())

	i = openTest(t, dir)
	c = collect(t, i, Retention{})
	assert.Equal(t, 1, c.Objects)
	assert.Greater(t, c.Bytes, int64(storage.MaxInline))
	for _, rec := range []storage.Record{small, large} {
		assert.True(t, found(t, i, rec) && there(t, i, rec))
	}
	c = collect(t, i, Retention{})
	assert.Equal(t, &Collected{}, c, "nothing is left to do")
}

func TestCollectByCountAgeAndSize(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		rule Retention
		stay []int
	}{
		"no limit": {Retention{}, []int{0, 1, 2, 3, 4}},
		"count":    {Retention{Keep: 2}, []int{2, 3, 4}},
		"age":      {Retention{OlderThan: 30 * time.Hour}, []int{2, 3, 4}}, // 4 is old, and the newest of its own
		"size":     {Retention{MaxSize: int64(len(noise("0"))) * 5 / 2}, []int{3, 4}},
		"tiny":     {Retention{MaxSize: 1}, nil},
		"both":     {Retention{Keep: 3, OlderThan: 30 * time.Hour}, []int{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			i := openTest(t, t.TempDir())
			var recs []storage.Record
			for n, age := range []int{4, 3, 1, 0} {
				recs = append(recs, keepStep(t, i, "asset:a", noise(strconv.Itoa(n)), now.Add(-time.Duration(age)*24*time.Hour)))
			}
			recs = append(recs, keepStep(t, i, "asset:b", noise("b"), now.Add(-1000*time.Hour)))
			require.NoError(t, i.release()) // as if another process had stored them
			got := collect(t, i, c.rule)
			var stay []int
			for n := range recs {
				if there(t, i, recs[n]) {
					stay = append(stay, n)
				}
				assert.Equal(t, there(t, i, recs[n]), found(t, i, recs[n]))
			}
			assert.Equal(t, c.stay, stay)
			assert.Equal(t, len(recs)-len(stay), got.Records)
			assert.Equal(t, len(recs)-len(stay), got.Objects)
			latest, err := i.Store().Latest(t.Context(), []string{"asset:a"})
			require.NoError(t, err)
			assert.Equal(t, len(stay) > 0, len(latest) == 1, "what is the newest now")
		})
	}
}

// Two records share one output: it goes with the second of them.
func TestCollectKeepsWhatIsShared(t *testing.T) {
	i := openTest(t, t.TempDir())
	value := noise("shared")
	first := keepStep(t, i, "asset:a", value, time.Now())
	second := keepStep(t, i, "asset:b", value, time.Now())
	keepStep(t, i, "asset:a", "newer", time.Now())
	require.NoError(t, i.release())
	c := collect(t, i, Retention{Keep: 1})
	assert.Equal(t, 1, c.Records)
	assert.Zero(t, c.Objects)
	assert.True(t, there(t, i, second))
	assert.True(t, there(t, i, first))
}

// What a run may have found when it planned stays until it has ended, whatever is said; a run that begins later does not find it.
func TestCollectBesideARun(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	old := keepStep(t, i, "asset:a", noise("old"), time.Now())
	keepStep(t, i, "asset:a", noise("new"), time.Now())
	require.NoError(t, i.Close())

	i = openTest(t, dir)
	run := openTest(t, dir) // another process
	unlock, err := run.LockRun(newID())
	require.NoError(t, err)
	hit, err := run.Store().RecordsByStep(t.Context(), []canon.Digest{old.Step})
	require.NoError(t, err)

	c := collect(t, i, Retention{Keep: 1})
	assert.Equal(t, Collected{Waiting: 1, Living: 1}, *c)
	assert.False(t, found(t, i, old))
	assert.True(t, there(t, run, old), "the run has found it")
	submit(t, run, &storage.Batch{Aliases: []storage.Alias{{Step: canon.Sum([]byte("s")), Record: hit[old.Step].ID, Identity: "asset:c"}}})

	late := openTest(t, dir)
	unlockLate, err := late.LockRun(newID())
	require.NoError(t, err)
	c = collect(t, i, Retention{})
	assert.Equal(t, 1, c.Waiting, "the first run lives")
	unlock()
	c = collect(t, i, Retention{})
	assert.Equal(t, Collected{Records: 1, Objects: 1, Bytes: c.Bytes, Living: 1}, *c, "the second one did not find it")
	assert.False(t, there(t, i, old))
	unlockLate()
	latest, err := i.Store().Latest(t.Context(), []string{"asset:a", "asset:c"})
	require.NoError(t, err)
	assert.Len(t, latest, 1)
}

// A clean-up that was killed before it could say which runs live waits for all of them.
func TestCollectAfterAKill(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	old := keepStep(t, i, "asset:a", noise("old"), time.Now())
	keepStep(t, i, "asset:a", noise("new"), time.Now())
	require.NoError(t, i.release())
	require.NoError(t, i.store.(storage.Upkeeper).Retire(t.Context(), []int64{1}))
	for name, text := range map[string]string{"not listed": anyRun, "torn": newID()[:20], "zeroes": "\x00\x00\x00"} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, collectFile), []byte(text), 0o600))
			run := openTest(t, dir)
			unlock, err := run.LockRun(newID())
			require.NoError(t, err)
			assert.Equal(t, 1, collect(t, i, Retention{}).Waiting)
			unlock()
		})
	}
	assert.Equal(t, 1, collect(t, i, Retention{}).Records)
	assert.False(t, there(t, i, old))
}

func TestCollectRefuses(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	c := &collection{inst: i}
	end, err := c.begin()
	require.NoError(t, err)
	_, err = i.Collect(t.Context(), Retention{}, false)
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "another clean-up is at work")
	require.NoError(t, end())

	r, err := OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	_, err = r.Collect(t.Context(), Retention{}, false)
	require.ErrorIs(t, err, storage.ErrReadOnly)
	_, err = r.Collect(t.Context(), Retention{}, true)
	require.NoError(t, err)
	require.NoError(t, r.Close())

	e := Ephemeral()
	got, err := e.Collect(t.Context(), Retention{Keep: 1}, false)
	require.NoError(t, err)
	assert.Equal(t, &Collected{}, got)
	require.NoError(t, e.Close())
}

// What is freed goes back to the system, once it is worth it.
func TestCollectGivesSpaceBack(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	b := &storage.Batch{Blobs: map[canon.Digest][]byte{}}
	for n := range 200 {
		data := []byte(noise(strconv.Itoa(n))[:storage.MaxInline])
		b.Blobs[canon.Sum(data)] = data
	}
	submit(t, i, b)
	c := collect(t, i, Retention{})
	assert.Equal(t, 200, c.Blobs)
	assert.Greater(t, c.Freed, int64(1<<20))
	size, err := i.store.(storage.Upkeeper).Size()
	require.NoError(t, err)
	assert.Less(t, size, int64(1<<20))
}
