package execute

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The test binary starts itself as a pipeline: DAGSTERGEN_TEST_SECOND says what to do, with an instance and a ledger.
const second = "DAGSTERGEN_TEST_SECOND"

// secondProcess returns what this process is to do if it was started by a test.
func secondProcess() func() {
	what := os.Getenv(second)
	if what == "" {
		return nil
	}
	return func() {
		s := newShop(nil)
		job, loop := strings.CutSuffix(what, "-loop")
		job, what = "", job
		o := Options{}
		if of, suite := strings.CutPrefix(what, "suite-"); suite {
			s, job, o.Executor = suiteShop(nil).shop, of, MultiprocessExecutor
			Serve(s.definitions())
		} else if loop {
			job = "loop"
			cells(s, os.Getenv("LEDGER"), what == "hang")
		} else {
			grid(s, os.Getenv("LEDGER"), what == "hang")
		}
		inst, err := instance.Open(context.Background(), os.Getenv("INSTANCE"), instance.Options{})
		if err == nil {
			o.Instance = inst
			var cat *plan.Catalog
			if cat, err = plan.NewCatalog(s.definitions()); err == nil {
				var res *Result
				if res, err = Run(context.Background(), cat, job, o); err == nil {
					err = res.Err()
				}
			}
			err = errors.Join(err, inst.Close())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// grid is 4 by 10 assets, each of which writes a line to the ledger when it is computed.
func grid(s *shop, ledger string, hang bool) {
	for row := range 4 {
		for col := range 10 {
			key := fmt.Sprintf("r%d_c%d", row, col)
			var from []string
			if col > 0 {
				from = []string{fmt.Sprintf("r%d_c%d", row, col-1), fmt.Sprintf("r%d_c%d", (row+1)%4, col-1)}
			}
			s.asset(key, from, func(in []int) int {
				enter(ledger, key)
				if hang && key == "r2_c5" {
					time.Sleep(time.Hour)
				}
				return row + add(1)(in)
			})
		}
	}
}

// enter writes a line to a ledger.
func enter(ledger, line string) {
	f, err := os.OpenFile(ledger, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	if _, err := fmt.Fprintln(f, line); err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
}

// cells is a job of 4 rows of 10 cells, each of which takes the one before it and writes a line to the ledger when it is computed. How many rows there
// are is what a step says, and odd cells are in a branch:
//
//	for r := range rows() { acc := 0; for c := range 10 { if odd(c) { acc = cell(acc, r, c) } else { acc = cell(acc, c, r) } }; all = append(all, acc) }
func cells(s *shop, ledger string, hang bool) {
	rows := s.op("rows", nil, func([]int) int { return 4 })
	odd := s.add(&dag.Op{Key: "odd", Inputs: []dag.Input{{Name: "c", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: boolType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = dag.In[int](c, 0)%2 == 1
		return nil
	})
	cell := s.op("cell", []string{"acc", "x", "y"}, func(in []int) int {
		enter(ledger, fmt.Sprint(in))
		if hang && in[1] == 2 && in[2] == 5 {
			time.Sleep(time.Hour)
		}
		return 100*in[0] + 10*in[1] + in[2]
	})
	when := from(3)
	s.jobOf("loop", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "rows", Op: rows},
			{Key: "for r", Map: &dag.Map{Over: from(0), Body: []int{2}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), output(2, 0))}}}},
			{Key: "for c", Map: &dag.Map{Over: typed(intType, 10), Body: []int{3, 4}, Carried: []dag.Carried{{Name: "acc", Type: intType, Init: typed(intType, 0), Next: output(4, 0)}}}},
			{Key: "odd", Op: odd, Inputs: []dag.Binding{elem(2, intType)}},
			{Key: "if odd", Branch: &dag.Branch{Outputs: []dag.BranchOutput{{Name: "acc", Type: intType}}, Arms: []dag.Arm{
				{When: &when, Body: []int{5}, Yields: []dag.Binding{from(5)}},
				{Body: []int{6}, Yields: []dag.Binding{from(6)}},
			}}},
			{Key: "cell", Op: cell, Inputs: []dag.Binding{carried(2, 0), elem(1, intType), elem(2, intType)}},
			{Key: "cell_2", Op: cell, Inputs: []dag.Binding{carried(2, 0), elem(2, intType), elem(1, intType)}},
		},
		Body:    []int{0, 1},
		Outputs: []dag.JobOutput{{Name: "all", Type: listType, From: output(1, 0)}},
	})
}

