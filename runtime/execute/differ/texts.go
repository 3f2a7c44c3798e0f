package differ

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// texts says where two texts differ; they do. A short one is shown whole.
func texts(a, b string, r *Redactor) Difference {
	x, y := r.Hide(a), r.Hide(b)
	if x == y { // in a secret
		return Difference{Stored: hidden, Now: "another " + hidden}
	}
	if len(x) <= shownLength && len(y) <= shownLength && !strings.Contains(x+y, "\n") {
		return Difference{Stored: strconv.Quote(x), Now: strconv.Quote(y)}
	}
	at := 0
	for at < len(x) && at < len(y) && x[at] == y[at] {
		at++
	}
	for at > 0 && at < len(x) && !utf8.RuneStart(x[at]) {
		at--
	}
	line := 1 + strings.Count(x[:at], "\n")
	start := 1 + strings.LastIndexByte(x[:at], '\n')
	d := Difference{
		Path:   fmt.Sprintf("line %d, column %d", line, 1+utf8.RuneCountInString(x[start:at])),
		Stored: excerpt(x, start, at), Now: excerpt(y, start, at),
	}
	if line == 1 && !strings.Contains(x+y, "\n") {
		d.Path = fmt.Sprintf("character %d", 1+utf8.RuneCountInString(x[:at]))
	}
	return d
}

// excerpt quotes the line of s that begins at start, around the place that differs.
func excerpt(s string, start, at int) string {
	if start >= len(s) {
		return "the end"
	}
	end, from := len(s), at
	if at < len(s) && s[at] == '\n' { // the break itself is what differs: it is shown with what follows
		from++
	}
	if i := strings.IndexByte(s[from:], '\n'); i >= 0 {
		end = from + i
	}
	const before = 16 // bytes that stand in front of it, so that it can be found
	head := ""
	if at-start > before && end-start > shownLength-4 {
		start, head = at-before, "…"
		for start < at && !utf8.RuneStart(s[start]) {
			start++
		}
	}
	return strconv.Quote(clip(head+s[start:end], shownLength))
}

// Files says where the bytes of two files differ; nil if they are equal. The error is that of a reader.
func Files(stored, now io.Reader, r *Redactor) (*Difference, error) {
	a, b := bufio.NewReaderSize(stored, 64<<10), bufio.NewReaderSize(now, 64<<10)
	var w window
	for {
		x, errA := a.ReadByte()
		y, errB := b.ReadByte()
		switch {
		case errA == io.EOF && errB == io.EOF:
			return nil, nil
		case errA != nil && errA != io.EOF, errB != nil && errB != io.EOF:
			return nil, errors.Join(notEOF(errA), notEOF(errB))
		case errA == nil && errB == nil && x == y:
			w.add(x)
			continue
		}
		restA, err := rest(a, x, errA == nil, r)
		if err != nil {
			return nil, err
		}
		restB, err := rest(b, y, errB == nil, r)
		if err != nil {
			return nil, err
		}
		return w.difference(restA, restB, r), nil
	}
}

func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// A following is what stands in a file from the place that differs on, as far as it may be shown.
type following struct {
	data []byte
	cut  bool // there is more
}

func rest(f *bufio.Reader, first byte, ok bool, r *Redactor) (following, error) {
	if !ok {
		return following{}, nil
	}
	more := make([]byte, shownLength*utf8.UTFMax+2*r.margin())
	n, err := io.ReadFull(f, more)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return following{}, err
	}
	return following{append([]byte{first}, more[:n]...), err == nil}, nil
}

// A window is what was read of a file, as far as it is remembered.
type window struct {
	offset int64 // bytes
	lines  int   // line breaks among them
	tail   []byte
}

// remembered is how many bytes of the past are kept at least, besides secrets.
const remembered = 1024

func (w *window) add(c byte) {
	w.offset++
	if c == '\n' {
		w.lines++
	}
	if len(w.tail) == 64*remembered {
		w.tail = append(w.tail[:0], w.tail[len(w.tail)-32*remembered:]...)
	}
	w.tail = append(w.tail, c)
}

func (w *window) difference(a, b following, r *Redactor) *Difference {
	d := &Difference{Path: fmt.Sprintf("byte %d", w.offset), Stored: octet(a.data), Now: octet(b.data)}
	line := w.tail[1+bytes.LastIndexByte(w.tail, '\n'):]
	if len(line) == len(w.tail) && int64(len(line)) < w.offset {
		return d // the line begins before what is remembered
	}
	side := func(f following) (string, bool) {
		text := untorn(append(bytes.Clone(w.tail), f.data...))
		return r.hideCut(string(text), f.cut), printable(text[len(w.tail)-len(line):])
	}
	x, ok := side(a)
	y, too := side(b)
	if !ok || !too {
		return d
	}
	d.Path = fmt.Sprintf("line %d, column %d (byte %d)", w.lines+1, 1+utf8.RuneCount(untorn(line)), w.offset)
	if x == y {
		d.Stored, d.Now = hidden, "another "+hidden
		return d
	}
	shown := texts(x, y, nil)
	if len(a.data) > 0 {
		d.Stored = shown.Stored
	}
	if len(b.data) > 0 {
		d.Now = shown.Now
	}
	return d
}

// untorn leaves out half a character at the end.
func untorn(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

func octet(b []byte) string {
	if len(b) == 0 {
		return "the end"
	}
	return fmt.Sprintf("0x%02x", b[0])
}
