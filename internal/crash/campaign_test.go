package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCampaign kills a pipeline at random moments and checks after each kill that nothing is lost, half done or stuck.
func TestCampaign(t *testing.T) {
	t.Logf("seed %d, %d kills", *seed, *kills)
	c := &campaign{binary: build(t), dir: t.TempDir(), random: rand.New(rand.NewPCG(*seed, 0))}
	err := c.run(*kills)
	t.Logf("%d kills in %d epochs; %d steps were acknowledged before a kill, %d bodies were entered twice because a kill fell into them",
		c.kills, c.epochs, c.acknowledged, c.repeated)
	require.NoError(t, err, "seed %d, kill %d", *seed, c.kills)
	require.Equal(t, *kills, c.kills)
	require.NotZero(t, c.acknowledged, "no kill fell between two steps: the campaign proves nothing")
}

// executors are what the campaigns go through in turn.
var executors = []string{"multi", "in_process", "multiprocess"}

// A campaign kills runs of one binary. All its state is of the current epoch: a salt that nothing was computed for before.
type campaign struct {
	binary, mutant, dir string
	random              *rand.Rand

	kills, epochs, acknowledged, repeated int

	golden  *report // what an undisturbed run gives for this salt
	salt    string
	acked   map[string]bool // reported as done by any process of this epoch
	started map[string]int  // entered bodies of this epoch
	torn    map[string]int  // kills of this epoch that fell between entering and acknowledging
}

// run kills until there were n kills that hit a living process.
func (c *campaign) run(n int) error {
	var l *lab
	for c.kills < n {
		// A store of its own for some epochs each: it grows with what is killed in it, and checks take longer.
		if c.epochs%15 == 0 {
			if l != nil {
				if err := c.close(l); err != nil {
					return err
				}
			}
			var err error
			if l, err = fresh(c.dir, c.binary, c.mutant); err != nil {
				return err
			}
		}
		if err := c.epoch(l, n); err != nil {
			return fmt.Errorf("epoch %d: %w", c.epochs, err)
		}
		c.epochs++
	}
	return c.close(l)
}

func (c *campaign) epoch(l *lab, n int) error {
	c.salt = strconv.Itoa(c.epochs)
	c.acked, c.started, c.torn = map[string]bool{}, map[string]int{}, map[string]int{}
	var usual time.Duration
	var err error
	if c.golden, usual, err = undisturbed(c.dir, c.binary, c.salt); err != nil {
		return err
	}
	l.executor = executors[c.epochs%len(executors)]
	if err := l.emptyLedger(); err != nil {
		return err
	}
	for c.kills < n {
		done, err := c.kill(l, usual)
		if err != nil {
			return err
		}
		if done {
			break
		}
		c.kills++
		if err := l.sound(c.salt, c.acked); err != nil {
			return err
		}
	}
	return c.converge(l)
}

// kill starts a run and kills it; done is true where the run had ended with success before the kill.
func (c *campaign) kill(l *lab, usual time.Duration) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := l.command(ctx, l.materializing(c.salt)...)
	var stdout, stderr lines
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	before, err := l.entered()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()

	var end error
	select {
	case end = <-exited:
	case <-c.moment(usual, &stderr):
		c.shoot(cmd)
		end = <-exited
	}
	if err := l.noOrphans(); err != nil { // a child may enter a body after its parent has died
		l.reapOrphans()
		return false, err
	}
	after, err := l.entered()
	if err != nil {
		return false, err
	}
	acked := acknowledged(stderr.text())
	c.acknowledged += len(acked)
	for _, key := range acked {
		c.acked[key] = true
	}
	for key, n := range after {
		c.started[key] = n
		if n > before[key] && !c.acked[key] {
			c.torn[key]++
		}
	}
	if end == nil {
		r := &report{}
		if err := json.Unmarshal([]byte(stdout.text()), r); err != nil {
			return false, fmt.Errorf("I14: exit code 0 and no result: %w\n%s", err, stdout.text())
		}
		if r.Status != "SUCCESS" {
			return false, fmt.Errorf("I14: exit code 0 and status %s", r.Status)
		}
		l.succeeded = append(l.succeeded, r.RunID)
		return true, nil
	}
	if exit, ok := errors.AsType[*exec.ExitError](end); ok {
		// SIGTERM has its own exit code once a process has come far enough to listen to it.
		if status := exit.Sys().(syscall.WaitStatus); status.Signaled() || status.ExitStatus() == 143 {
			return false, nil
		}
	}
	return false, fmt.Errorf("the run ended by itself: %w\n%s%s", end, stdout.text(), stderr.text())
}

// moment returns a channel that is closed when it is time to kill.
func (c *campaign) moment(usual time.Duration, stderr *lines) <-chan time.Time {
	switch p := c.random.IntN(10); {
	case p < 5: // any time, after the end too
		return time.After(time.Duration(c.random.Int64N(int64(usual) * 6 / 5)))
	case p < 7: // while a run starts, which is when it recovers from the kill before
		return time.After(time.Duration(c.random.Int64N(int64(40 * time.Millisecond))))
	default: // just after a line was printed: in the commit of the next steps
		k, wait := 1+c.random.IntN(16), time.Duration(c.random.Int64N(int64(5*time.Millisecond)))
		at := make(chan time.Time)
		go func() {
			for end := time.Now().Add(2 * usual); stderr.count() < k && time.Now().Before(end); {
				time.Sleep(200 * time.Microsecond)
			}
			time.Sleep(wait)
			close(at)
		}()
		return at
	}
}

// shoot kills a process, mostly at once; errors mean that it has ended already.
func (c *campaign) shoot(cmd *exec.Cmd) {
	group := -cmd.Process.Pid
	switch p := c.random.IntN(10); {
	case p == 0: // stopped for a while first: a paused process must not be taken for a dead one
		_ = syscall.Kill(group, syscall.SIGSTOP)
		time.Sleep(50 * time.Millisecond)
	case p == 1: // asked first
		_ = syscall.Kill(group, syscall.SIGTERM)
		time.Sleep(time.Duration(c.random.Int64N(int64(20 * time.Millisecond))))
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
}

// converge lets runs end, and counts how often each body was entered.
func (c *campaign) converge(l *lab) error {
	if err := l.converge(c.salt, c.golden); err != nil {
		return err
	}
	entered, err := l.entered()
	if err != nil {
		return err
	}
	for key, n := range entered {
		if n > 1+c.torn[key] {
			return fmt.Errorf("I6: needless work: %s was entered %d times, with %d kills inside it", key, n, c.torn[key])
		}
		c.repeated += n - 1
	}
	return nil
}

// close checks a store that is no longer used: it verifies, and nothing of the killed processes is left lying about.
func (c *campaign) close(l *lab) error {
	if err := l.tidy(); err != nil {
		return err
	}
	if err := verify(l); err != nil {
		return err
	}
	if err := l.small(c.salt, c.golden); err != nil {
		return err
	}
	return l.remove()
}

// lines collects what a process prints, and can be read while it does.
type lines struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.data.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.data.String()
}

func (l *lines) count() int { return strings.Count(l.text(), "\n") }

// acknowledged returns the steps that a process reported as done: lines such as "run     join  12ms" on stderr. The last
// line counts only if it is whole.
func acknowledged(stderr string) []string {
	var keys []string
	for line := range strings.Lines(stderr) {
		if words := strings.Fields(line); strings.HasSuffix(line, "\n") && len(words) >= 2 && words[0] == "run" {
			keys = append(keys, words[1])
		}
	}
	return keys
}
