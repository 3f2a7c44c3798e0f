package oracle

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// endings runs tests of one package and says how each of them ends: PASS, FAIL, SKIP, or "crashed" for one that takes the program with it (a panic, an exit, no end
// in time). The others run on in another process.
func endings(ctx context.Context, binary string, t *testedPackage, names []string) (map[string]string, error) {
	out := map[string]string{}
	for rest := slices.Clone(names); len(rest) > 0; {
		text, err := runVerbose(ctx, binary, t, rest)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last, seen := "", map[string]bool{}
		for line := range strings.Lines(text) {
			if m := result.FindStringSubmatch(line); m != nil {
				if seen[m[2]] { // a test of the package and one beside it may have one name
					m[1] = out[m[2]] + " " + m[1]
				}
				out[m[2]], seen[m[2]] = m[1], true
			} else if m := running.FindStringSubmatch(line); m != nil {
				last = m[1]
			}
		}
		before := len(rest)
		rest = slices.DeleteFunc(rest, func(n string) bool { return out[n] != "" })
		if i := slices.Index(rest, last); i >= 0 && err != nil {
			out[last], rest = "crashed", slices.Delete(rest, i, i+1)
		}
		if len(rest) == before { // none of them ran at all: the program ended before
			for _, n := range rest {
				out[n] = "crashed"
			}
			break
		}
	}
	return out, nil
}

// How a test binary says what it does; names of subtests have a slash.
var (
	result  = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (\w+) `)
	running = regexp.MustCompile(`^=== (?:RUN|CONT) +(\w+)\b`)
)

// runVerbose runs tests and returns what they print.
func runVerbose(ctx context.Context, binary string, t *testedPackage, names []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tmp, err := os.MkdirTemp("", "oracletest")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, binary, "-test.v", "-test.count=1", "-test.parallel=1", "-test.timeout=20s", "-test.run=^("+strings.Join(names, "|")+")$")
	cmd.Dir, cmd.Env = t.Dir, env("GOTRACEBACK=none", "GOMEMLIMIT=1GiB", "TMPDIR="+tmp)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
