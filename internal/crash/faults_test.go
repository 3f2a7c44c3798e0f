package crash

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestByteFaults damages every stored file in every way: the next run must notice, recompute that step alone, and say which.
func TestByteFaults(t *testing.T) {
	require.NoError(t, damageAll(t.TempDir(), build(t), "", rand.New(rand.NewPCG(*seed, 1))), "seed %d", *seed)
}

// A fault is a way in which a stored file can go bad. Each gets the path of a file and of another one.
type fault struct {
	name string
	do   func(random *rand.Rand, path, other string) error
}

var faults = []fault{
	{"flip", func(random *rand.Rand, path, _ string) error {
		return rewrite(path, func(data []byte) []byte {
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
			return data
		})
	}},
	{"empty", func(_ *rand.Rand, path, _ string) error { return rewrite(path, func([]byte) []byte { return nil }) }},
	{"half", func(_ *rand.Rand, path, _ string) error {
		return rewrite(path, func(data []byte) []byte { return data[:len(data)/2] })
	}},
	{"extend", func(_ *rand.Rand, path, _ string) error {
		return rewrite(path, func(data []byte) []byte { return append(data, "more"...) })
	}},
	{"swap", func(_ *rand.Rand, path, other string) error {
		data, err := os.ReadFile(other)
		if err != nil {
			return err
		}
		return rewrite(path, func([]byte) []byte { return data })
	}},
	{"zeroes", func(_ *rand.Rand, path, _ string) error {
		return rewrite(path, func(data []byte) []byte { return make([]byte, len(data)) })
	}},
	{"delete", func(_ *rand.Rand, path, _ string) error { return os.Remove(path) }},
	{"folder", func(_ *rand.Rand, path, _ string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o700)
	}},
	{"link", func(_ *rand.Rand, path, _ string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink(os.DevNull, path)
	}},
}

// rewrite replaces the content of a read-only file in place.
func rewrite(path string, change func([]byte) []byte) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(path, change(bytes.Clone(data)), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, info.Mode())
}

func damageAll(dir, binary, mutant string, random *rand.Rand) error {
	l, err := fresh(dir, binary, mutant)
	if err != nil {
		return err
	}
	golden, _, err := l.materialize("0")
	if err != nil {
		return err
	}
	files, err := l.objects()
	if err != nil {
		return err
	}
	if len(files) < 5 {
		return fmt.Errorf("only %d stored files: the campaign proves nothing", len(files))
	}
	for i, path := range files {
		for _, f := range faults {
			if err := l.heal(golden, f, random, path, files[(i+1)%len(files)]); err != nil {
				return fmt.Errorf("%s of %s: %w", f.name, filepath.Base(path), err)
			}
		}
	}
	return verify(l)
}

// heal does one fault and checks that one step is computed again, with a warning, and that all is as it was.
func (l *lab) heal(golden *report, f fault, random *rand.Rand, path, other string) error {
	if err := f.do(random, path, other); err != nil {
		return err
	}
	if _, err := l.plan("0"); err != nil {
		return err
	}
	if err := l.emptyLedger(); err != nil {
		return err
	}
	healed, stderr, err := l.materialize("0")
	if err != nil {
		return err
	}
	if err := same(golden, healed); err != nil {
		return err
	}
	entered, err := l.entered()
	if err != nil {
		return err
	}
	if len(entered) != 1 {
		return fmt.Errorf("I6: entered were %v, want the one step whose output was damaged", entered)
	}
	for step, n := range entered {
		if n != 1 {
			return fmt.Errorf("%s was computed %d times", step, n)
		}
		if !warned(stderr, step) {
			return fmt.Errorf("I4: no warning names %s:\n%s", step, stderr)
		}
	}
	return named(path)
}

func warned(stderr, step string) bool {
	for line := range strings.Lines(stderr) {
		if strings.Contains(strings.ToLower(line), "warn") && strings.Contains(line, step) {
			return true
		}
	}
	return false
}
