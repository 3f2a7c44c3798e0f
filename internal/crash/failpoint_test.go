//go:build crashmutant

package crash

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/failpoint"
)

// TestFailpoints strikes at every failpoint in every way: before and after each step that makes something durable. Every point is reached.
func TestFailpoints(t *testing.T) {
	binary, dir := build(t, "-tags", "crashmutant"), t.TempDir()
	golden, _, err := undisturbed(dir, binary, now)
	require.NoError(t, err)
	reached := map[failpoint.Point]bool{}
	for _, p := range failpoint.All {
		for _, how := range []string{"kill", "error", "panic", "term", "error@2", "kill@3"} {
			hit, err := strikePoint(dir, binary, golden, p, how)
			require.NoError(t, err, "%s=%s", p, how)
			reached[p] = reached[p] || hit
		}
	}
	for _, p := range failpoint.All {
		assert.True(t, reached[p], "%s is never reached: nothing is proven about it", p)
	}
}

// scenarioOf is the command that reaches a point.
func scenarioOf(p failpoint.Point) *scenario {
	name := "the first run"
	switch {
	case strings.HasPrefix(string(p), "gc."):
		name = "gc"
	case strings.HasPrefix(string(p), "reap."):
		name = "a run after a crash"
	}
	return &scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })]
}

func strikePoint(dir, binary string, golden *report, p failpoint.Point, how string) (hit bool, err error) {
	l, err := fresh(dir, binary, "")
	if err != nil {
		return false, err
	}
	s := scenarioOf(p)
	if err := s.prepare(l); err != nil {
		return false, err
	}
	log := filepath.Join(filepath.Dir(l.home), "points")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := l.command(ctx, s.args(l)...)
	cmd.Env = append(cmd.Env, "FAILPOINT="+string(p)+"="+how, "FAILPOINT_LOG="+log)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	end := cmd.Run()
	if ctx.Err() != nil {
		return false, fmt.Errorf("it hangs:\n%s%s", stdout.String(), stderr.String())
	}
	names, err := os.ReadFile(log)
	if err != nil {
		return false, err
	}
	said := stderr.String()
	if how == "panic" { // which is wanted
		said = strings.ReplaceAll(said, "panic: failpoint", "failpoint")
	}
	if err := l.judge(s, end, killed(end), stdout.String(), said, golden); err != nil {
		return false, fmt.Errorf("%w\n%s%s", err, stdout.String(), stderr.String())
	}
	return slices.Contains(strings.Fields(string(names)), string(p)), l.remove()
}
