package execute

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plugin"
)

// A warehouse is an IO manager of a user's package that dagstergen.yaml names: it keeps whole numbers as JSON in a folder.
type warehouse struct {
	Folder string `yaml:"folder"`
}

func (w *warehouse) path(c *dag.OutputContext) string {
	return filepath.Join(w.Folder, canon.Sum([]byte(strings.Join(c.Identifier(), "/"))).Hex())
}

func (w *warehouse) HandleOutput(_ context.Context, out *dag.OutputContext, v any) error {
	note("warehouse", "store %s", out.StepKey)
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(w.path(out), data, 0o600)
}

func (w *warehouse) LoadInput(_ context.Context, in *dag.InputContext) (any, error) {
	note("warehouse", "load %s for %s", in.Upstream.StepKey, in.StepKey)
	data, err := os.ReadFile(w.path(in.Upstream))
	if err != nil {
		return nil, err
	}
	var n int
	err = json.Unmarshal(data, &n)
	return n, err
}

func (w *warehouse) HasOutput(_ context.Context, out *dag.OutputContext) (bool, error) {
	_, err := os.Stat(w.path(out))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (w *warehouse) Close() error {
	note("warehouse", "close")
	return nil
}

func init() {
	plugin.Register(instance.IOManagers, "warehouse", func(_ plugin.Context, w warehouse) (dag.IOManager, error) {
		if w.Folder == "" {
			return nil, errors.New("it has no folder")
		}
		return &w, nil
	})
	plugin.Register(instance.IOManagers, "forgetful", func(plugin.Context, struct{}) (dag.IOManager, error) { return newShelf(), nil })
	plugin.Register(instance.IOManagers, "none", func(plugin.Context, struct{}) (dag.IOManager, error) { return nil, nil })
}

// naming opens the suite's instance again, with another dagstergen.yaml.
func (s *suiteRun) naming(yaml string) {
	s.t.Helper()
	dir := s.inst.Dir()
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, instance.ConfigFile), []byte(yaml), 0o600))
	inst, err := instance.Open(s.t.Context(), dir, instance.Options{})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, inst.Close()) })
	s.inst = inst
}

func TestIOManagerOfTheInstance(t *testing.T) {
	for _, executor := range strings.Fields(everyExecutor) {
		t.Run(executor, func(t *testing.T) {
			s := newSuite(t, executor)
			folder := t.TempDir()
			t.Setenv("WAREHOUSE", folder)
			s.naming("io_manager:\n  warehouse: {folder: {env: WAREHOUSE}}\n")
			res := s.ok("good")
			assert.Equal(t, "first=run middle=run beside=run last=run", actions(res))
			assert.Equal(t, 13, s.value(res, "last"))
			stored, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Len(t, stored, 4)
			said := strings.Join(notes(t, "warehouse"), ", ")
			for _, want := range []string{"store first", "store last", "load first for middle", "load middle for last", "close"} {
				assert.Contains(t, said, want)
			}
			assert.Equal(t, "first=reuse middle=reuse beside=reuse last=reuse", actions(s.ok("good")))

			// What it has lost is computed again, and is below what it was.
			for _, e := range stored {
				require.NoError(t, os.Remove(filepath.Join(folder, e.Name())))
			}
			p := s.plan("good")
			assert.Equal(t, `stored output result cannot be used: IO manager "dagstergen.yaml:warehouse" does not have it`, because(p, "first"))
			assert.Equal(t, "first=run middle=run beside=run last=run", actions(s.ok("good")))

			// Another one, or none: what is stored elsewhere does not count, and comes back with its name.
			s.naming("io_manager: local\n")
			p = s.plan("good")
			assert.Equal(t, `stored by IO manager "dagstergen.yaml:warehouse", the op has the default now`, because(p, "first"))
			assert.Equal(t, "first=run middle=run beside=run last=run", actions(s.ok("good")))
			assert.Equal(t, "first=reuse middle=reuse beside=reuse last=reuse", actions(s.ok("good")))
		})
	}
}

