//go:build linux || darwin

package subprocess

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The child of these tests is this test binary: it does what a request names.
func TestMain(m *testing.M) {
	if c, ok := Asked("test"); ok {
		c.Serve(func(ctx context.Context, request json.RawMessage) { act(ctx, c, request) }, tidy)
		os.Exit(0)
	}
	if os.Getenv("DO") == "parent" {
		parent()
	}
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // or each child sleeps for a second under -race
	}
	goleak.VerifyTestMain(m)
}

func tidy() {
	if path := os.Getenv("TIDY"); path != "" {
		_ = os.WriteFile(path, nil, 0o600)
	}
}

// parent is a process that starts a child, lets it be busy, and is killed.
func parent() {
	p, err := Start(Spec{Service: "test", Processor: -1})
	if err != nil {
		panic(err)
	}
	_ = p.Send([]string{"hang"})
	var said string
	_ = p.Receive(&said)
	fmt.Println(p.Pid(), said)
	select {}
}

func act(ctx context.Context, c *Conn, request json.RawMessage) {
	var words []string
	_ = json.Unmarshal(request, &words)
	switch words[0] {
	case "echo":
		for _, w := range words[1:] {
			_ = c.Say(w)
		}
	case "print":
		fmt.Println(strings.Repeat("x", 3*kept))
		fmt.Fprintln(os.Stderr, "the last line")
		_ = c.Say("printed")
	case "environment":
		_ = c.Say(fmt.Sprint(os.Getenv("COLOR"), " ", os.Getenv(variable), " ", runtime.NumCPU()))
	case "exit":
		os.Exit(3)
	case "panic":
		go func() { panic("no way\nback") }()
		select {}
	case "listen":
		_ = c.Say("listening")
		<-ctx.Done()
		_ = c.Say(context.Cause(ctx).Error())
	case "hang": // with a process of its own, and without listening
		sleep := exec.Command("sleep", "600")
		_ = sleep.Start()
		_ = c.Say(strconv.Itoa(sleep.Process.Pid))
		select {}
	case "leave": // a process of its own, which holds the output open and outlives the step
		sleep := exec.Command("sleep", "600")
		sleep.Stdout = os.Stdout
		_ = sleep.Start()
		_ = c.Say(strconv.Itoa(sleep.Process.Pid))
	case "inherited":
		out, _ := exec.Command("sh", "-c", "ls /dev/fd").Output()
		_ = c.Say(strings.Join(strings.Fields(string(out)), " "))
	}
}

func start(t *testing.T, env ...string) *Process {
	t.Helper()
	p, err := Start(Spec{Service: "test", Env: append(os.Environ(), env...), Processor: -1})
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p
}

// ask sends a request and returns the first answer.
func ask(t *testing.T, p *Process, words ...string) string {
	t.Helper()
	require.NoError(t, p.Send(words))
	var answer string
	require.NoError(t, p.Receive(&answer))
	return answer
}

// gone waits until a process has ended.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n)) // a zombie whose parent is gone too may wait for init
		return syscall.Kill(n, 0) == syscall.ESRCH || err == nil && bytes.Contains(state, []byte(") Z "))
	}, 10*time.Second, 5*time.Millisecond, "process %s lives", pid)
}

func TestRequestsAndMessages(t *testing.T) {
	p := start(t)
	require.NoError(t, p.Send([]string{"echo", "one", strings.Repeat("long", 1<<20)}))
	var a, b string
	require.NoError(t, p.Receive(&a))
	require.NoError(t, p.Receive(&b))
	assert.Equal(t, "one", a)
	assert.Len(t, b, 4<<20)
	assert.Equal(t, "two", ask(t, p, "echo", "two"))
	p.Stop()
	p.Stop()
	assert.Error(t, p.Send("x"))
}

func TestChildKnowsWhatItIsTold(t *testing.T) {
	p := start(t, "COLOR=red")
	assert.Equal(t, fmt.Sprintf("red  %d", runtime.NumCPU()), ask(t, p, "environment"), "it is alone with the knowledge that it is a child")
	if runtime.GOOS == "linux" {
		for n := range 3 {
			p, err := Start(Spec{Service: "test", Processor: n})
			require.NoError(t, err)
			assert.True(t, strings.HasSuffix(ask(t, p, "environment"), " 1"))
			p.Stop()
		}
		assert.NotContains(t, " "+ask(t, start(t), "inherited")+" ", " 4 ", "what it starts does not have its pipes")
	}
	_, ok := Asked("test")
	assert.False(t, ok, "this process is nobody's child")
}

func TestIdleChildTidiesUp(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	p := start(t, "TIDY="+mark)
	ask(t, p, "echo", "x")
	began := time.Now()
	p.Stop()
	assert.Less(t, time.Since(began), grace)
	assert.FileExists(t, mark)
	how, printed := p.Ended()
	assert.Equal(t, "exit status 0", how)
	assert.Empty(t, printed)
}

func TestChildSaysHowItEnded(t *testing.T) {
	for _, c := range []struct{ request, how, printed string }{
		{"exit", "exit status 3", ""},
		{"panic", "exit status 2", "panic: no way\n\tback"},
	} {
		p := start(t)
		require.NoError(t, p.Send([]string{c.request}))
		var v any
		require.ErrorIs(t, p.Receive(&v), io.EOF)
		how, printed := p.Ended()
		assert.Equal(t, c.how, how)
		assert.Equal(t, c.printed, printed)
	}
	for text, want := range map[string]bool{"panic: x\nmore": true, "fatal error: out of memory": true, "SIGSEGV: segmentation violation": true, "I said panic: x": false, "x\npanic: y": false, "": false} {
		assert.Equal(t, want, IsReason(text), text)
	}
	p := start(t)
	ask(t, p, "print")
	_, printed := p.Ended()
	assert.True(t, strings.HasSuffix(printed, "the last line"))
	assert.LessOrEqual(t, len(printed), kept)
}

func TestInterruptedChildMayStillSaySomething(t *testing.T) {
	p := start(t)
	require.Equal(t, "listening", ask(t, p, "listen"))
	p.Interrupt()
	var said string
	require.NoError(t, p.Receive(&said))
	assert.Equal(t, ErrParentGone.Error(), said)
	assert.ErrorIs(t, p.Receive(&said), io.EOF)
}

func TestNothingOutlivesAStoppedChild(t *testing.T) {
	for _, c := range []struct {
		request string
		stop    func(*Process)
	}{{"hang", (*Process).Kill}, {"hang", (*Process).Stop}, {"leave", (*Process).Stop}, {"leave", (*Process).Kill}} {
		p := start(t)
		grandchild := ask(t, p, c.request)
		c.stop(p)
		gone(t, strconv.Itoa(p.Pid()))
		gone(t, grandchild)
	}
	p := start(t)
	ask(t, p, "hang")
	began := time.Now()
	p.Interrupt()
	var v any
	assert.Error(t, p.Receive(&v), "it does not listen, and is not waited for longer than for one that does")
	assert.Less(t, time.Since(began), 2*grace)
}

func TestChildDiesWithItsParent(t *testing.T) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "DO=parent")
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var child, grandchild string
	_, err = fmt.Fscan(out, &child, &grandchild)
	require.NoError(t, err)
	require.NoError(t, c.Process.Kill())
	_ = c.Wait()
	gone(t, child)
	gone(t, grandchild)
}
