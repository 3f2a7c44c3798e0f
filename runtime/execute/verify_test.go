package execute

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// scene is a suspects package with everything stored.
type scene struct {
	*world
	dir string // of its files
}

func newScene(t *testing.T) *scene {
	dir := t.TempDir()
	// What the suspects know, here and in child processes.
	t.Setenv("SUSPECTS", dir)
	t.Setenv("SUSPECT_TOKEN", secretToken)
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "days.csv"), []byte("a\nb\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "outside"), []byte("old"), 0o600))
	calls = 0
	w := newWorld(t)
	w.shop = suspects(t, dir)
	w.opts.Config = document(t, "resources: {label: {config: {name: '{{}}', token: {env: SUSPECT_TOKEN}}}}")
	s := &scene{w, dir}
	s.ok("")
	return s
}

func (s *scene) verify(o VerifyOptions) *VerifyResult {
	s.t.Helper()
	o.Instance, o.Config = s.inst, s.opts.Config
	res, err := Verify(s.t.Context(), s.catalog(), "", o)
	require.NoError(s.t, err)
	left, err := os.ReadDir(os.TempDir())
	require.NoError(s.t, err)
	assert.Empty(s.t, left, "nothing stays in the temporary folder")
	return res
}

// found is what was found out about a step, on one line.
func found(res *VerifyResult, key string) string {
	for i := range res.Steps {
		if s := &res.Steps[i]; s.Key == key {
			return strings.TrimSpace(s.Result + " " + strings.Join(s.Lines(), "; "))
		}
	}
	return "not there"
}