func TestWhatTheIOManagerOfTheInstanceStores(t *testing.T) {
	t.Setenv(suiteFolder, t.TempDir())
	folder := t.TempDir()
	s := &suiteRun{world: &world{shop: newShop(t), inst: configured(t, "")}}
	withShelf(s.world, memoShelf{newShelf()})
	s.asset("plain", nil, add(1))
	s.asset("own", nil, add(2)).IO = "shelf"
	s.asset("json", nil, add(3)).Outputs[0].Codec = "json"
	s.check("plain", "small", func(v int) (dag.CheckResult, error) { return dag.CheckResult{Passed: v < 10}, nil })
	s.naming("io_manager: {warehouse: {folder: " + folder + "}}")
	res := s.ok("")
	io := map[string]string{}
	for _, step := range res.Steps {
		rec, err := s.inst.Store().Latest(t.Context(), []string{"asset:" + step.Key})
		require.NoError(t, err)
		if r := rec["asset:"+step.Key]; r != nil {
			io[step.Key] = r.Outputs[0].IO
		}
	}
	assert.Equal(t, map[string]string{"plain": "dagstergen.yaml:warehouse", "own": "shelf", "json": "", "plain:small": ""}, io)
	assert.Equal(t, "store plain, load plain for plain:small, close", strings.ReplaceAll(strings.Join(notes(t, "warehouse"), ", "), "plain.small", "plain:small"))
	v, err := s.inst.Verify(t.Context(), false)
	require.NoError(t, err)
	assert.Zero(t, v.Left())

	// A value is read through it by name, or not at all.
	rec, err := s.inst.Store().Latest(t.Context(), []string{"asset:plain"})
	require.NoError(t, err)
	stored := &rec["asset:plain"].Outputs[0]
	got, err := StoredValue(t.Context(), s.catalog(), "plain", stored, Options{Instance: s.inst})
	require.NoError(t, err)
	assert.Equal(t, 1, got)
	s.naming("")
	_, err = StoredValue(t.Context(), s.catalog(), "plain", stored, Options{Instance: s.inst})
	assert.ErrorContains(t, err, `the output was stored by the IO manager "warehouse", which dagstergen.yaml does not name any more: name it again to read it`)
}

func TestIOManagerOfTheInstanceThatIsNone(t *testing.T) {
	s := &suiteRun{world: &world{shop: newShop(t), inst: configured(t, "")}}
	s.asset("a", nil, add(1))
	for yaml, want := range map[string]string{
		"io_manager: {warehouse: {}}":         "io_manager.warehouse: it has no folder",
		"io_manager: {warehouse: {foldr: x}}": "field foldr not found",
		"io_manager: none":                    `the plug-in of the IO manager "none" made none`,
	} {
		s.naming(yaml)
		_, err := Run(t.Context(), s.catalog(), "", s.options())
		if err == nil {
			err = errors.New("no error")
		}
		assert.ErrorContains(t, err, strings.TrimPrefix(want, "io_manager.warehouse: "), yaml)
	}
	// One that cannot say what it has makes its steps run each time.
	s.naming("io_manager: forgetful")
	for range 2 {
		assert.Equal(t, "a=run", actions(s.ok("")))
	}
	for yaml, want := range map[string]string{
		"io_manager: s3":              `line 1: io_manager: "s3" is not registered; there is forgetful, local, none, warehouse`,
		"io_manager: {local: {x: 1}}": "io_manager.local: below line 1: line 1: field x not found",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, instance.ConfigFile), []byte(yaml), 0o600))
		_, err := instance.Open(t.Context(), dir, instance.Options{})
		var wrong *instance.ConfigError
		require.ErrorAs(t, err, &wrong)
		assert.ErrorContains(t, err, want)
	}
}
