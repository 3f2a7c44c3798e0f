package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestPowerCuts takes the disk away from running pipelines: an ext4 file system in a file is shut down at a random moment without writing what
// it still holds in memory, unmounted and mounted again. What was reported as done must be there. A kill cannot show this, because the system writes
// what a dead process has left in its memory.
func TestPowerCuts(t *testing.T) {
	d, err := newDisk(t.TempDir())
	if err != nil {
		t.Skipf("a disk that can be cut off takes root, mkfs.ext4 and loop devices, on Linux: %v", err)
	}
	defer func() { require.NoError(t, d.unmount()) }()
	p := &power{disk: d, binary: build(t), dir: t.TempDir(), random: rand.New(rand.NewPCG(*seed, 4))}
	err = p.run(*cuts)
	t.Logf("%d cuts in %d epochs; %d steps were acknowledged before one", p.cuts, p.epochs, p.acknowledged)
	require.NoError(t, err, "seed %d", *seed)
	require.NotZero(t, p.acknowledged, "no cut fell between two steps: the campaign proves nothing")
}

// A disk is a file system in a file, mounted.
type disk struct{ image, dir string }

func newDisk(dir string) (*disk, error) {
	d := &disk{filepath.Join(dir, "image"), filepath.Join(dir, "disk")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.Create(d.image)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(2<<30), f.Close()); err != nil { // sparse
		return nil, err
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mkfs.ext4: %w %s", err, out)
	}
	return d, d.mount()
}

func (d *disk) mount() error {
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %w %s", err, out)
	}
	return nil
}

// unmount waits for processes that are being killed.
func (d *disk) unmount() (err error) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err = unix.Unmount(d.dir, 0); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// cut ends the file system as a power cut would: nothing more reaches the image, the journal included.
func (d *disk) cut() error {
	const ext4Shutdown, noLogFlush = 0x8004587d, 2
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.IoctlSetPointerInt(int(f.Fd()), ext4Shutdown, noLogFlush), f.Close())
}

type power struct {
	disk                       *disk
	binary, dir, mutant        string
	random                     *rand.Rand
	cuts, epochs, acknowledged int
}

func (p *power) run(n int) error {
	for p.cuts < n {
		salt := strconv.Itoa(p.epochs)
		golden, usual, err := undisturbed(p.dir, p.binary, salt)
		if err != nil {
			return err
		}
		if err := p.epoch(salt, golden, usual, n); err != nil {
			return fmt.Errorf("epoch %d, cut %d: %w", p.epochs, p.cuts, err)
		}
		p.epochs++
	}
	return nil
}

// epoch cuts the power until a run ends before it.
func (p *power) epoch(salt string, golden *report, usual time.Duration, n int) error {
	home, err := os.MkdirTemp(p.disk.dir, "home-")
	if err != nil {
		return err
	}
	if err := syncFolder(p.disk.dir); err != nil { // the folder itself is none of the store's
		return err
	}
	// The ledger stands elsewhere: what was seen does not go with the disk.
	l := &lab{binary: p.binary, home: filepath.Join(home, "store"), ledger: filepath.Join(p.dir, "ledger"), mutant: p.mutant, executor: executors[p.epochs%len(executors)]}
	acked := map[string]bool{}
	for done := false; !done && p.cuts < n; {
		if done, err = p.once(l, salt, usual, acked); err != nil {
			return err
		}
		if err := l.sound(salt, acked); err != nil {
			return err
		}
	}
	if err := l.converge(salt, golden); err != nil {
		return err
	}
	return errors.Join(l.tidy(), os.RemoveAll(home))
}

// once starts a run and cuts the power; done says that the run had ended with success before.
func (p *power) once(l *lab, salt string, usual time.Duration, acked map[string]bool) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := l.command(ctx, l.materializing(salt)...)
	var stdout, stderr lines
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return false, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	time.Sleep(time.Duration(p.random.Int64N(int64(usual) * 11 / 10)))
	// What is seen before the cut counts, and nothing after it: a process that is in a system call at this moment lives on for a while, where a real
	// one would not, and the kernel may tell it that all is well.
	select {
	case end := <-exited:
		done = end == nil
		exited <- end
	default:
	}
	seen := stderr.text()
	if err := p.disk.cut(); err != nil {
		return false, err
	}
	p.cuts++
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-exited
	if err := l.noOrphans(); err != nil { // they would keep the disk busy
		return false, err
	}
	for _, key := range acknowledged(seen) {
		acked[key] = true
		p.acknowledged++
	}
	if err := p.disk.unmount(); err != nil {
		return false, err
	}
	return done, p.disk.mount()
}

// syncFolder makes a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
