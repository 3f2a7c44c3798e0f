package cli

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// prints is what user code writes to os.Stdout and os.Stderr. It goes through pipes, so that a run can keep it, and so that on a terminal it lands, line by line,
// above what is redrawn instead of in the middle of it.
type prints struct {
	w    [2]*os.File    // of stdout and stderr
	ends sync.WaitGroup // the pipes are read to their ends
	raw  io.Writer      // where it goes as it is; nil where lines go to line

	mu   sync.Mutex
	line func(string)                  // where a line goes
	take func(stream int, text []byte) // who keeps it; nil for nobody

	mark   []byte        // what settle waits for
	marked chan struct{} // told each time it arrives
}

// patience is how long the end of a process waits for what a child of user code still holds open.
const patience = 200 * time.Millisecond

// capturePrints puts pipes in place of os.Stdout and os.Stderr. What comes goes to stderr: as it is if raw, else as lines until a screen is attached. It is called once, before
// user code runs, and closed at the end of the process.
func capturePrints(stderr io.Writer, raw bool) (*prints, error) {
	p := &prints{}
	if raw {
		p.raw = stderr
	}
	p.line = func(s string) { _, _ = io.WriteString(stderr, s+"\n") }
	var r [2]*os.File
	for i := range r {
		var err error
		if r[i], p.w[i], err = os.Pipe(); err != nil {
			return nil, err
		}
	}
	// Package log writes past the pipe where that is possible: what it says last, before it ends the process, would not get through.
	if log.Writer() == os.Stderr && !raw {
		log.SetOutput(p.w[1])
	}
	os.Stdout, os.Stderr = p.w[0], p.w[1]
	for i := range r {
		p.ends.Go(func() { p.read(i+1, r[i]) })
	}
	return p, nil
}

func (p *prints) read(stream int, r *os.File) {
	defer r.Close()
	lines := bufio.NewReaderSize(r, longestMessage)
	for {
		text, err := lines.ReadSlice('\n') // a line that is too long comes in parts
		if len(text) > 0 {
			p.mu.Lock()
			if rest, ok := bytes.CutSuffix(text, p.mark); ok && p.mark != nil {
				text = rest
				p.marked <- struct{}{}
			}
			if len(text) == 0 {
				p.mu.Unlock()
				continue
			}
			if p.take != nil {
				p.take(stream, text)
			}
			if p.raw != nil {
				_, _ = p.raw.Write([]byte(mask.Hide(string(text))))
			} else {
				p.line(escape(strings.ReplaceAll(strings.TrimRight(mask.Hide(string(text)), "\r\n"), "\t", "    ")))
			}
			p.mu.Unlock()
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

// keep gives what is printed to take, until stop is called: that waits for what is on its way.
func (p *prints) keep(take func(stream int, text []byte)) (stop func()) {
	p.mu.Lock()
	p.take = take
	p.mu.Unlock()
	return func() {
		p.settle()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.take = nil
	}
}

// settle waits until what was printed has been read: a mark goes through the pipes after it.
func (p *prints) settle() {
	var id [16]byte
	_, _ = rand.Read(id[:])
	mark := []byte("\x1e" + hex.EncodeToString(id[:]) + "\n")
	p.mu.Lock()
	p.mark, p.marked = mark, make(chan struct{}, len(p.w))
	p.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	for _, w := range p.w {
		go func() { _, _ = w.Write(mark) }() // it blocks where nobody reads
	}
	for range p.w {
		select {
		case <-p.marked:
		case <-late.C:
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
	for _, w := range p.w {
		_ = w.Close()
	}
	done := make(chan struct{})
	go func() { p.ends.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
