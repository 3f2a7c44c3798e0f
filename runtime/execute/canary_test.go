package execute

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// The canaries: a secret each from the text of a run config, from the environment, and from a resource that made it.
const (
	fromConfig   = `c4n4ry "in" <config>/&`
	fromEnv      = "c4n4ry-in-the-environment"
	fromResource = "c4n4ry-of-a-resource"
)

// noCanary looks for the canaries in any form that a text could have them in.
func noCanary(t *testing.T, where string, data []byte) {
	t.Helper()
	for _, secret := range []string{fromConfig, fromEnv, fromResource, "c4n4ry"} {
		quoted, err := json.Marshal(secret)
		require.NoError(t, err)
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]), fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if i := bytes.Index(data, []byte(form)); i >= 0 {
				assert.Fail(t, "a secret", "in %s: ...%s...", where, data[max(0, i-60):min(len(data), i+60)])
				return
			}
		}
	}
}

// client is a resource that hides a secret where package fmt does not ask for its methods.
type client struct{ token, own dag.Secret }

// chatty says a secret in every way that user code has.
func chatty(ctx context.Context, c *client) {
	for _, secret := range []dag.Secret{c.token, c.own} {
		text := secret.Reveal()
		log := dag.Log(ctx).With("with", text).WithGroup("group").With("struct", c)
		log.Info("token "+text, "text", text, text, "as a key", "quoted", fmt.Sprintf("%q", text), "secret", secret, "error", errors.New(text),
			slog.Group("deep", "list", []string{text}, "map", map[string]string{text: text}), "raw", struct{ X string }{text}, "bytes", json.RawMessage(`{"a": "`+text+`"`))
		dag.Log(ctx).Debug(text)
		_ = dag.AddOutputMetadata(ctx, dag.Text("text", text), dag.URL("url", "https://x/?key="+url.QueryEscape(text)), dag.JSON("json", map[string]any{text: []any{text, 1}}))
	}
}

// canaryChild is set in the environment of children that compute the steps of canaries.
const canaryChild = "CANARY_CHILD"

// canaries is a package whose functions show what they should not.
func canaries(w *shop) {
	cfg := poolSchema()
	w.resource(&dag.Resource{Key: "client", Config: cfg}, func(ctx context.Context, c *dag.Call) (any, func(), error) {
		cl := &client{token: dag.ConfigOf[poolConfig](c).Password, own: dag.NewSecret(fromResource)}
		chatty(ctx, cl)
		return cl, func() { panic("closing with " + cl.own.Reveal()) }, nil
	})
	w.resource(&dag.Resource{Key: "broken", Config: cfg}, func(_ context.Context, c *dag.Call) (any, func(), error) {
		return nil, nil, &url.Error{Op: "Get", URL: "https://user:" + dag.ConfigOf[poolConfig](c).Password.Reveal() + "@host/?q=1", Err: errBoom}
	})
	step := func(key string, resource string, then func(text string) error) {
		a := w.asset(key, nil, nil)
		a.Config = cfg
		a.Resources = []dag.ResourceUse{{Name: "r", Key: resource}}
		a.Invoke = func(ctx context.Context, c *dag.Call) error {
			chatty(ctx, &client{token: dag.ConfigOf[poolConfig](c).Password, own: dag.ResourceOf[*client](c, 0).own})
			if os.Getenv(canaryChild) == "print" { // in a child: what it prints is kept
				fmt.Println("stdout:", dag.ConfigOf[poolConfig](c).Password.Reveal())
				fmt.Fprintln(os.Stderr, "stderr:", dag.ConfigOf[poolConfig](c).Password.Reveal())
			}
			c.Out[0] = 1
			return then(dag.ConfigOf[poolConfig](c).Password.Reveal())
		}
	}
	step("good", "client", func(string) error { return nil })
	step("failing", "client", func(s string) error { return fmt.Errorf("cannot log in as %s: %w", s, errBoom) })
	step("escaped", "client", func(s string) error {
		return &url.Error{Op: "Get", URL: "https://host/?key=" + url.QueryEscape(s), Err: errBoom}
	})
	step("panicking", "client", func(s string) error { panic("token " + s) })
	step("described", "client", func(s string) error {
		return dag.Failure{Description: "token " + s, Metadata: []dag.MetadataEntry{dag.Text(s, s), dag.JSON("json", []string{s})}, Err: errors.New(s)}
	})
	step("retried", "client", func(s string) error { return dag.RetryRequested{MaxRetries: 1, Err: errors.New(s)} })
	step("unbuilt", "broken", nil)
}

