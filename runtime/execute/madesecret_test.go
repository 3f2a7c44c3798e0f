package execute

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// madeSecret is a variable with what resources of a child make a secret of. Nobody knows that it is one before.
const madeSecret = "MADE_SECRET"

// makesSecrets is a package whose resource makes a secret, and whose steps print it at once.
func makesSecrets(s *shop) {
	s.resource(&dag.Resource{Key: "login"}, func(context.Context, *dag.Call) (any, func(), error) {
		return dag.NewSecret("login-" + os.Getenv(madeSecret)), nil, nil
	})
	step := func(key string, then func(login string) error) {
		a := s.asset(key, nil, nil)
		a.Resources = []dag.ResourceUse{{Name: "login", Key: "login"}}
		a.Invoke = func(_ context.Context, c *dag.Call) error {
			c.Out[0] = 1
			return then(dag.ResourceOf[dag.Secret](c, 0).Reveal())
		}
	}
	step("prints", func(login string) error {
		fmt.Println("logged in as", login)
		for i := range 200 { // made and printed, again and again
			own := dag.NewSecret(fmt.Sprintf("own%d-%s", i, os.Getenv(madeSecret))).Reveal()
			_, _ = os.Stdout.WriteString(own + "\n")
			_, _ = os.Stderr.WriteString(own + "\n")
		}
		key := dag.NewSecret(strings.Repeat(os.Getenv(madeSecret), 300)).Reveal() // longer than a pipe writes at once
		fmt.Fprintln(os.Stderr, key)
		return nil
	})
	step("dies", func(login string) error {
		fmt.Fprintln(os.Stderr, "cannot go on as", login)
		os.Exit(3)
		return nil
	})
	step("panics", func(string) error {
		own := dag.NewSecret("panic-" + os.Getenv(madeSecret)).Reveal()
		go panic("with " + own)
		select {}
	})
}

// What a child makes a secret of is masked in what is kept of its prints, however soon it prints that.
func TestSecretsMadeInAChild(t *testing.T) {
	for _, logs := range []string{"local", "noop"} {
		t.Run(logs, func(t *testing.T) {
			value := uuid.NewString()
			t.Setenv(madeSecret, value)
			s := newSuite(t, MultiprocessExecutor)
			s.shop = newShop(t)
			makesSecrets(s.shop)
			t.Setenv(suiteFolder, "")
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "dagstergen.yaml"), []byte("compute_logs: "+logs+"\n"), 0o600))
			s.inst = openInstance(t, dir)
			res := s.run("")
			assert.Equal(t, "dies=failure panics=failure prints=run", actions(res))
			assert.Equal(t, "step dies: the process ended: exit status 3, after it had printed: cannot go on as ***", failedStep(t, res, "dies").Error())
			assert.Contains(t, failedStep(t, res, "panics").Error(), "panic: with ***")
			if logs == "local" {
				want := strings.Repeat("***\n", 200)
				assert.Equal(t, "logged in as ***\n"+want, printedBy(t, s, res, "prints", computelog.Stdout))
				assert.Equal(t, want+"***\n", printedBy(t, s, res, "prints", computelog.Stderr))
			}
			require.NotContains(t, mask.Hide("login-"+value), value, "the parent has come to know it")
			require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				assert.False(t, bytes.Contains(data, []byte(value)), "a secret in %s", path)
				return err
			}))
		})
	}
}
