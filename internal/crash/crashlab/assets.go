package main

import (
	"context"
	"io"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Epoch makes every version of a campaign's epoch its own.
//
//dag:config
type Epoch struct {
	Salt string `json:"salt" default:"0"`
}

// Salt is what all outputs are made from.
//
//dag:source
func Salt(epoch Epoch) (string, dag.DataVersion, error) {
	return epoch.Salt, dag.DataVersion(epoch.Salt), nil
}

// The sources of bytes, one for each way an output is stored: nothing, inline, the largest inline one's neighbourhood, a file.

//dag:asset
func Empty(salt string) []byte { return work("empty", 0, salt) }

//dag:asset
func Small(salt string) []byte { return work("small", 100, salt) }

//dag:asset
func Inline(salt string) []byte { return work("inline", 20<<10, salt) }

//dag:asset
func Above(salt string) []byte { return work("above", 64<<10+1, salt) }

//dag:asset
func Large(salt string) []byte { return work("large", 2<<20, salt) }

//dag:asset
func MidA(empty, small []byte) []byte { return work("mid_a", 300_000, string(empty), string(small)) }

//dag:asset
func MidB(small, inline []byte) []byte { return work("mid_b", 300_000, string(small), string(inline)) }

//dag:asset
func MidC(inline, above []byte) []byte { return work("mid_c", 300_000, string(inline), string(above)) }

//dag:asset
func MidD(above, large []byte) []byte { return work("mid_d", 300_000, string(above), string(large)) }

// Halves has two outputs, which are stored together or not at all.
//
//dag:asset
func Halves(midA, midB []byte) (left, right []byte) {
	both := work("halves", 100_000, string(midA), string(midB))
	return both[:10_000], both[10_000:]
}

//dag:asset
func Join(left, right, midC, midD []byte) []byte {
	return work("join", 1_000_000, string(left), string(right), string(midC), string(midD))
}

// Page is a file.
//
//dag:asset
func Page(ctx context.Context, join []byte) (dag.File, error) {
	data := work("page", 200_000, string(join))
	return dag.WriteFile(ctx, "page.bin", func(w io.Writer) error {
		// In pieces, so that a kill can fall between them.
		for len(data) > 0 {
			n := min(len(data), 16<<10)
			if _, err := w.Write(data[:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		return nil
	})
}

//dag:asset
func Report(page dag.File, left []byte) ([]byte, error) {
	r, err := page.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return work("report", 64, string(text), string(left)), nil
}
