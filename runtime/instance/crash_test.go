package instance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// childVariable makes the test binary a process that works on an instance and can be killed.
const childVariable = "DAGSTERGEN_TEST_CHILD"

var bytesType = dag.TypeOf[[]byte]("[]byte")

// payload is the output of a step: small, large and compressible, large and not, in turn.
func payload(n int) []byte {
	size := []int{100, 50_000, 200_000}[n%3]
	b := make([]byte, size)
	if n%3 != 1 {
		_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	} else {
		copy(b, strconv.Itoa(n))
	}
	return b
}

func stepVersion(n int) canon.Digest { return canon.Sum([]byte("step " + strconv.Itoa(n))) }

// work is the child: it does run after run of a few steps and says what is done once it is durable. Versions are shared by
// all children, as those of one job are.
func work(dir string, out io.Writer) error {
	ctx := context.Background()
	i, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	if _, err := i.ReapDeadRuns(ctx); err != nil {
		return err
	}
	for {
		id := newID()
		unlock, err := i.LockRun(id)
		if err != nil {
			return err
		}
		run := newRun(id)
		if err := i.Store().Submit(&storage.Batch{NewRun: run, Events: []storage.Event{{RunID: id, Type: storage.EventRunStart}}}).Wait(ctx); err != nil {
			return err
		}
		fmt.Fprintln(out, "RUN", id)
		for n := range 12 {
			if err := step(ctx, i, id, n, out); err != nil {
				return err
			}
		}
		run.Status, run.Ended = storage.RunSuccess, time.Now()
		if err := i.Store().Submit(&storage.Batch{Finish: run, Events: []storage.Event{{RunID: id, Type: storage.EventRunSuccess}}}).Wait(ctx); err != nil {
			return err
		}
		unlock()
		fmt.Fprintln(out, "DONE", id)
	}
}

func step(ctx context.Context, i *Instance, run string, n int, out io.Writer) error {
	d := stepVersion(n)
	unlock, _, err := i.LockVersion(ctx, d, true)
	if err != nil {
		return err
	}
	defer unlock()
	recs, err := i.Store().RecordsByStep(ctx, []canon.Digest{d})
	if err != nil {
		return err
	}
	if r := recs[d]; r != nil {
		if _, err := i.IO().Load(ctx, &r.Outputs[0], bytesType); err == nil {
			return i.Store().Submit(&storage.Batch{Drop: []int64{r.ID}}).Wait(ctx) // so that there is always something to do
		}
		fmt.Fprintln(out, "DAMAGED", n)
	}
	s, err := i.IO().Stage(ctx, bytesType, payload(n))
	if err != nil {
		return err
	}
	b := &storage.Batch{
		Events:  []storage.Event{{RunID: run, Type: storage.EventStepStart}, {RunID: run, Type: storage.EventStepSuccess}},
		Records: []storage.Record{{Step: d, Content: d, Identity: "op:j/" + strconv.Itoa(n), RunID: run, Outputs: []storage.Output{s.Output}}},
	}
	s.AddTo(b)
	if err := i.Store().Submit(b).Wait(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "ACK", n)
	return nil
}

// A child is a running process that works.
type child struct {
	cmd   *exec.Cmd
	lines chan string
	done  chan struct{} // closed when it has said that a run is done, or ended
	err   strings.Builder
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0]), lines: make(chan string, 10_000), done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), childVariable+"="+dir)
	c.cmd.Stderr = &c.err
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	go func() {
		defer close(c.lines)
		done := sync.OnceFunc(func() { close(c.done) })
		defer done()
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
			if strings.HasPrefix(s.Text(), "DONE") {
				done()
			}
		}
	}()
	return c
}

// stop kills the child and returns all that it said.
func (c *child) stop(t *testing.T) (said []string) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Kill())
	for l := range c.lines {
		said = append(said, l)
	}
	var exit *exec.ExitError
	require.ErrorAs(t, c.cmd.Wait(), &exit)
	require.Equal(t, -1, exit.ExitCode(), "it ended by itself: %s", c.err.String())
	return said
}