// cellLines are the lines of the ledger of cells.
func cellLines() map[string]int {
	lines := map[string]int{}
	for r := range 4 {
		acc := 0
		for c := range 10 {
			in := []int{acc, r, c}
			if c%2 == 0 {
				in = []int{acc, c, r}
			}
			lines[fmt.Sprint(in)]++
			acc = 100*in[0] + 10*in[1] + in[2]
		}
	}
	return lines
}

func ledgerLines(t *testing.T, path string) map[string]int {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	count := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		count[lines.Text()]++
	}
	return count
}

func startSecond(t *testing.T, what, dir, ledger string) *exec.Cmd {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), second+"="+what, "INSTANCE="+dir, "LEDGER="+ledger)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	return cmd
}

func TestTwoProcessesComputeEachStepOnce(t *testing.T) {
	dir, ledger := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	var procs []*exec.Cmd
	for range 3 {
		procs = append(procs, startSecond(t, "run", dir, ledger))
	}
	for _, p := range procs {
		require.NoError(t, p.Wait())
	}
	lines := ledgerLines(t, ledger)
	assert.Len(t, lines, 40)
	for key, n := range lines {
		assert.Equal(t, 1, n, key)
	}
	w := &world{shop: newShop(t), inst: openInstance(t, dir)}
	grid(w.shop, ledger, false)
	res := w.ok("")
	assert.Equal(t, 40, res.Run.Reused)
	runs, err := w.inst.Store().Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Len(t, runs, 4)
}

// A process that is killed in the middle leaves a run that the next one records as crashed, and everything it had finished.
func TestRunOfAKilledProcess(t *testing.T) {
	dir, ledger := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	p := startSecond(t, "hang", dir, ledger)
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := os.Stat(ledger); err == nil && ledgerLines(t, ledger)["r2_c5"] > 0 {
			break
		}
		require.True(t, time.Now().Before(deadline), "the second process did not get that far")
		runtime.Gosched()
		time.Sleep(5 * time.Millisecond)
	}
	w := &world{shop: newShop(t), inst: openInstance(t, dir)}
	grid(w.shop, ledger, false)
	reuse := 0
	for reuse == 0 { // until something it had finished is durable
		require.True(t, time.Now().Before(deadline), "nothing becomes durable")
		_, reuse, _ = w.plan("").Counts()
	}
	require.NoError(t, p.Process.Kill())
	_ = p.Wait()
	res := w.ok("")
	assert.Equal(t, 40, res.Run.Ran+res.Run.Reused)
	assert.GreaterOrEqual(t, res.Run.Reused, reuse)
	runs, err := w.inst.Store().Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	assert.Equal(t, storage.RunFailure, runs[1].Status)
	assert.Equal(t, "crashed", runs[1].Cause)
	for key, n := range ledgerLines(t, ledger) {
		if key != "r2_c5" {
			assert.LessOrEqual(t, n, 2, key)
		}
	}
	assert.Equal(t, 2, ledgerLines(t, ledger)["r2_c5"])
}

// Runs side by side in one process, on one instance and on two views of it.
func TestRunsSideBySide(t *testing.T) {
	w := newWorld(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	grid(w.shop, ledger, false)
	cat := w.catalog()
	views := []*instance.Instance{w.inst, openInstance(t, w.inst.Dir())}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			res, err := Run(t.Context(), cat, "", Options{Instance: views[i%2], MaxConcurrent: 4})
			if assert.NoError(t, err) {
				assert.NoError(t, res.Err())
				assert.Equal(t, 40, res.Run.Ran+res.Run.Reused)
			}
		})
	}
	wg.Wait()
	lines := ledgerLines(t, ledger)
	assert.Len(t, lines, 40)
	for key, n := range lines {
		assert.Equal(t, 1, n, key)
	}
}

