package versionhash

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// errSummary is all that can be said of bytes that are no summary.
var errSummary = errors.New("versionhash: not an encoded summary")

// decodeSummary reads what [packageSummary.encode] wrote. Any other bytes are an error, or some summary.
func decodeSummary(data []byte) (*packageSummary, error) {
	d := &summaryDecoder{b: data}
	if len(data) == 0 || data[0] != summaryVersion {
		return nil, errSummary
	}
	d.b = data[1:]
	for range d.count(1) {
		d.strings = append(d.strings, string(d.take(d.small(len(d.b)))))
	}
	for range d.count(4) {
		head := d.take(2)
		if d.bad {
			break
		}
		k := key{kind: keyKind(head[0]), sort: objectSort(head[1]), pkg: d.str(), name: d.str()}
		if k.kind < keyObject || k.kind > keyLink || (k.kind == keyObject) != (k.sort != 0) {
			d.bad = true
		}
		d.keys = append(d.keys, k)
	}
	p := &packageSummary{consts: map[key]*summary{}}
	for range d.count(minSummary) {
		p.out = append(p.out, d.summary())
	}
	for range d.count(minSummary) {
		s := d.summary()
		p.consts[s.key] = s
	}
	for range d.count(2) {
		p.pushes = append(p.pushes, push{from: d.key(), target: d.str()})
	}
	for _, list := range []*[]string{&p.blanks, &p.embeds, &p.declared, &p.debug, &p.preambles, &p.skipped} {
		*list = d.strs()
	}
	for range d.count(2 * len(canon.Digest{})) {
		p.files = append(p.files, manifest.SourceFile{Name: d.str(), Raw: d.digest(), Tokens: d.digest(), Ignored: d.bool(), Declared: d.bool()})
	}
	if d.bad || len(d.b) > 0 {
		return nil, errSummary
	}
	return p, nil
}

// minSummary is the least number of bytes that a summary of a declaration takes.
const minSummary = 2 * len(canon.Digest{})

// A summaryDecoder takes bytes apart. After the first mistake all that it reads is zero.
type summaryDecoder struct {
	b       []byte
	bad     bool
	strings []string
	keys    []key
}

func (d *summaryDecoder) num() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.b = d.b[size:]
	return n
}

// small is a number up to a limit.
func (d *summaryDecoder) small(limit int) int {
	n := d.num()
	if n > uint64(limit) {
		d.bad = true
		return 0
	}
	return int(n)
}

// count is how many things of at least size bytes follow.
func (d *summaryDecoder) count(size int) int { return d.small(len(d.b) / size) }

func (d *summaryDecoder) take(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *summaryDecoder) bool() bool {
	b := d.take(1)
	if d.bad || b[0] > 1 {
		d.bad = true
		return false
	}
	return b[0] == 1
}

func (d *summaryDecoder) digest() (out canon.Digest) {
	copy(out[:], d.take(len(out)))
	return out
}

func (d *summaryDecoder) str() string {
	n := d.num()
	if n >= uint64(len(d.strings)) {
		d.bad = true
		return ""
	}
	return d.strings[n]
}

func (d *summaryDecoder) strs() []string {
	var out []string
	for range d.count(1) {
		out = append(out, d.str())
	}
	return out
}

func (d *summaryDecoder) key() key {
	n := d.num()
	if n >= uint64(len(d.keys)) {
		d.bad = true
		return key{}
	}
	return d.keys[n]
}

func (d *summaryDecoder) keyed() []key {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	out := make([]key, n)
	for i := range out {
		out[i] = d.key()
	}
	return out
}

func (d *summaryDecoder) summary() *summary {
	return &summary{
		key: d.key(), name: d.str(), kind: d.str(), file: d.str(),
		pos:  place{file: d.str(), line: d.small(math.MaxInt32), column: d.small(math.MaxInt32)},
		acts: d.bool(), turn: d.small(math.MaxInt32), pkg: -1, core: d.digest(), local: d.digest(),
		refs: d.keyed(), text: d.keyed(), states: d.keyed(), uses: d.strs(), typ: d.str(), entry: d.keyed(),
	}
}