func TestSecretsAppearNowhere(t *testing.T) {
	t.Setenv(canaryChild, "1")
	for _, c := range []struct{ executor, doc string }{
		{InProcessExecutor, "CONFIG"}, {MultiExecutor, "CONFIG"}, {MultiprocessExecutor, "CONFIG"}, {MultiExecutor, "{env: POOL_PASSWORD}"}, {MultiprocessExecutor, "{env: POOL_PASSWORD}"},
	} {
		doc := c.doc
		t.Run(c.executor+" "+doc, func(t *testing.T) {
			if c.executor == MultiprocessExecutor {
				t.Setenv(canaryChild, "print")
			}
			w := newWorld(t)
			home := t.TempDir()
			inst, err := instance.Open(t.Context(), home, instance.Options{})
			require.NoError(t, err)
			w.inst, w.opts.Executor = inst, c.executor
			canaries(w.shop)

			quoted, err := json.Marshal(fromConfig)
			require.NoError(t, err)
			password := strings.ReplaceAll(doc, "CONFIG", string(quoted))
			text := "resources: {client: {config: {password: PW}}, broken: {config: {password: PW}}}\nops:\n"
			for _, key := range []string{"good", "failing", "escaped", "panicking", "described", "retried", "unbuilt"} {
				text += "  " + key + ": {config: {password: PW}}\n"
			}
			w.opts.Config = document(t, strings.ReplaceAll(text, "PW", password))
			w.opts.Getenv = func(name string) (string, bool) { return fromEnv, name == "POOL_PASSWORD" }
			var mu sync.Mutex
			var console, progress bytes.Buffer
			locked := &lockedWriter{w: &console}
			w.opts.Console = slog.NewMultiHandler(slog.NewTextHandler(locked, nil), slog.NewJSONHandler(locked, nil))
			w.opts.Observe = func(p Progress) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(&progress, "%+v %v\n", p, p.Err)
			}

			p := w.plan("")
			shown, err := json.Marshal(p)
			require.NoError(t, err)
			noCanary(t, "the plan", shown)

			res := w.run("")
			assert.Equal(t, "described=failure escaped=failure failing=failure good=run panicking=failure retried=failure unbuilt=failure", actions(res))
			if c.executor != MultiprocessExecutor { // a child's errors are texts
				require.ErrorIs(t, res.Err(), errBoom, "what is masked can still be told apart")
			}
			var panicked *PanicError
			require.ErrorAs(t, res.Step("panicking").Err, &panicked)
			noCanary(t, "the error", []byte(res.Err().Error()))
			noCanary(t, "the error, in full", fmt.Appendf(nil, "%v %+v", res.Err(), res.Step("failing").Err.Err))
			for _, s := range res.Steps {
				noCanary(t, "a step", fmt.Appendf(nil, "%+v", s))
				if s.Err != nil {
					assert.Contains(t, s.Err.Error(), "***", "something was said, and masked")
				}
			}
			js, err := json.Marshal(res)
			require.NoError(t, err)
			noCanary(t, "the result as JSON", js)
			events, err := res.Events(t.Context())
			require.NoError(t, err)
			for _, e := range events {
				all, err := json.Marshal(e)
				require.NoError(t, err)
				noCanary(t, "an event", all)
				noCanary(t, "the data of an event", e.Data)
			}
			row, err := w.inst.Store().Run(t.Context(), res.RunID)
			require.NoError(t, err)
			assert.Contains(t, row.Config, "password: ")
			noCanary(t, "the recorded config", []byte(row.Config))
			noCanary(t, "the console", console.Bytes())
			noCanary(t, "progress", progress.Bytes())
			assert.Contains(t, console.String(), "token ***")

			wrong := []string{"ops: {good: {config: {password: [PW]}}}", "ops: {good: {config: {size: 1, password: {a: PW}}}}", "resources: {client: {config: {password: {env: POOL_PASSWORD, b: PW}}}}"}
			for _, text := range wrong {
				_, err = ValidateRunConfig(w.definitions(), "", document(t, strings.ReplaceAll(text, "PW", password)))
				var problems runconfig.Problems
				require.ErrorAs(t, err, &problems)
				noCanary(t, "a problem", []byte(err.Error()))
			}

			require.NoError(t, inst.Close())
			files, printed := 0, 0
			require.NoError(t, filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				files++
				data, err := os.ReadFile(path)
				noCanary(t, path, data)
				printed += bytes.Count(data, []byte("stdout: ***\n")) + bytes.Count(data, []byte("stderr: ***\n"))
				return err
			}))
			assert.Positive(t, files)
			if c.executor == MultiprocessExecutor {
				assert.Positive(t, printed, "what a step prints is kept, without secrets")
			}
		})
	}
}
