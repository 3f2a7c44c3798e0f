package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/execute/differ"
)

// suspect is a pipeline of which some assets depend on the time zone. Where there is a file "hang" in the working folder, one of them does not come back there.
func suspect() dag.Definitions {
	d := dag.Definitions{Module: "example.com/suspect", Package: "example.com/suspect", Proof: dag.ProofNone}
	m := &manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}
	m.Nodes = []manifest.Node{{Name: manifest.EnvNode, Kind: manifest.KindEnv, Local: canon.Sum([]byte("env")), Hash: canon.Sum([]byte("env"))}}
	asset := func(key string, typ *dag.Type, f func() any) {
		symbol := "example.com/suspect." + key
		code := canon.Sum([]byte(key))
		m.Nodes = append(m.Nodes, manifest.Node{Name: symbol, Kind: manifest.KindFunc, Local: code, Hash: code, File: "suspect.go"})
		m.Entries = append(m.Entries, manifest.Entry{Symbol: symbol, Version: code, Node: symbol})
		d.Ops = append(d.Ops, &dag.Op{Kind: dag.KindAsset, Key: key, Symbol: symbol, Outputs: []dag.Output{{Name: "result", Asset: key, Type: typ}},
			Invoke: func(_ context.Context, c *dag.Call) error { c.Out[0] = f(); return nil }})
	}
	away := func() bool {
		_, offset := time.Unix(0, 0).Zone()
		return offset != 0
	}
	asset("names", words, func() any { return []string{"a", time.Unix(0, 0).Format("15:04")} })
	asset("noon", number, func() any {
		if away() {
			panic("no such hour")
		}
		return 12
	})
	asset("pure", number, func() any {
		if _, err := os.Stat("hang"); err == nil && away() {
			child := exec.Command("sleep", "600")
			_ = child.Start()
			_ = os.WriteFile("waiting", fmt.Append(nil, os.Getpid(), " ", child.Process.Pid), 0o600)
			time.Sleep(10 * time.Minute)
		}
		return 1
	})
	asset("sometimes", number, func() any { return 1 })
	d.Ops[3].Volatile = true
	d.Manifest = m.Text()
	return d
}

// A signal ends verifying at once, and what it has started: nothing is left of it, neither processes nor files.
func TestVerifyIsStopped(t *testing.T) {
	program, err := exec.LookPath("suspect")
	require.NoError(t, err)
	for _, c := range []struct {
		name    string
		signals []syscall.Signal
		code    int
		print   string
	}{
		{"once", []syscall.Signal{syscall.SIGINT}, 130, "suspect: stopped after 1 of 2 steps"},
		{"by another", []syscall.Signal{syscall.SIGTERM}, 143, "suspect: stopped after 1 of 2 steps"},
		{"twice", []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 130, ""},
		{"for good", []syscall.Signal{syscall.SIGKILL}, -1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, temp := t.TempDir(), t.TempDir()
			run := func(args ...string) *exec.Cmd {
				e := exec.Command(program, args...)
				e.Dir = dir
				e.Env = append(os.Environ(), "DAGSTERGEN_HOME="+filepath.Join(dir, "home"), "TMPDIR="+temp, "TZ=UTC")
				return e
			}
			out, err := run("materialize").CombinedOutput()
			require.NoError(t, err, string(out))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "hang"), nil, 0o600))
			var said strings.Builder
			v := run("verify", "--select", "pure,sometimes")
			v.Stdout, v.Stderr = &said, &said
			require.NoError(t, v.Start())
			var pids []string
			require.Eventually(t, func() bool {
				data, _ := os.ReadFile(filepath.Join(dir, "waiting"))
				pids = strings.Fields(string(data))
				return len(pids) == 2
			}, 20*time.Second, 5*time.Millisecond)
			for i, s := range c.signals {
				if i > 0 {
					time.Sleep(200 * time.Millisecond) // two signals that are too close are one
				}
				require.NoError(t, v.Process.Signal(s))
			}
			_ = v.Wait()
			assert.Equal(t, c.code, v.ProcessState.ExitCode(), said.String())
			assert.Contains(t, said.String(), c.print)
			for _, pid := range pids {
				n, err := strconv.Atoi(pid)
				require.NoError(t, err)
				assert.Eventually(t, func() bool {
					state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n)) // a zombie that nobody waits for yet is gone, too
					return syscall.Kill(n, 0) == syscall.ESRCH || err == nil && strings.Contains(string(state), ") Z ")
				}, 10*time.Second, 10*time.Millisecond, "process %d lives", n)
			}
			assert.Eventually(t, func() bool {
				left, err := os.ReadDir(temp)
				return err == nil && len(left) == 0
			}, 5*time.Second, 10*time.Millisecond, "files are left")
		})
	}
}

func TestVerifyView(t *testing.T) {
	d := canon.Sum([]byte("x"))
	r := &execute.VerifyResult{Stored: 240, Sample: 6, Seed: 42, Times: 3, Elapsed: 4200 * time.Millisecond,
		Environments: [][]string{{"TZ=Pacific/Chatham", "GOMAXPROCS=1"}, {"TZ=America/St_Johns"}},
		Steps: []execute.VerifiedStep{
			{Key: "source", Version: d, Result: execute.VerifySkipped, Because: "a source is observed, not computed"},
			{Key: "pure", Version: d, Result: execute.VerifySame, Elapsed: 12 * time.Millisecond, Notes: []string{`metadata "rows" of output result: 1 stored, 2 now`}},
			{Key: "monthly_means", Version: d, Result: execute.VerifyDiffers, Elapsed: time.Second, Cause: execute.CauseEnvironment, Environment: []string{"TZ=Pacific/Chatham"},
				Differences: []execute.OutputDifference{
					{Output: "result", Difference: differ.Difference{Path: "[3].Mean", Stored: "4.25", Now: "4.5", More: 2}},
					{Output: "other", Difference: differ.Difference{Stored: `"a\x1b[2J"`, Now: "\x1b[2J"}},
				}},
			{Key: "keys", Version: d, Result: execute.VerifyDiffers, Elapsed: time.Millisecond, Cause: execute.CauseRuns,
				Differences: []execute.OutputDifference{{Output: "result", Difference: differ.Difference{Path: "[0]", Stored: `"a"`, Now: `"b"`, Note: "the same elements in another order"}}}},
			{Key: "noon", Version: d, Result: execute.VerifyFails, Elapsed: time.Minute, Cause: execute.CauseElsewhere, Error: "panic: no such hour\nmore"},
			{Key: "calls", Result: execute.VerifyFails, Cause: execute.CauseCalls, Error: "again"},
			{Key: "race", Result: execute.VerifyFails, Cause: execute.CauseRuns, Environment: []string{"GOMAXPROCS=61"}, Error: "lost"},
		}}
	golden(t, "verify", verifyView(r, look{}, false))
	golden(t, "verify-color", verifyView(r, look{color: true}, false))
	golden(t, "verify-60", verifyView(r, look{width: 60}, false))
	golden(t, "verify-all", verifyView(r, look{}, true))
	var many execute.VerifyResult
	many.Job = "nightly"
	for i := range 100 {
		many.Steps = append(many.Steps, execute.VerifiedStep{Key: fmt.Sprint("s", i), Version: d, Result: execute.VerifySame})
	}
	golden(t, "verify-many", verifyView(&many, look{}, false))
	assert.Len(t, verifyView(&many, look{}, true), 1+100+3+1)
}
