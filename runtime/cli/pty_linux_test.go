package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// terminalOf returns a terminal of so many columns, and what was written to it.
func terminalOf(t *testing.T, columns uint16) (tty *os.File, written func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	var b bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&b, master) // ends with an error once the other side is closed
	}()
	return tty, func() string {
		require.NoError(t, tty.Close())
		<-read
		require.NoError(t, master.Close())
		return strings.ReplaceAll(b.String(), "\r\n", "\n")
	}
}

// onTerminal runs a command with both outputs on a terminal.
func onTerminal(t *testing.T, columns uint16, env map[string]string, args ...string) (string, int) {
	t.Helper()
	tty, written := terminalOf(t, columns)
	code := Run(t.Context(), Environment{
		Name: "shop", Args: args, Stdin: strings.NewReader(""), Stdout: tty, Stderr: tty, Dir: t.TempDir(),
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}, shop())
	return written(), code
}

func TestTerminal(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Setenv("DAGSTERGEN_HOME", t.TempDir())
	xterm := map[string]string{"TERM": "xterm"}

	out, _ := onTerminal(t, 50, xterm, "list")
	assert.Contains(t, out, "\x1b[1mASSET\x1b[0m")
	for _, line := range strings.Split(out, "\n") {
		plain := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(line)
		assert.LessOrEqual(t, displayWidth(plain), 50, line)
	}
	for _, env := range []map[string]string{{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}} {
		out, _ := onTerminal(t, 80, env, "list")
		assert.NotContains(t, out, "\x1b")
	}

	job := []string{"run", "nightly", "--set", "inputs.words=[a]", "--set", "inputs.limit=1"}
	out, code := onTerminal(t, 80, xterm, job...)
	assert.Zero(t, code)
	assert.Contains(t, out, "counted n=1")
	assert.Contains(t, out, "\x1b[1m2 run, 0 reused in ")
	out, _ = onTerminal(t, 80, map[string]string{"TERM": "dumb"}, append(job, "--no-memo")...)
	assert.NotContains(t, out, "\x1b", "nothing is redrawn on a dumb terminal")
	assert.Contains(t, out, "run     count")
	out, code = onTerminal(t, 80, xterm, "runs", "lst")
	assert.Equal(t, 2, code)
	assert.Equal(t, "\x1b[31mshop:\x1b[0m unknown command \"lst\"; did you mean \"list\"?\nrun \"shop runs --help\" for usage\n", out)
}

// On a terminal a stored value is laid out for people, and what could play tricks with the terminal is not written to it.
func TestValuesOnATerminal(t *testing.T) {
	program, err := exec.LookPath("values")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/drawer", 0o700))
	run := func(args ...string) string {
		tty, written := terminalOf(t, 100)
		c := exec.Command(program, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "DAGSTERGEN_HOME="+dir+"/home", "TERM=xterm", "VERSION=a\x1b[2J\nb", "NO_COLOR=1")
		c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
		_ = c.Run()
		return written()
	}
	run("materialize", "--set", "resources.drawer.config.prefix=drawer")
	assert.Equal(t, "[\n  \"NaN\",\n  1\n]\n", run("assets", "get", "odd"))
	assert.Equal(t, "word a\\x1b[2J\nb\n", run("assets", "get", "word"))
	assert.Contains(t, run("assets", "get", "blob"), "which are not written to a terminal: save them with --to FILE")
	assert.Contains(t, run("assets", "get", "page"), "which is not written to a terminal: save it with --to page.txt")
}

// What user code prints while the screen is redrawn stays, whole.
func TestPrintsStayOnATerminal(t *testing.T) {
	program, err := exec.LookPath("shop")
	require.NoError(t, err)
	tty, written := terminalOf(t, 80)
	c := exec.Command(program, "run", "nightly", "--set", "inputs.words=[a]", "--set", "inputs.limit=1")
	c.Env = append(os.Environ(), "DAGSTERGEN_HOME="+t.TempDir(), "TERM=xterm", "NO_COLOR=1")
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	require.NoError(t, c.Run())
	lines := terminal(written())
	assert.Contains(t, lines, "printed by user code")
	assert.Contains(t, strings.Join(lines, "\n"), "INFO  count  counted n=1\n")
	assert.Equal(t, "STEP", strings.Fields(lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "ACTION") })])[1])
	for _, l := range lines {
		assert.NotContains(t, l, "━", "the bar is gone")
	}
}

// On a terminal verify shows how far it is, and leaves what it found.
func TestVerifyOnATerminal(t *testing.T) {
	program, err := exec.LookPath("suspect")
	require.NoError(t, err)
	dir := t.TempDir()
	run := func(args ...string) []byte {
		tty, written := terminalOf(t, 100)
		c := exec.Command(program, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "DAGSTERGEN_HOME="+dir+"/home", "TERM=xterm", "TZ=UTC", "NO_COLOR=")
		c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
		_ = c.Run() // a difference is exit code 1
		return []byte(written())
	}
	run("materialize")
	out := string(run("verify"))
	assert.Contains(t, out, "━", "there is a bar")
	assert.Contains(t, out, " not the same", "with its own words")
	lines := strings.Join(terminal(out), "\n")
	assert.NotContains(t, lines, "━", "and it is gone at the end")
	assert.Contains(t, out, "\x1b[31mdiffers\x1b[0m  names")
	assert.Contains(t, out, "\x1b[32msame\x1b[0m     pure")
}

func TestInterruptibleEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, stop := interruptible()
	require.NoError(t, ctx.Err())
	require.NoError(t, unix.Kill(os.Getpid(), unix.SIGTERM))
	<-ctx.Done()
	var by *interrupted
	require.ErrorAs(t, context.Cause(ctx), &by)
	assert.Equal(t, 143, by.ExitCode())
	stop()
}
