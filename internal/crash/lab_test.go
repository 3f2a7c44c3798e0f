package crash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	kills   = flag.Int("kills", 12, "how many processes to kill in the campaign of random kills")
	seed    = flag.Uint64("seed", 1, "where all random choices come from")
	cuts    = flag.Int("cuts", 5, "how many power cuts")
	strikes = flag.Int("strikes", 12, "how many system calls are struck, chosen by chance; 0: all of them, one after the other")
	only    = flag.String("scenario", "", "the scenario that is struck where all system calls are; all of them where it is empty")
	blowing = flag.String("blow", "", "which blows all system calls get there: a regular expression of such as \"error=EIO of fcntl\"; every one where it is empty")
)

// patience is how long any one command may take before the campaign calls it hung. Behind a lock that could not be given back SQLite tries for ten seconds, each time.
const patience = 3 * time.Minute

// A lab is one store with the binary that works on it. Its ledger lies outside the store: what a killed process did before
// it died is read there and in what it printed.
type lab struct {
	binary, home, ledger string
	mutant               string
	executor             string   // empty for the default one
	pause                string   // how long each body takes besides its work; empty for no time
	succeeded            []string // runs that were seen to end with exit code 0
}

// build compiles crashlab once per set of build flags.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	return buildOf(t, "crashlab", flags...)
}

// buildOf compiles one of the programs below this folder.
func buildOf(t *testing.T, name string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	args := append([]string{"build", "-ldflags=-s", "-o", binary}, append(flags, "./"+name)...)
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// fresh returns a lab with an empty store in a folder of its own below dir.
func fresh(dir, binary, mutant string) (*lab, error) {
	home, err := os.MkdirTemp(dir, "lab-")
	if err != nil {
		return nil, err
	}
	return &lab{binary: binary, home: filepath.Join(home, "store"), ledger: filepath.Join(home, "ledger"), mutant: mutant}, nil
}

// configure writes the dagstergen.yaml of the store, which need not be there yet.
func (l *lab) configure(text string) error {
	if err := os.MkdirAll(l.home, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.home, "dagstergen.yaml"), []byte(text), 0o600)
}

func (l *lab) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, l.binary, args...)
	c.Env = append(os.Environ(), "DAGSTERGEN_HOME="+l.home, "CRASHLAB_LEDGER="+l.ledger, "CRASHMUTANT="+l.mutant, "CRASHLAB_PAUSE="+l.pause, "NO_COLOR=1")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

// run runs a command to its end and returns what it printed; an error for any exit code but 0.
func (l *lab) run(args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := l.command(ctx, args...)
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	if err := c.Run(); err != nil {
		return out.String(), log.String(), fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out.String(), log.String())
	}
	return out.String(), log.String(), nil
}

// saltFlag keeps the salt a text: a bare number would be one.
func saltFlag(salt string) string { return "ops.salt.config.salt=epoch-" + salt }

// A step is what plan and materialize say of one step. Outputs is kept as it was printed, for comparing.
type step struct {
	Reasons                      []struct{ Code, Text string }
	Key, Version, Action, Status string
	Outputs                      []output
}

type output struct {
	Name        string
	DataVersion string `json:"data_version"`
}

type report struct {
	RunID  string `json:"run_id"`
	Status string
	Steps  []step
}

func (r *report) step(key string) step {
	for _, s := range r.Steps {
		if s.Key == key {
			return s
		}
	}
	return step{}
}

func (l *lab) report(args ...string) (*report, string, error) {
	stdout, stderr, err := l.run(args...)
	if err != nil {
		return nil, stderr, err
	}
	r := &report{}
	if err := json.Unmarshal([]byte(stdout), r); err != nil {
		return nil, stderr, fmt.Errorf("%s: %w in\n%s", strings.Join(args, " "), err, stdout)
	}
	if len(r.Steps) == 0 {
		return nil, stderr, fmt.Errorf("%s: no steps in\n%s", strings.Join(args, " "), stdout)
	}
	return r, stderr, nil
}

func (l *lab) plan(salt string) (*report, error) {
	r, _, err := l.report("plan", "-o", "json", "--set", saltFlag(salt))
	return r, err
}

func (l *lab) materialize(salt string) (r *report, stderr string, err error) {
	r, stderr, err = l.report(l.materializing(salt)...)
	if err == nil {
		l.succeeded = append(l.succeeded, r.RunID)
	}
	return r, stderr, err
}

// materializing is the command line of a run that says on stderr what it has done and on stdout what came of it.
func (l *lab) materializing(salt string) []string {
	args := []string{"materialize", "-o", "json", "-v", "--set", saltFlag(salt)}
	if l.executor != "" {
		args = append(args, "--executor", l.executor)
	}
	return args
}

// undisturbed returns what a run of salt gives in a store of its own, and how long that takes.
func undisturbed(dir, binary, salt string) (*report, time.Duration, error) {
	calm, err := fresh(dir, binary, "")
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	golden, _, err := calm.materialize(salt)
	if err != nil {
		return nil, 0, fmt.Errorf("undisturbed run: %w", err)
	}
	return golden, time.Since(began), calm.remove()
}

// remove removes the store and its ledger.
func (l *lab) remove() error { return os.RemoveAll(filepath.Dir(l.home)) }

// entered counts how often each body was entered since the ledger was emptied.
func (l *lab) entered() (map[string]int, error) {
	data, err := os.ReadFile(l.ledger)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]int{}, nil
	}
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	for line := range strings.Lines(string(data)) {
		var pid int
		var step string
		if _, err := fmt.Sscanf(line, "%d START %s\n", &pid, &step); err != nil {
			return nil, fmt.Errorf("ledger line %q: %w", line, err)
		}
		n[step]++
	}
	return n, nil
}

func (l *lab) emptyLedger() error {
	err := os.Remove(l.ledger)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// objects returns the stored files by path.
func (l *lab) objects() ([]string, error) {
	var files []string
	err := filepath.WalkDir(filepath.Join(l.home, "objects"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // before the first one is stored
		}
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// named checks that a stored file hashes to its name: half an output under a final name would be a hit for half an output.
func named(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != name {
		return fmt.Errorf("%s holds %d bytes that do not hash to its name", path, len(data))
	}
	return nil
}
