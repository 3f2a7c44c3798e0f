package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSystemCalls kills a process at each system call that writes, one after the other, and lets each system call fail. It takes
// strace, which tells calls apart by thread: so the points are dense, and not the same in each run.
func TestSystemCalls(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: it is what lets a chosen system call fail (apt install strace)")
	}
	c := &syscalls{binary: build(t), dir: t.TempDir(), random: rand.New(rand.NewPCG(*seed, 6))}
	var err error
	if c.golden, _, err = undisturbed(c.dir, c.binary, now); err == nil {
		if *strikes == 0 {
			err = c.all(t.Logf)
		} else {
			err = c.some(*strikes)
		}
	}
	t.Logf("%d kills, %d errors", c.kills, c.errors)
	require.NoError(t, err, "seed %d", *seed)
	require.NotZero(t, c.kills, "no kill hit: the campaign proves nothing")
	require.NotZero(t, c.errors, "no error hit: the campaign proves nothing")
}

// The system calls that change what is on disk, or who may. Between two of them a kill is a kill at the next.
var writing = []string{
	"fsync", "fdatasync", "renameat", "renameat2", "ftruncate", "unlinkat", "unlink", "flock", "fchmod", "write", "copy_file_range", "mkdirat", "openat", "pwrite64", "fcntl",
}

// failing are the errors that each of the calls is made to fail with; EIO for those above too.
var failing = map[string][]string{
	"write": {"ENOSPC"}, "pwrite64": {"ENOSPC"}, "fsync": {"ENOSPC"}, "fdatasync": {"ENOSPC"}, "openat": {"ENOSPC", "EMFILE", "EACCES"}, "mkdirat": {"ENOSPC", "EACCES"}, "renameat": {"ENOSPC", "EACCES"},
	"ftruncate": {"ENOSPC"}, "flock": {"ENOLCK"}, "fcntl": {"ENOLCK"},
	"read": {"EIO"}, "pread64": {"EIO"}, "newfstatat": {"EIO", "EACCES"}, "getdents64": {"EIO"}, "lseek": {"EIO"}, "close": {"EIO"}, "mmap": {"ENOMEM"}, "statfs": {"EIO"},
}

type syscalls struct {
	binary, dir, mutant string
	random              *rand.Rand
	kills, errors       int
	golden              *report
	fanOut              bool // the last strike hit one of the 256 folders of objects, which are made one after the other: a few stand for all of them
}

// makesFanOut is the struck call in a log of strace, when it makes such a folder: it failed, did not come back, or was the last that had begun before all threads were killed.
var makesFanOut = regexp.MustCompile(
	`(mkdirat\(\d+, "[0-9a-f]{2}"|openat\(\d+, "objects", [^)\n]*O_DIRECTORY)[^\n]*(INJECTED|\?\n|<unfinished \.\.\.>\n(\d+ (\+\+\+|<\.\.\. \w+ resumed>\) += \?)[^\n]*\n)*$)`)

// A blow is a way to strike a call.
type blow struct{ call, how string }

func blows() (all []blow) {
	for _, call := range writing {
		all = append(all, blow{call, "signal=KILL"}, blow{call, "error=EIO"})
	}
	for _, call := range slices.Sorted(maps.Keys(failing)) {
		for _, errno := range failing[call] {
			all = append(all, blow{call, "error=" + errno})
		}
	}
	return all
}

// all strikes every call in every way, several at a time: a strike has a folder and processes of its own.
func (c *syscalls) all(logf func(format string, args ...any)) error {
	type task struct {
		*scenario
		blow
	}
	wanted, err := regexp.Compile(*blowing)
	if err != nil {
		return err
	}
	var tasks []task
	for i := range scenarios {
		if *only != "" && scenarios[i].name != *only {
			continue
		}
		for _, b := range blows() {
			if wanted.MatchString(b.how + " of " + b.call) {
				tasks = append(tasks, task{&scenarios[i], b})
			}
		}
	}
	var (
		work sync.WaitGroup
		lock sync.Mutex // of what follows, and of the figures of c
		next int
		errs []error
	)
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for own := *c; ; {
				lock.Lock()
				if len(errs) > 0 || next == len(tasks) {
					lock.Unlock()
					return
				}
				t := tasks[next]
				next++
				lock.Unlock()
				own.kills, own.errors = 0, 0
				err := own.each(t.scenario, t.blow)
				lock.Lock()
				c.kills, c.errors = c.kills+own.kills, c.errors+own.errors
				if err != nil {
					errs = append(errs, err)
				}
				logf("%s, %s of %s: %d hit", t.name, t.how, t.call, own.kills+own.errors)
				lock.Unlock()
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// each strikes every call of one kind in one way.
func (c *syscalls) each(s *scenario, b blow) error {
	past := 0
	for when := 1; past < 2; when++ { // until that is past the end twice
		c.fanOut = false
		hit, err := c.strike(s, b, when)
		if err != nil {
			return err
		}
		if past++; hit {
			past = 0
		}
		if c.fanOut {
			when += 31
		}
	}
	return nil
}

// some strikes calls chosen by chance until n strikes have hit.
func (c *syscalls) some(n int) error {
	all := blows()
	for c.kills+c.errors < n {
		if _, err := c.strike(&scenarios[c.random.IntN(len(scenarios))], all[c.random.IntN(len(all))], 1<<c.random.IntN(7)+c.random.IntN(4)); err != nil {
			return err
		}
	}
	return nil
}

// strike runs a scenario with one call that kills or fails, and checks what is left.
func (c *syscalls) strike(s *scenario, b blow, when int) (hit bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s, %s of %s %d: %w", s.name, b.how, b.call, when, err)
		}
	}()
	l, err := fresh(c.dir, c.binary, "")
	if err != nil {
		return false, err
	}
	l.executor = "in_process"
	if err := s.prepare(l); err != nil {
		return false, err
	}
	if b.call == "fcntl" {
		// A lock that could not be given back looks like a program that keeps the database to itself. A command waits for that one a minute, each time it has something to write.
		if err := l.configure("storage: {sqlite: {lock_timeout: 300ms}}\n"); err != nil {
			return false, err
		}
	}
	l.mutant = c.mutant
	log := filepath.Join(filepath.Dir(l.home), "strace")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append([]string{"-f", "-qq", "-o", log, "-e", "trace=" + b.call, "-e", "inject=" + b.call + ":" + b.how + ":when=" + strconv.Itoa(when), l.binary}, s.args(l)...)
	cmd := l.command(ctx, args...)
	if cmd.Path, err = exec.LookPath("strace"); err != nil {
		return false, err
	}
	cmd.Args[0] = "strace"
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	end := cmd.Run()
	if ctx.Err() != nil {
		return false, fmt.Errorf("it hangs:\n%s%s", stdout.String(), stderr.String())
	}
	traced, err := os.ReadFile(log)
	if err != nil {
		return false, err
	}
	killed := bytes.Contains(traced, []byte("+++ killed by SIGKILL"))
	hit = killed || bytes.Contains(traced, []byte("INJECTED"))
	c.fanOut = makesFanOut.Match(traced)
	if hit {
		if killed {
			c.kills++
		} else {
			c.errors++
		}
		if err := l.judge(s, end, killed, stdout.String(), stderr.String(), c.golden); err != nil {
			return true, fmt.Errorf("%w\n%s%s", err, stdout.String(), stderr.String())
		}
	}
	return hit, l.remove()
}
