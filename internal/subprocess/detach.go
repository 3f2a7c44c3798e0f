//go:build linux || darwin

package subprocess

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Detach starts a child that outlives this process: it has a session of its own, so no signal of a terminal reaches it. It is sent one request, and its one
// answer is returned; an answer that does not come is an error. file is handed to it, see [Conn.File]: a lock on an open file goes with it. What
// it prints goes to output. A child that has answered is on its own.
func Detach(service string, request any, file, output *os.File) (answer json.RawMessage, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of this process: %w", err)
	}
	var open []*os.File
	defer func() {
		for _, f := range open {
			_ = f.Close() // a pipe that was read to its end, or whose other side is gone
		}
	}()
	in, requests, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	open = append(open, requests)
	messages, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	open = append(open, messages)
	cmd := exec.Command(self)
	cmd.Args = []string{os.Args[0]} // programs that are several by their name stay the same one
	cmd.Env = append(os.Environ(), variable+"="+service)
	cmd.ExtraFiles = []*os.File{in, out, file}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	err = errors.Join(err, in.Close(), out.Close())
	if err != nil {
		return nil, fmt.Errorf("start a second process of %s: %w", self, err)
	}
	go func() { _ = cmd.Wait() }() // or it would stay a zombie as long as this process lives
	if err := json.NewEncoder(requests).Encode(request); err != nil {
		return nil, fmt.Errorf("the second process of %s is gone: %w", self, err)
	}
	err = json.NewDecoder(messages).Decode(&answer)
	if errors.Is(err, io.EOF) {
		err = errors.New("it ended without an answer")
	}
	if err != nil {
		return nil, fmt.Errorf("the second process of %s: %w", self, err)
	}
	return answer, nil
}

// Request reads the one request of a child that was started by [Detach].
func (c *Conn) Request(into any) error { return json.NewDecoder(c.requests).Decode(into) }

// File is the file that was handed to a child by [Detach]. It is called once.
func (c *Conn) File() *os.File {
	syscall.CloseOnExec(fileFD)
	return os.NewFile(fileFD, "handed over")
}

// Close ends the talk: the parent has its answer.
func (c *Conn) Close() error { return errors.Join(c.requests.Close(), c.messages.Close()) }