// checkAfterKill checks what must hold when all processes are gone, first without writing anything.
func checkAfterKill(t *testing.T, dir string, said []string) {
	t.Helper()
	ctx := t.Context()
	started, done := map[string]bool{}, map[string]bool{}
	for _, l := range said {
		what, id, _ := strings.Cut(l, " ")
		switch what {
		case "RUN":
			started[id] = true
		case "DONE":
			done[id] = true
		case "DAMAGED":
			t.Errorf("the output of step %s was found damaged", id)
		}
	}
	check := func(i *Instance) {
		runs, err := i.Runs(ctx, storage.RunFilter{Limit: 100_000})
		require.NoError(t, err)
		for _, r := range runs {
			require.NotEqual(t, storage.RunStarted, r.Status, "no process lives")
			require.False(t, done[r.ID] && r.Status != storage.RunSuccess, "run %s was reported done", r.ID)
			delete(started, r.ID)
			events, err := i.Store().Events(ctx, r.ID, 0, 0)
			require.NoError(t, err)
			for n, e := range events {
				require.Equal(t, int64(n+1), e.Seq)
			}
			require.Equal(t, storage.EventRunStart, events[0].Type)
		}
		require.Empty(t, started, "a run that was reported is gone")
		var steps []canon.Digest
		for n := range 12 {
			steps = append(steps, stepVersion(n))
		}
		recs, err := i.Store().RecordsByStep(ctx, steps)
		require.NoError(t, err)
		for n, d := range steps {
			if r := recs[d]; r != nil {
				v, err := i.IO().Load(ctx, &r.Outputs[0], bytesType)
				require.NoError(t, err)
				require.Equal(t, payload(n), v)
			}
		}
	}
	r, err := OpenReadOnly(ctx, dir)
	require.NoError(t, err)
	check(r)
	require.NoError(t, r.Close())

	i, err := Open(ctx, dir, Options{})
	require.NoError(t, err)
	_, err = i.ReapDeadRuns(ctx)
	require.NoError(t, err)
	check(i)
	require.NoError(t, i.Store().Verify(ctx, func(p string) { t.Error(p) }))
	require.NoError(t, i.Close())
	left, err := os.ReadDir(filepath.Join(dir, tmp))
	require.NoError(t, err)
	require.Empty(t, left)
	left, err = os.ReadDir(filepath.Join(dir, locks))
	require.NoError(t, err)
	require.LessOrEqual(t, len(left), 4, "the locks of dead runs")
}

func TestKillAnyTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home") // made by the first child, which may die while it does
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	kills, acks := 0, 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); kills++ {
		var children []*child
		for range 1 + r.IntN(2) {
			children = append(children, startChild(t, dir))
		}
		time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond)
		var said []string
		for _, c := range children {
			said = append(said, c.stop(t)...)
		}
		for _, l := range said {
			if strings.HasPrefix(l, "ACK") {
				acks++
			}
		}
		if _, err := os.Stat(filepath.Join(dir, database)); err == nil {
			checkAfterKill(t, dir, said)
		}
	}
	t.Logf("%d rounds, %d steps reported done", kills, acks)
	assert.Greater(t, kills, 3)
	assert.Positive(t, acks)
}

// Several processes write at once, somebody lists runs beside them, and nobody sees an error or waits for ever.
func TestManyProcesses(t *testing.T) {
	dir := t.TempDir()
	var children []*child
	for range 3 {
		children = append(children, startChild(t, dir))
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			i, err := OpenReadOnly(t.Context(), dir)
			if assert.NoError(t, err) {
				_, err = i.Runs(t.Context(), storage.RunFilter{})
				assert.NoError(t, err)
				assert.NoError(t, i.Close())
			}
		}
	})
	for k, c := range children {
		select {
		case <-c.done:
		case <-time.After(time.Minute):
			t.Errorf("process %d came to nothing beside the others", k)
		}
	}
	close(stop)
	wg.Wait()
	var all []string
	for k, c := range children {
		said := c.stop(t)
		all = append(all, said...)
		assert.Contains(t, strings.Join(said, "\n"), "DONE", "process %d came to nothing beside the others", k)
	}
	checkAfterKill(t, dir, all)
}

func runChild(dir string) int {
	err := work(dir, os.Stdout)
	fmt.Fprintln(os.Stderr, errors.Join(errors.New("the child ended"), err))
	return 1
}