func TestVerifyNamesWhatDiffersAndWhere(t *testing.T) {
	s := newScene(t)
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "outside"), []byte("new"), 0o600))
	res := s.verify(VerifyOptions{})
	for key, want := range map[string]string{
		"days":     `^skipped a source is observed, not computed$`,
		"volatile": `^skipped marked volatile`,
		// A plan cannot say that it is reused; what it was made of is stored.
		"below_volatile": `^differs output result differs: \d+ stored, 12 now \(LC_ALL=tr_TR.UTF-8\)$`,
		"pure":           `^same$`,
		"pure_below":     `^same$`,
		"nothing":        `^same$`,
		"notes":          `^same$`,
		"declared":       `^same$`,
		"slow":           `^same$`,
		"resource":       `^same$`,
		"count":          `^same$`,
		"page_size":      `^same$`,
		"map_order":      `^differs output result differs at \[\d+\]: "k\d+" stored, "k\d+" now; the same elements in another order; and at (one|\d+) more places? \(differs from run to run\)$`,
		"zone":           `^differs output result differs at \[1\]\.Mean: \S+ stored, 2700 now \(TZ=Pacific/Chatham\)$`,
		"zoned_time":     `^differs output result differs: 1970-01-01T\S+( \S+)? stored, 1970-01-01T12:45:00\+12:45 \+1245 now \(TZ=Pacific/Chatham\)$`,
		"says":           `^same$`,
		"says_zone":      `^differs output result differs: data version "offset \d+" stored, data version "offset 2700" now \(TZ=Pacific/Chatham\)$`,
		"processors":     `^differs output result differs: 12\.\d+ stored, 12\.\d+ now \(GOMAXPROCS=(1|61)\)$`,
		"random":         `^differs output result differs: \d+ stored, \d+ now \(differs from run to run\)$`,
		"calls":          `^differs output result differs: 1 stored, 2 now \(differs from call to call in one process\)$`,
		"stamped_file":   `^differs output result differs at line 2, column \d+ \(byte \d+\) of page.txt: "at \d+" stored, "at \d+" now \(differs from run to run\)$`,
		"panics":         `^fails fails now: panic: no such hour \(TZ=Pacific/Chatham\)$`,
		"exits":          `^fails fails now: the process ended: exit status 3, after it had printed: cannot go on \(LC_ALL=C\)$`,
		"goexits":        `^fails fails now: the function ended its goroutine \(runtime.Goexit\) instead of returning \(TZ=Pacific/Chatham\)$`,
		"refuses":        `^fails fails now: too little memory, token \*\*\* \(GOGC=10\)$`,
		"goroutine":      `^fails fails now: panic: in the background; the process ended: exit status 2 \(GOMAXPROCS=61\)$`,
		"disk":           `^differs output result differs: "old" stored, "new" now \(in every environment\)$`,
		"temp":           `^differs output result differs.* \(differs from run to run\)$`,
		"secret":         `^differs output result differs: "token=\*\*\* .*" stored, "token=\*\*\* tr_TR.UTF-8" now \(LC_ALL=tr_TR.UTF-8\)$`,
		"two":            `^differs output right differs: "\d\d:\d\d" stored, "12:45" now \(TZ=Pacific/Chatham\)$`,
		// What its consumer gets is what is stored, whatever was found out about it.
		"kept_elsewhere": `^differs output result differs: \d+ stored, 11 now \(LC_ALL=tr_TR.UTF-8\)$`,
		"from_elsewhere": `^same$`,
	} {
		assert.Regexp(t, want, found(res, key), key)
	}
	require.Len(t, res.Steps, 32)
	same, differs, fails, skipped := res.Counts()
	assert.Equal(t, []int{11, 14, 5, 2}, []int{same, differs, fails, skipped})
	assert.Equal(t, 30, res.Stored)

	var failure *VerifyError
	require.ErrorAs(t, res.Err(), &failure)
	assert.Len(t, failure.Steps, 19)
	assert.Contains(t, failure.Error(), "19 of 32 steps did not give what is stored\n")
	assert.Contains(t, failure.Error(), "and 9 more")
	assert.Equal(t, 1, ExitCode(nil, res.Err()))

	data, err := json.Marshal(res)
	require.NoError(t, err)
	assert.NotContains(t, string(data), secretToken)
	for i := range res.Steps {
		switch step := &res.Steps[i]; step.Key {
		case "notes":
			assert.Equal(t, []string{fmt.Sprintf(`metadata "locale" of output result: %q stored, "tr_TR.UTF-8" now`, os.Getenv("LC_ALL"))}, step.Notes)
		case "panics":
			assert.Contains(t, step.Stack, "suspects_test.go:")
		}
	}
}

// Nothing of the instance changes, whatever is found.
func TestVerifyWritesNothing(t *testing.T) {
	s := newScene(t)
	before := contents(t, s.inst.Dir())
	runs := s.inst.Store()
	res := s.verify(VerifyOptions{Times: 1})
	assert.Error(t, res.Err())
	assert.Equal(t, before, contents(t, s.inst.Dir()))
	s.verify(VerifyOptions{Times: 1, Select: "pure,stamped_file"})
	assert.Equal(t, before, contents(t, s.inst.Dir()))
	assert.Same(t, runs, s.inst.Store())
	assert.NotContains(t, actionsOf(s, "pure"), "run")
}

func actionsOf(s *scene, selection string) string {
	o := s.options()
	o.Select = selection
	p, err := Plan(s.t.Context(), s.catalog(), "", o)
	require.NoError(s.t, err)
	return planned(p)
}

// contents are the bytes of all files below a folder, but for what SQLite makes to look at a database.
func contents(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	}))
	require.NotEmpty(t, files)
	return files
}

func TestVerifyTakesASample(t *testing.T) {
	s := newScene(t)
	keys := func(seed uint64) (keys []string) {
		res := s.verify(VerifyOptions{Sample: 3, Seed: seed, Times: 1})
		assert.Equal(t, 30, res.Stored)
		assert.Equal(t, 3, res.Sample)
		for i := range res.Steps {
			if res.Steps[i].Result != VerifySkipped {
				keys = append(keys, res.Steps[i].Key)
			}
		}
		return keys
	}
	first := keys(1)
	assert.Len(t, first, 3)
	assert.Equal(t, first, keys(1))
	assert.NotEqual(t, first, keys(2))
	res := s.verify(VerifyOptions{Sample: 100, Select: "pure*"})
	assert.NoError(t, res.Err())
	assert.Len(t, res.Steps, 2)
}

