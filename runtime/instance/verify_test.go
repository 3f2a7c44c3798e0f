package instance

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func kinds(v *Verified) (kinds []string) {
	for _, p := range v.Problems {
		kinds = append(kinds, p.Kind)
	}
	return kinds
}

func TestVerifyAndRepair(t *testing.T) {
	object := func(i *Instance, rec storage.Record) string {
		return filepath.Join(i.Dir(), iomanager.ObjectName(&rec.Outputs[0]))
	}
	statement := func(text string) func(*testing.T, *Instance, storage.Record) {
		return func(t *testing.T, i *Instance, _ storage.Record) { script(t, i.Dir(), text) }
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, i *Instance, large storage.Record)
		kinds  []string // found
		what   string
		lost   int // records
	}{
		"nothing": {func(*testing.T, *Instance, storage.Record) {}, nil, "", 0},
		"an object is gone": {func(t *testing.T, i *Instance, rec storage.Record) {
			require.NoError(t, os.Remove(object(i, rec)))
		}, []string{ProblemRecord}, "no such file", 1},
		"an object has other bytes": {func(t *testing.T, i *Instance, rec storage.Record) {
			require.NoError(t, os.Chmod(object(i, rec), 0o600))
			require.NoError(t, os.WriteFile(object(i, rec), []byte(noise("other")), 0o600))
		}, []string{ProblemRecord, ProblemObject}, "stored output is damaged", 1},
		"an object is a folder": {func(t *testing.T, i *Instance, rec storage.Record) {
			require.NoError(t, os.Remove(object(i, rec)))
			require.NoError(t, os.MkdirAll(filepath.Join(object(i, rec), "deep"), 0o700))
		}, []string{ProblemRecord, ProblemObject}, "not a regular file", 1},
		"a torn file that nobody needs": {func(t *testing.T, i *Instance, rec storage.Record) {
			name := filepath.Join(filepath.Dir(object(i, rec)), filepath.Base(filepath.Dir(object(i, rec)))+"00000000000000000000000000000000000000000000000000000000000000.cbor")
			require.NoError(t, os.WriteFile(name, []byte("torn"), 0o600))
		}, []string{ProblemObject}, "instead of", 0},
		"a blob is gone":        {statement("DELETE FROM blob"), []string{ProblemRecord, ProblemStore}, "not found", 1},
		"a blob is damaged":     {statement("UPDATE blob SET data = x'00'"), []string{ProblemRecord, ProblemStore}, "the store is damaged", 1},
		"a record is damaged":   {statement("UPDATE record SET data = x'00' WHERE number = 1"), []string{ProblemRecord, ProblemStore}, "a record: it ends early", 1},
		"a manifest is damaged": {statement("INSERT INTO manifest VALUES (zeroblob(32), 0, x'00')"), []string{ProblemStore}, "manifest", 0},
		"a dead run": {func(t *testing.T, i *Instance, _ storage.Record) {
			submit(t, i, &storage.Batch{NewRun: newRun(newID())})
		}, []string{ProblemRun}, "its process is gone", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			i := openTest(t, dir)
			keepStep(t, i, "asset:small", "small", time.Now())
			large := keepStep(t, i, "asset:large", noise("large"), time.Now())
			require.NoError(t, i.release())
			verified(t, i)
			c.damage(t, i, large)

			r, err := OpenReadOnly(t.Context(), dir)
			require.NoError(t, err)
			before := tree(t, dir)
			v, err := r.Verify(t.Context(), false)
			require.NoError(t, err)
			assert.Equal(t, before, tree(t, dir), "looking writes nothing")
			require.NoError(t, r.Close())
			for _, kind := range c.kinds {
				if kind != ProblemObject || c.lost == 0 { // what a record needs is told once
					assert.Contains(t, kinds(v), kind)
				}
			}
			assert.Equal(t, len(v.Problems), v.Left())
			if c.kinds == nil {
				assert.Empty(t, v.Problems)
				return
			}
			assert.Contains(t, v.Problems[0].What, c.what)

			v, err = i.Verify(t.Context(), true)
			require.NoError(t, err)
			assert.NotEmpty(t, append(v.Problems, Problem{}))
			assert.Zero(t, v.Left(), "%v", v.Problems)
			verified(t, i)
			kept := 0
			for _, rec := range []storage.Record{large} {
				if found(t, i, rec) {
					kept++
					assert.True(t, there(t, i, rec), "what is found can be loaded")
				}
			}
			c, err := i.Collect(t.Context(), Retention{}, false)
			require.NoError(t, err, "and cleaned up")
			assert.Zero(t, c.Waiting)
			verified(t, i)
		})
	}
}

// What stands in a folder that no instance was made in is an empty one.
func TestVerifyNothing(t *testing.T) {
	r, err := OpenReadOnly(t.Context(), t.TempDir())
	require.NoError(t, err)
	v, err := r.Verify(t.Context(), false)
	require.NoError(t, err)
	assert.Empty(t, v.Problems)
	require.NoError(t, r.Close())
	e := Ephemeral()
	v, err = e.Verify(t.Context(), true)
	require.NoError(t, err)
	assert.Empty(t, v.Problems)
	require.NoError(t, e.Close())
}

// script runs SQL on the database of an instance, as nobody should.
func script(t testing.TB, dir, text string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(dir, database))
	require.NoError(t, err)
	_, err = db.Exec(text)
	require.NoError(t, errors.Join(err, db.Close()))
}
