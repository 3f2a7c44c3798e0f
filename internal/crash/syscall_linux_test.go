package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSystemCalls kills a process at each system call that writes, one after the other, and lets each system call fail. It takes
// strace, which tells calls apart by thread: so the points are dense, and not the same in each run.
func TestSystemCalls(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: it is what lets a chosen system call fail (apt install strace)")
	}
	c := &syscalls{binary: build(t), dir: t.TempDir(), stride: *stride}
	err := c.all()
	t.Logf("%d kills, %d errors", c.kills, c.errors)
	require.NoError(t, err)
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

// A scenario is a command that works on a store, which prepare has made.
type scenario struct {
	name    string
	prepare func(l *lab) error
	args    func(l *lab) []string
}

// The salts of the scenarios: what was there before, and what the command makes.
const before, now = "before", "now"

var scenarios = []scenario{
	{"the first run", func(*lab) error { return nil }, func(l *lab) []string { return l.materializing(now) }},
	{"another run", func(l *lab) error {
		_, _, err := l.materialize(before)
		return err
	}, func(l *lab) []string { return l.materializing(now) }},
	{"gc", func(l *lab) error {
		for _, salt := range []string{before, now} {
			if _, _, err := l.materialize(salt); err != nil {
				return err
			}
		}
		return nil
	}, func(*lab) []string { return []string{"gc", "--keep", "1", "-o", "json"} }},
	{"repair", func(l *lab) error {
		if _, _, err := l.materialize(now); err != nil {
			return err
		}
		files, err := l.objects()
		if err != nil {
			return err
		}
		return rewrite(files[0], func([]byte) []byte { return []byte("damaged") })
	}, func(*lab) []string { return []string{"instance", "verify", "--repair", "-o", "json"} }},
}

type syscalls struct {
	binary, dir, mutant string
	stride              int // of the calls that are made most often: every how many-th is struck
	kills, errors       int
	golden              *report
}

func (c *syscalls) all() (err error) {
	if c.golden, _, err = undisturbed(c.dir, c.binary, now); err != nil {
		return err
	}
	for _, s := range scenarios {
		for _, call := range writing {
			if err := c.sweep(&s, call, "signal=KILL"); err != nil {
				return err
			}
			if err := c.sweep(&s, call, "error=EIO"); err != nil {
				return err
			}
		}
		for call, list := range failing {
			for _, errno := range list {
				if err := c.sweep(&s, call, "error="+errno); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sweep strikes at the first call, the second, and so on, until that is past the end twice.
func (c *syscalls) sweep(s *scenario, call, how string) error {
	past := 0
	for i := 1; past < 2; i += c.step(i) {
		hit, err := c.strike(s, call, how, i)
		if err != nil {
			return fmt.Errorf("%s, %s of %s %d: %w", s.name, how, call, i, err)
		}
		if !hit {
			past++
		} else {
			past = 0
		}
	}
	return nil
}

// step is how far the next strike is: the first calls are struck one by one.
func (c *syscalls) step(i int) int {
	if i < 4 {
		return 1
	}
	return c.stride
}

// strike runs a scenario with one call that kills or fails, and checks what is left.
func (c *syscalls) strike(s *scenario, call, how string, when int) (hit bool, err error) {
	l, err := fresh(c.dir, c.binary, "")
	if err != nil {
		return false, err
	}
	l.executor = "in_process"
	if err := s.prepare(l); err != nil {
		return false, err
	}
	l.mutant = c.mutant
	log := filepath.Join(filepath.Dir(l.home), "strace")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append([]string{"-f", "-qq", "-o", log, "-e", "trace=" + call, "-e", "inject=" + call + ":" + how + ":when=" + strconv.Itoa(when), l.binary}, s.args(l)...)
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
	if hit {
		if killed {
			c.kills++
		} else {
			c.errors++
		}
		if err := c.judge(l, end, killed, stdout.String(), stderr.String()); err != nil {
			return true, fmt.Errorf("%w\n%s%s", err, stdout.String(), stderr.String())
		}
	}
	return hit, l.remove()
}

// judge checks what a struck command has said and left.
func (c *syscalls) judge(l *lab, end error, killed bool, stdout, stderr string) error {
	acked := map[string]bool{}
	for _, key := range acknowledged(stderr) {
		acked[key] = true
	}
	exit, failed := errors.AsType[*exec.ExitError](end)
	switch {
	case end != nil && !failed:
		return end
	case failed && strings.Contains(stderr, "panic: "): // a fatal error of the runtime, such as for want of memory, is as good as a kill
		return errors.New("I14: it panicked")
	}
	l.mutant = ""
	runs, err := l.nothingRuns()
	if err != nil {
		return err
	}
	if failed && !killed && len(runs) > 0 && strings.Contains(stdout, `"status":"SUCCESS"`) {
		return fmt.Errorf("I14: exit code %d and status SUCCESS", exit.ExitCode())
	}
	if err := l.sound(now, acked); err != nil {
		return err
	}
	if err := l.converge(now, c.golden); err != nil {
		return err
	}
	return l.tidy()
}