func TestVerifySkipsWhatIsNotStored(t *testing.T) {
	s := newScene(t)
	t.Setenv("SUSPECT_EDITED", "pure notes")
	s.shop = suspects(t, s.dir)
	res := s.verify(VerifyOptions{Select: "pure*,notes,count", Times: 1})
	assert.Equal(t, "skipped nothing is stored that a run would reuse: func shop.pure (shop.go) changed", found(res, "pure"))
	assert.Equal(t, `skipped nothing is stored that a run would reuse: upstream "pure" runs`, found(res, "pure_below"))
	assert.Equal(t, "same", found(res, "count"))
	assert.Equal(t, "not there", found(res, "zone"))
	assert.NoError(t, res.Err(), "what is not stored is not wrong")

	t.Setenv("SUSPECT_EDITED", "")
	s.shop = suspects(t, s.dir)
	objects, err := filepath.Glob(filepath.Join(s.inst.Dir(), "objects", "*", "*.cbor.zst"))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	require.NoError(t, os.Remove(objects[0]))
	res = s.verify(VerifyOptions{Select: "pure*", Times: 1})
	assert.Regexp(t, `^skipped stored output result cannot be used: .*`, found(res, "pure"))
	assert.Regexp(t, `^skipped`, found(res, "pure_below"))
	res = s.verify(VerifyOptions{Select: "pure_below", Times: 1})
	assert.Regexp(t, `^skipped its inputs? .*cannot be loaded: .*`, found(res, "pure_below"), "it is stored, and what it was made of is not")
}

func TestVerifyDoesNotWaitForEver(t *testing.T) {
	t.Setenv("SUSPECT_SLOW", "1")
	s := newScene(t)
	res := s.verify(VerifyOptions{Select: "slow", Timeout: time.Second})
	assert.Regexp(t, `^fails fails now: it took longer than 1s \(TZ=Pacific/Chatham\)$`, found(res, "slow"))
}

