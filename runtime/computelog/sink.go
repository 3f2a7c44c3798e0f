package computelog

import (
	"bytes"
	"context"
	"io"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// longestLine is how much of a line waits to be whole before it is kept, in bytes. A secret that lies across such a cut is not seen.
const longestLine = 64 << 10

// A Sink is one stream of one log on its way to a manager: secrets are masked, line by line. It opens the log when there is something to keep. It is for one
// goroutine. The first error ends it: Close returns it.
type Sink struct {
	ctx     context.Context
	manager Manager
	key     Key
	stream  Stream

	w    io.WriteCloser
	line []byte // not whole yet
	n    int64
	err  error
}

// NewSink returns the sink of a stream.
func NewSink(ctx context.Context, m Manager, key Key, s Stream) *Sink {
	return &Sink{ctx: context.WithoutCancel(ctx), manager: m, key: key, stream: s}
}

// Write keeps what was printed. It never fails: whoever prints must not suffer from a full disk of logs.
func (s *Sink) Write(p []byte) (int, error) {
	s.line = append(s.line, p...)
	end := bytes.LastIndexByte(s.line, '\n') + 1
	if end == 0 && len(s.line) >= longestLine {
		end = len(s.line)
	}
	if end > 0 {
		s.keep(s.line[:end])
		s.line = append(s.line[:0], s.line[end:]...)
	}
	return len(p), nil
}

func (s *Sink) keep(text []byte) {
	if s.err != nil {
		return
	}
	if s.w == nil {
		if s.w, s.err = s.manager.Append(s.ctx, s.key, s.stream); s.err != nil {
			return
		}
	}
	if mask.Active() {
		text = []byte(mask.Hide(string(text)))
	}
	var n int
	n, s.err = s.w.Write(text)
	s.n += int64(n)
}

// Close keeps the rest, and returns how many bytes were kept.
func (s *Sink) Close() (int64, error) {
	if len(s.line) > 0 {
		s.keep(s.line)
		s.line = nil
	}
	if s.w != nil {
		if err := s.w.Close(); s.err == nil {
			s.err = err
		}
		s.w = nil
	}
	return s.n, s.err
}
