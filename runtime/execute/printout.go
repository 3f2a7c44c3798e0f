package execute

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A child that stays for many steps prints all of it to one stdout and one stderr. It prints a mark before and after each step, so that what lies between is
// known to be that step's, however much of it is still on its way when the child says that the step has ended.

// markLead begins a mark: a control character that nobody prints, before the text that only this child knows.
const markLead = '\x1e'

// printMark prints a mark to both streams, past whatever os.Stdout and os.Stderr are now.
func printMark(mark string, number int) {
	printRaw(string(markLead) + mark + strconv.Itoa(number) + "\n")
}

func printRaw(text string) {
	for _, f := range []*os.File{realStdout, realStderr} {
		_, _ = f.WriteString(text) // who closed it prints nothing more
	}
}

// What the streams are before user code runs.
var realStdout, realStderr = os.Stdout, os.Stderr

// lateMark is how long a mark is waited for: the child has printed it before it said that the step has ended.
const lateMark = time.Second

// A printout tells apart what the steps of a child print, and learns of the secrets that it makes.
type printout struct {
	mark string
	key  []byte // see announceSecrets
	aead cipher.AEAD

	mu      sync.Mutex
	number  int // of the mark before the step at hand
	streams [2]printed
	wake    chan struct{}
}

// printed is one stream of a printout.
type printed struct {
	held   []byte // the beginning of what may be a mark
	sink   *computelog.Sink
	within bool
	seen   int    // the last mark
	secret []byte // the pieces of one that have come
}

func newPrintout() *printout {
	var id [16]byte
	_, _ = rand.Read(id[:])
	p := &printout{mark: hex.EncodeToString(id[:]) + " ", number: -1, wake: make(chan struct{}, 1)}
	p.key = newKey()
	p.aead, _ = sealOf(p.key) // of the right length: no error
	return p
}

// begin says which step is next, and returns the number of the mark before it.
func (p *printout) begin(ctx context.Context, m computelog.Manager, runID, step string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number += 2
	for i, s := range []computelog.Stream{computelog.Stdout, computelog.Stderr} {
		p.streams[i].sink = computelog.NewSink(ctx, m, computelog.Key{RunID: runID, Step: step}, s)
	}
	return p.number
}

// take takes in what is printed, and returns it without marks.
func (p *printout) take(stream int, text []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.streams[stream-1]
	text = append(s.held, text...)
	s.held = nil
	var clean []byte
	emit := func(part []byte) {
		clean = append(clean, part...)
		if s.within && s.sink != nil {
			_, _ = s.sink.Write(part)
		}
	}
	for len(text) > 0 {
		i := bytes.IndexByte(text, markLead)
		if i < 0 {
			emit(text)
			break
		}
		emit(text[:i])
		text = text[i:]
		number, size, whole := p.readMark(s, text)
		switch {
		case size == 0: // it is none
			emit(text[:1])
			text = text[1:]
		case !whole:
			s.held = bytes.Clone(text)
			return clean
		case number == markOfSecret:
			text = text[size:]
		default:
			text = text[size:]
			s.seen, s.within = number, number == p.number
			select {
			case p.wake <- struct{}{}:
			default:
			}
		}
	}
	return clean
}

// markOfSecret stands for the number of a mark that has a secret in it.
const markOfSecret = -1

// readMark reads the mark that a text begins with; size is 0 where it begins with none.
func (p *printout) readMark(s *printed, text []byte) (number, size int, whole bool) {
	mark := string(markLead) + p.mark
	if n := min(len(text), len(mark)); string(text[:n]) != mark[:n] {
		return 0, 0, false
	}
	rest := text[min(len(text), len(mark)):]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		if len(rest) > longestSealed {
			return 0, 0, false
		}
		return 0, len(text), false
	}
	size = len(mark) + end + 1
	if number, err := strconv.Atoi(string(rest[:end])); err == nil && number >= 0 {
		return number, size, true
	}
	if s.heardOf(p.aead, rest[:end]) {
		return markOfSecret, size, true
	}
	return 0, 0, false
}

// end waits for what the step at hand has printed, and closes its logs. alive is whether the child can still print; else all has been taken.
func (p *printout) end(alive bool) (storage.LogsCapturedData, error) {
	patience := time.NewTimer(lateMark)
	defer patience.Stop()
	for waiting := alive; waiting; {
		p.mu.Lock()
		waiting = p.streams[0].seen <= p.number || p.streams[1].seen <= p.number
		p.mu.Unlock()
		if waiting {
			select {
			case <-p.wake:
			case <-patience.C:
				waiting = false
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var sizes [2]int64
	var errs [2]error
	for i := range p.streams {
		s := &p.streams[i]
		if s.within && len(s.held) > 0 {
			_, _ = s.sink.Write(s.held)
		}
		s.held = nil
		sizes[i], errs[i] = s.sink.Close()
		s.sink, s.within = nil, false
	}
	return storage.LogsCapturedData{Stdout: sizes[0], Stderr: sizes[1]}, errors.Join(errs[:]...)
}

// keepPrints keeps what this process prints with the run, until it is called.
func (r *run) keepPrints() (end func()) {
	if r.private || r.opts.Prints == nil || computelog.IsNoop(r.inst.ComputeLogs()) {
		return func() {}
	}
	var sinks [2]*computelog.Sink
	for i, s := range []computelog.Stream{computelog.Stdout, computelog.Stderr} {
		sinks[i] = computelog.NewSink(r.ctx, r.inst.ComputeLogs(), computelog.Key{RunID: r.id}, s)
	}
	stop := r.opts.Prints(func(stream int, text []byte) { _, _ = sinks[stream-1].Write(text) })
	return func() {
		stop()
		out, err := sinks[0].Close()
		stderr, other := sinks[1].Close()
		r.logsCaptured("", storage.LogsCapturedData{Stdout: out, Stderr: stderr}, errors.Join(err, other))
	}
}

// logsCaptured says that there are logs of a step, or of the process; err is why there are no more of them.
func (r *run) logsCaptured(step string, d storage.LogsCapturedData, err error) {
	if err != nil {
		r.warn(step, fmt.Sprintf("what it printed is not kept: %v", err))
	}
	if d.Stdout == 0 && d.Stderr == 0 {
		return
	}
	if step != "" {
		d.Steps = []string{step}
	}
	data, _ := json.Marshal(d) // of texts and numbers: no error
	r.log.add(r.log.event(storage.EventLogsCaptured, step, "", data))
}