func TestVerifyStops(t *testing.T) {
	t.Setenv("SUSPECT_SLOW", "1")
	s := newScene(t)
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	started := 0
	res, err := Verify(ctx, s.catalog(), "", VerifyOptions{Instance: s.inst, Config: s.opts.Config, Select: "pure,slow", Workers: 1, Observe: func(p Progress) {
		if p.Kind == ProgressStarted {
			if started++; started == 2 {
				time.AfterFunc(500*time.Millisecond, cancel)
			}
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 20*time.Second)
	assert.Equal(t, "same", found(res, "pure"))
	assert.Equal(t, "not there", found(res, "slow"), "nothing was found out about it")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A source that changes while it is read is nobody's fault.
func TestVerifyWhileASourceChanges(t *testing.T) {
	s := newScene(t)
	res := s.verify(VerifyOptions{Select: "count", Observe: func(p Progress) {
		if p.Kind == ProgressStarted {
			require.NoError(t, os.WriteFile(filepath.Join(s.dir, "days.csv"), []byte("c\nd\ne\n"), 0o600))
		}
	}})
	assert.Equal(t, `skipped the file of source "days" changed meanwhile`, found(res, "count"))
	res = s.verify(VerifyOptions{Select: "count"})
	assert.Equal(t, `skipped nothing is stored that a run would reuse: input days: upstream "days" has new data`, found(res, "count"))
}

func TestProbes(t *testing.T) {
	for longest, want := range map[time.Duration]int{0: 8, time.Millisecond: 8, 300 * time.Millisecond: 6, time.Second: 2, 3 * time.Second: 2, 6 * time.Second: 1, time.Hour: 1} {
		assert.Equal(t, want, probes(longest), longest)
	}
}

func TestVerifyOfAJob(t *testing.T) {
	t.Setenv("SUSPECTS", t.TempDir())
	t.Setenv("SUSPECT_JOB", "1")
	w := newWorld(t)
	w.shop = suspectJob(t)
	w.opts.Inputs = map[string]any{"list": []int{1, 2, 3}, "label": secretLabel{Name: "from Go"}}
	w.ok("job")
	verify := func(inputs map[string]any, doc string) (*VerifyResult, error) {
		o := VerifyOptions{Instance: w.inst, Inputs: inputs}
		if doc != "" {
			o.Config = document(t, doc)
		}
		return Verify(t.Context(), w.catalog(), "job", o)
	}
	res, err := verify(w.opts.Inputs, "")
	require.NoError(t, err)
	require.NoError(t, res.Err())
	assert.Equal(t, []string{"same", "same", "same"}, []string{found(res, "sum"), found(res, "named"), found(res, "twice")})
	assert.Equal(t, "job", res.Job)

	res, err = verify(nil, "inputs: {list: [1, 2, 3], label: {name: from Go, token: x}}")
	require.NoError(t, err)
	assert.Equal(t, []string{"same", "same", "same"}, []string{found(res, "sum"), found(res, "named"), found(res, "twice")})

	_, err = verify(map[string]any{"list": []int{1}, "label": secretLabel{Token: dag.NewSecret("x")}}, "")
	var usage *plan.Error
	require.ErrorAs(t, err, &usage)
	assert.ErrorContains(t, err, `the config "label" has a secret`)
}

func TestVerifyRefuses(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SUSPECTS", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "days.csv"), nil, 0o600))
	w := newWorld(t)
	w.asset("other", nil, add(1)) // not what child processes of this test know
	w.ok("")
	_, err := Verify(t.Context(), w.catalog(), "", VerifyOptions{Instance: w.inst})
	assert.ErrorContains(t, err, "a child process has other definitions: give execute.Serve those that are run")
	for _, o := range []VerifyOptions{{}, {Instance: w.inst, Times: -1}, {Instance: w.inst, Sample: -1}} {
		_, err := Verify(t.Context(), w.catalog(), "", o)
		var usage *plan.Error
		assert.ErrorAs(t, err, &usage)
	}
	_, err = Verify(t.Context(), w.catalog(), "nowhere", VerifyOptions{Instance: w.inst})
	assert.ErrorContains(t, err, `no job "nowhere"`)

	served.Store(false)
	defer served.Store(true)
	_, err = Verify(t.Context(), w.catalog(), "", VerifyOptions{Instance: w.inst})
	assert.ErrorContains(t, err, "call execute.Serve with its Definitions first thing in main")
}

// An instance in memory is verified like one on disk.
func TestVerifyInMemory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SUSPECTS", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "days.csv"), []byte("a\nb\n"), 0o600))
	w := newWorld(t)
	w.shop = suspects(t, dir)
	inst := instance.Ephemeral()
	defer func() { require.NoError(t, inst.Close()) }()
	res, err := Run(t.Context(), w.catalog(), "", Options{Instance: inst, Select: "pure*,stamped_file*,count"})
	require.NoError(t, err)
	require.NoError(t, res.Err())
	v, err := Verify(t.Context(), w.catalog(), "", VerifyOptions{Instance: inst, Select: "pure*,stamped_file*,count"})
	require.NoError(t, err)
	assert.Equal(t, "same same same", strings.Join([]string{found(v, "pure"), found(v, "pure_below"), found(v, "count")}, " "))
	assert.Regexp(t, `^differs output result differs at line 2, .*`, found(v, "stamped_file"))
	assert.Equal(t, "same", found(v, "page_size"))
}
