package codec

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// frameSize is how many bytes of elements a frame has at least, but for the last one. It counts in the bytes of a stream, and so in its version.
const frameSize = 64 << 10

// taggedFrame is the start of a frame: tag 24 of CBOR, "encoded CBOR data item". A byte string follows, which holds an array of elements.
var taggedFrame = []byte{0xd8, 0x18}

// A StreamWriter writes values of one type, one after the other, and holds little more than a frame of them. What it writes is a CBOR sequence (RFC 8742) of frames, and the same for the
// same values.
type StreamWriter struct {
	w     io.Writer
	t     *dag.Type
	codec *typeCodec
	e     encoder
	count uint64 // of elements in e.buf
	frame []byte
}

// NewStreamWriter returns a writer of values of t to w. The error says what of t cannot be stored.
func NewStreamWriter(w io.Writer, t *dag.Type) (*StreamWriter, error) {
	tc, err := codecOf(t.Go)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", t.Name, err)
	}
	return &StreamWriter{w: w, t: t, codec: tc}, nil
}

// Write adds the value that p points to.
func (s *StreamWriter) Write(p any) error {
	at := reflect.ValueOf(p)
	if at.Kind() != reflect.Pointer || at.Type().Elem() != s.t.Go {
		return fmt.Errorf("encode what a %T points to as %s", p, s.t.Name)
	}
	rv := at.Elem()
	s.e.depth, s.e.pairs = 0, s.e.pairs[:0]
	if err := s.codec.encode(&s.e, rv); err != nil {
		return fmt.Errorf("encode %s: %w", s.t.Name, err)
	}
	s.count++
	if len(s.e.buf) >= frameSize {
		return s.Flush()
	}
	return nil
}

// Flush writes what was added and is not written yet. It belongs at the end, and nowhere else.
func (s *StreamWriter) Flush() error {
	if s.count == 0 {
		return nil
	}
	head := appendHead(nil, majorArray, s.count)
	s.frame = append(s.frame[:0], taggedFrame...)
	s.frame = appendHead(s.frame, majorBytes, uint64(len(head)+len(s.e.buf)))
	s.frame = append(append(s.frame, head...), s.e.buf...)
	s.e.buf, s.count = s.e.buf[:0], 0
	_, err := s.w.Write(s.frame)
	return err
}

// ReadStream sets what p points to to each of the values of t that a StreamWriter wrote, and calls yield, until it returns false or there are no more. The values share no memory. It holds
// one frame at a time. Errors about the bytes wrap [ErrEncoding]; others are those of r.
func ReadStream(r io.Reader, t *dag.Type, p any, yield func() bool) error {
	v := reflect.ValueOf(p).Elem()
	tc, err := codecOf(t.Go)
	if err != nil {
		return fmt.Errorf("decode %s: %w", t.Name, err)
	}
	wrong := func(err error) error { return fmt.Errorf("decode a stream of %s: %w: %w", t.Name, ErrEncoding, err) }
	in := bufio.NewReaderSize(r, frameSize)
	var frame bytes.Buffer
	for {
		n, err := frameHead(in)
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, errFrame), errors.Is(err, errCanonical):
			return wrong(err)
		case err != nil:
			return err
		}
		frame.Reset()
		if _, err := io.CopyN(&frame, in, int64(n)); err != nil { // it grows with what is there, not with what a damaged head promises
			if err == io.EOF {
				return wrong(errShort)
			}
			return err
		}
		d := decoder{data: frame.Bytes()}
		count, err := d.count(majorArray)
		if err != nil {
			return wrong(err)
		}
		for range count {
			v.SetZero()
			if err := tc.decode(&d, v); err != nil {
				return wrong(err)
			}
			if !yield() {
				return nil
			}
		}
		if d.pos != len(d.data) || count == 0 {
			return wrong(errFrame)
		}
	}
}

var errFrame = errors.New("it is no frame")

// frameHead reads up to the length of a frame. io.EOF alone means that there is none.
func frameHead(in *bufio.Reader) (uint64, error) {
	for i, want := range taggedFrame {
		b, err := in.ReadByte()
		if err == io.EOF && i > 0 {
			return 0, errFrame
		}
		if err != nil {
			return 0, err
		}
		if b != want {
			return 0, errFrame
		}
	}
	head := make([]byte, 0, 9)
	for more := 1; more > 0; more-- {
		b, err := in.ReadByte()
		if err == io.EOF {
			return 0, errFrame
		}
		if err != nil {
			return 0, err
		}
		if head = append(head, b); len(head) == 1 && b&0x1f >= 24 && b&0x1f <= 27 {
			more += 1 << (b&0x1f - 24)
		}
	}
	d := decoder{data: head}
	n, err := d.expect(majorBytes)
	if err != nil || n == 0 || n > 1<<40 {
		return 0, errors.Join(errFrame, err)
	}
	return n, nil
}
