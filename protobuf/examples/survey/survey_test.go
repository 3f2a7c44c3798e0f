package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Promise: messages go from asset to asset, in this process and in others; what is stored is their wire format, which other programs read, and nothing runs again for it.
func TestSurvey(t *testing.T) {
	name := "survey"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, name)
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(bin, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DAGSTERGEN_HOME="+filepath.Join(dir, "home"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "%s", stderr.String())
		return string(out)
	}
	stored := func(asset string, m proto.Message) {
		t.Helper()
		copied, err := os.ReadFile(filepath.Join(dir, "home", "assets", asset, asset+".pb"))
		require.NoError(t, err)
		require.NoError(t, proto.Unmarshal(copied, m))
		run("assets", "get", asset, "--to", asset+".pb")
		saved, err := os.ReadFile(filepath.Join(dir, asset+".pb"))
		require.NoError(t, err)
		assert.Equal(t, copied, saved)
	}
	for _, args := range [][]string{{"materialize", "-o", "json"}, {"materialize", "--no-memo", "--executor", "multiprocess", "-o", "json"}} {
		assert.Equal(t, 3, strings.Count(run(args...), `"action":"run"`))
		assert.Equal(t, 3, strings.Count(run("materialize", "-o", "json"), `"action":"reuse"`))
		var survey structpb.Struct
		stored("survey", &survey)
		want, err := Survey()
		require.NoError(t, err)
		assert.True(t, proto.Equal(want, &survey))
		var longest durationpb.Duration
		stored("longest", &longest)
		assert.Equal(t, 90*time.Minute, longest.AsDuration())
		assert.Equal(t, "\"5400s\"\n", run("assets", "get", "longest"), "as the standard shows it")
		assert.Contains(t, run("assets", "get", "answers"), `"Name":"Ada"`)
	}
	assert.Contains(t, run("verify"), "3 the same")
}
