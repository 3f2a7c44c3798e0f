package cli

import (
	"bufio"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// prints is what user code writes to os.Stdout, os.Stderr and package log while a screen is redrawn: it goes through a pipe, line by line,
// so that it lands above what is redrawn instead of in the middle of it.
type prints struct {
	w    *os.File
	done chan struct{} // closed when the pipe is read to its end

	mu   sync.Mutex
	line func(string) // where a line goes
}

// patience is how long the end of a process waits for what a child of user code still holds open.
const patience = 200 * time.Millisecond

// capturePrints puts a pipe in place of os.Stdout and os.Stderr; lines go to stderr until a screen is attached. It is called once, before
// user code runs, and closed at the end of the process.
func capturePrints(stderr io.Writer) (*prints, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if log.Writer() == os.Stderr {
		log.SetOutput(w)
	}
	os.Stdout, os.Stderr = w, w
	p := &prints{w: w, done: make(chan struct{})}
	p.line = func(s string) { _, _ = io.WriteString(stderr, s+"\n") }
	go p.read(r)
	return p, nil
}

func (p *prints) read(r *os.File) {
	defer close(p.done)
	defer r.Close()
	lines := bufio.NewReaderSize(r, longestMessage)
	for {
		text, err := lines.ReadSlice('\n') // a line that is too long comes in parts
		if len(text) > 0 {
			line := escape(strings.ReplaceAll(strings.TrimRight(mask.Hide(string(text)), "\r\n"), "\t", "    "))
			p.mu.Lock()
			p.line(line)
			p.mu.Unlock()
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

// attach sends lines to s from now on. A nil prints has none.
func (p *prints) attach(s *screen) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = func(line string) { s.note(line) }
}

// close waits for what was printed to arrive.
func (p *prints) close() {
	_ = p.w.Close()
	select {
	case <-p.done:
	case <-time.After(patience):
	}
}