func TestNoWait(t *testing.T) {
	w := newWorld(t)
	started, release := make(chan struct{}), make(chan struct{})
	w.asset("a", nil, nil).Invoke = func(_ context.Context, c *dag.Call) error {
		close(started)
		<-release
		c.Out[0] = 1
		return nil
	}
	w.asset("b", []string{"a"}, add(1))
	cat := w.catalog()
	var wg sync.WaitGroup
	wg.Go(func() {
		res, err := Run(t.Context(), cat, "", w.options())
		if assert.NoError(t, err) {
			assert.NoError(t, res.Err())
		}
	})
	<-started
	o := w.options()
	o.NoWait = true
	res, err := Run(t.Context(), cat, "", o)
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, "a", busy.Step)
	assert.Equal(t, 3, ExitCode(res, err))
	assert.Equal(t, storage.RunFailure, res.Status)
	assert.Equal(t, "a=skip b=skip", actions(res))
	close(release)
	wg.Wait()
	res = w.ok("")
	assert.Equal(t, "a=reuse b=reuse", actions(res))
	row, err := w.inst.Store().Run(t.Context(), res.RunID)
	require.NoError(t, err)
	assert.Equal(t, storage.RunSuccess, row.Status)
}

// Who waits for another run says so in its log.
func TestWaitingIsLogged(t *testing.T) {
	w := newWorld(t)
	var once sync.Once
	started, release := make(chan struct{}), make(chan struct{})
	w.asset("a", nil, nil).Invoke = func(_ context.Context, c *dag.Call) error {
		once.Do(func() { close(started) })
		<-release
		c.Out[0] = 1
		return nil
	}
	cat := w.catalog()
	results := make(chan *Result, 2)
	var wg sync.WaitGroup
	run := func() {
		res, err := Run(t.Context(), cat, "", w.options())
		if assert.NoError(t, err) {
			results <- res
		}
	}
	wg.Go(run)
	<-started
	wg.Go(run)
	for { // until the second run is in the store, which is right before it asks for the lock
		runs, err := w.inst.Store().Runs(t.Context(), storage.RunFilter{})
		require.NoError(t, err)
		if len(runs) == 2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	close(release)
	wg.Wait()
	close(results)
	var said []string
	for res := range results {
		events, err := res.Events(t.Context())
		require.NoError(t, err)
		for _, e := range events {
			if e.Type == storage.EventEngine && e.StepKey == "a" {
				said = append(said, e.Message)
			}
		}
	}
	assert.Equal(t, "waited for another run that was computing this step; reused: its inputs have the data they had before", strings.Join(said, "; "))
}

func TestTwoProcessesComputeEachElementOnce(t *testing.T) {
	dir, ledger := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	var procs []*exec.Cmd
	for range 3 {
		procs = append(procs, startSecond(t, "run-loop", dir, ledger))
	}
	for _, p := range procs {
		require.NoError(t, p.Wait())
	}
	want := cellLines()
	for line := range want {
		want[line] = 1 // two cells of one row and column are the same work
	}
	assert.Equal(t, want, ledgerLines(t, ledger))
	w := &world{shop: newShop(t), inst: openInstance(t, dir)}
	cells(w.shop, ledger, false)
	res := w.ok("loop")
	assert.Zero(t, res.Run.Ran)
	assert.Equal(t, want, ledgerLines(t, ledger))
}

// A run that is killed in the middle of its loops goes on where it was: what it had finished is reused by the elements of the next one.
func TestLoopOfAKilledProcess(t *testing.T) {
	dir, ledger := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	p := startSecond(t, "hang-loop", dir, ledger)
	deadline := time.Now().Add(time.Minute)
	stuck := func() (key string) {
		if _, err := os.Stat(ledger); err != nil {
			return ""
		}
		for line := range ledgerLines(t, ledger) {
			if strings.HasSuffix(line, " 2 5]") {
				key = line
			}
		}
		return key
	}
	for stuck() == "" {
		require.True(t, time.Now().Before(deadline), "the second process did not get that far")
		time.Sleep(5 * time.Millisecond)
	}
	w := &world{shop: newShop(t), inst: openInstance(t, dir)}
	cells(w.shop, ledger, false)
	for reuse := 0; reuse < 2; { // until something it had finished is durable
		require.True(t, time.Now().Before(deadline), "nothing becomes durable")
		_, reuse, _ = w.plan("loop").Counts()
	}
	require.NoError(t, p.Process.Kill())
	_ = p.Wait()
	res := w.ok("loop")
	assert.NotZero(t, res.Run.Reused)
	lines := ledgerLines(t, ledger)
	for line, n := range cellLines() {
		assert.LessOrEqual(t, lines[line], n+1, "%s: only what was not durable is computed again", line)
		assert.NotZero(t, lines[line], line)
	}
	acc := 0
	for c := range 10 {
		if acc = 100*acc + c; c%2 == 0 {
			acc += 9 * c
		}
	}
	assert.Equal(t, acc, returned(t, res)[0].([]int)[0])
}
