//go:build linux || darwin

package subprocess

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// variable is what tells a process that it is a child, and for which service.
const variable = "DAGSTERGEN_SUBPROCESS"

// grace is how long a child that was asked to end may take for it, where nothing else is said; and how long one may take whose parent is gone.
const grace = 2 * time.Second

// A Spec says how a child is started.
type Spec struct {
	Service string   // what the child is asked to be, see [Asked]
	Env     []string // NAME=VALUE, all of it; nil for the environment of this process
	// Processor pins the child to one processor, where the system can: the number counts, modulo what there is. Negative for all of them.
	Processor int
	// Printed is called with what the child prints, by a goroutine for each stream: 1 for stdout, 2 for stderr. What it returns counts as printed for
	// [Process.Ended]. Nil for all of it.
	Printed func(stream int, text []byte) []byte
	Grace   time.Duration // how long a child that is asked to end may take for it; 0 for two seconds
}

// A Process is a running child. Send and Receive may be called from two goroutines, each of them from one at a time.
type Process struct {
	cmd      *exec.Cmd
	requests *os.File // write end
	messages *os.File // read end
	enc      *json.Encoder
	dec      *json.Decoder
	printed  *tail
	grace    time.Duration

	stop  sync.Once
	ended string // how; set by stop
}

// Start starts a child. It has the working folder of this process.
func Start(s Spec) (_ *Process, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of this process: %w", err)
	}
	var open []*os.File
	defer func() {
		if err != nil {
			for _, f := range open {
				_ = f.Close()
			}
		}
	}()
	pipe := func() (r, w *os.File, err error) {
		if r, w, err = os.Pipe(); err == nil {
			open = append(open, r, w)
		}
		return r, w, err
	}
	in, requests, err := pipe()
	if err != nil {
		return nil, err
	}
	messages, out, err := pipe()
	if err != nil {
		return nil, err
	}
	p := &Process{requests: requests, messages: messages, enc: json.NewEncoder(requests), dec: json.NewDecoder(messages), printed: &tail{}, grace: s.Grace}
	if p.grace <= 0 {
		p.grace = grace
	}
	p.cmd = exec.Command(self)
	p.cmd.Args = []string{os.Args[0]} // programs that are several by their name stay the same one
	env := s.Env
	if env == nil {
		env = os.Environ()
	}
	p.cmd.Env = append(env[:len(env):len(env)], variable+"="+s.Service+" "+p.grace.String())
	p.cmd.ExtraFiles = []*os.File{in, out}
	p.cmd.Stdout, p.cmd.Stderr = p.printed, p.printed
	if s.Printed != nil {
		p.cmd.Stdout, p.cmd.Stderr = &filter{1, s.Printed, p.printed}, &filter{2, s.Printed, p.printed}
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second // for what left the group and holds the output open
	if s.Processor >= 0 {
		err = pinned(s.Processor, p.cmd.Start)
	} else {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a second process of %s: %w", self, err)
	}
	return p, errors.Join(in.Close(), out.Close())
}

// Pid is the process id of the child, which is the id of its group too.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Send sends a request; the next one may follow when this one is answered. An error says that the child is gone.
func (p *Process) Send(v any) error { return p.enc.Encode(v) }

// Receive waits for the next message. io.EOF, or another error, says that the child is gone, or talks nonsense: stop it.
func (p *Process) Receive(v any) error { return p.dec.Decode(v) }

// Interrupt makes the child stop what it does and end, as far as it listens; Receive gives what it still says, but not for long. It may be called at any
// time, from any goroutine.
func (p *Process) Interrupt() {
	_ = p.requests.Close()
	_ = p.messages.SetReadDeadline(time.Now().Add(p.grace + grace/4)) // the child's own patience ends before
}

// Cut is Interrupt without patience: Receive gives nothing any more.
func (p *Process) Cut() {
	_ = p.requests.Close()
	_ = p.messages.SetReadDeadline(time.Unix(1, 0))
}

// Stop ends the child: one that listens may tidy up, any other is killed, and with it what it has started. Nothing must be received after or meanwhile.
func (p *Process) Stop() { p.end(p.grace) }

// Kill is Stop without patience.
func (p *Process) Kill() { p.end(0) }

func (p *Process) end(patience time.Duration) {
	p.stop.Do(func() {
		_ = p.requests.Close()
		_ = p.messages.SetReadDeadline(time.Now().Add(patience))
		// The end of its messages is the end of the child. It is not waited for before its group is killed: until then nobody else can
		// have the id of the group.
		_, _ = io.Copy(io.Discard, p.messages)
		_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
		_ = p.messages.Close()
		p.ended = describe(p.cmd.Wait(), p.cmd.ProcessState)
	})
}

// describe says how a process ended.
func describe(err error, s *os.ProcessState) string {
	var exit *exec.ExitError
	switch {
	case s == nil:
		return fmt.Sprint(err)
	case err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay):
		return err.Error()
	}
	return s.String()
}

// Ended stops the child and says how it ended ("exit status 3", "signal: killed"), and what it printed last: the reason of the Go runtime alone where it says
// one (a panic, a fatal error, a fault in C code), without what other goroutines did.
func (p *Process) Ended() (how, printed string) {
	// It is gone or going: what it says of itself arrives before the end of its messages is seen, or shortly after.
	p.end(grace)
	text := p.printed.String()
	if all := reason.FindAllStringIndex(text, -1); all != nil {
		rest := text[all[len(all)-1][0]:]
		if end := strings.Index(rest, "\n\ngoroutine "); end >= 0 {
			rest = rest[:end]
		}
		return p.ended, strings.TrimSpace(rest)
	}
	return p.ended, strings.TrimSpace(text)
}

// reason is how the Go runtime begins to say why it ends a process. A fault in C code is the name of a signal.
var reason = regexp.MustCompile(`(?m)^(panic: |fatal error: |SIG[A-Z]+: )`)

// IsReason reports whether what a process printed last is why the Go runtime ended it.
func IsReason(printed string) bool { return reason.MatchString(firstLine(printed)) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// A filter hands on what is left of what is printed.
type filter struct {
	stream int
	clean  func(stream int, text []byte) []byte
	to     *tail
}

func (f *filter) Write(p []byte) (int, error) {
	_, _ = f.to.Write(f.clean(f.stream, p))
	return len(p), nil
}

// tail keeps the last part of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// kept is how much of it, in bytes: the traces of a panic included.
const kept = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*kept {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-kept:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf[max(0, len(t.buf)-kept):])
}
