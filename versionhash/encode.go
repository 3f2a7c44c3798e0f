package versionhash

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// summaryVersion is the first byte of an encoded summary. It moves with every change of what is written, or of what it means.
const summaryVersion = 1

// encode writes a summary; ok is false for one that says more than the package's own files and imports do: with problems, or with decisions from
// the options.
func (p *packageSummary) encode() (data []byte, ok bool) {
	e := &summaryEncoder{strings: map[string]uint64{}, keys: map[key]uint64{}}
	e.num(uint64(len(p.out)))
	for _, s := range p.out {
		if !e.summary(s) {
			return nil, false
		}
	}
	consts := slices.SortedFunc(keysOf(p.consts), compareKeys)
	e.num(uint64(len(consts)))
	for _, k := range consts {
		if !e.summary(p.consts[k]) {
			return nil, false
		}
	}
	e.num(uint64(len(p.pushes)))
	for _, push := range p.pushes {
		e.key(push.from)
		e.str(push.target)
	}
	for _, list := range [][]string{p.blanks, p.embeds, p.declared, p.debug, p.preambles, p.skipped} {
		e.strs(list)
	}
	e.num(uint64(len(p.files)))
	for _, f := range p.files {
		e.str(f.Name)
		e.digest(f.Raw)
		e.digest(f.Tokens)
		e.bool(f.Ignored)
		e.bool(f.Declared)
	}
	return e.assemble(), true
}

func keysOf[V any](m map[key]V) func(func(key) bool) {
	return func(yield func(key) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.sort, b.sort), cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name))
}

// A summaryEncoder writes strings and keys as numbers in tables.
type summaryEncoder struct {
	b       []byte
	strings map[string]uint64
	list    []string
	keys    map[key]uint64
	keyList []key
}

func (e *summaryEncoder) num(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *summaryEncoder) bool(b bool) { e.b = append(e.b, byte(boolInt(b))) }

func (e *summaryEncoder) digest(d canon.Digest) { e.b = append(e.b, d[:]...) }

func (e *summaryEncoder) intern(s string) uint64 {
	n, ok := e.strings[s]
	if !ok {
		n = uint64(len(e.list))
		e.strings[s], e.list = n, append(e.list, s)
	}
	return n
}

func (e *summaryEncoder) str(s string) { e.num(e.intern(s)) }

func (e *summaryEncoder) strs(l []string) {
	e.num(uint64(len(l)))
	for _, s := range l {
		e.str(s)
	}
}

func (e *summaryEncoder) key(k key) {
	n, ok := e.keys[k]
	if !ok {
		n = uint64(len(e.keyList))
		e.keys[k], e.keyList = n, append(e.keyList, k)
	}
	e.num(n)
}

func (e *summaryEncoder) keyed(l []key) {
	e.num(uint64(len(l)))
	for _, k := range l {
		e.key(k)
	}
}

func (e *summaryEncoder) summary(s *summary) bool {
	if len(s.problems) > 0 || s.ignored != "" || len(s.without) > 0 || len(s.needs) > 0 || len(s.with) > 0 || s.value != "" || s.lazy != nil {
		return false
	}
	e.key(s.key)
	e.str(s.name)
	e.str(s.kind)
	e.str(s.file)
	e.str(s.pos.file)
	e.num(uint64(s.pos.line))
	e.num(uint64(s.pos.column))
	e.bool(s.acts)
	e.num(uint64(s.turn))
	e.digest(s.core)
	e.digest(s.local)
	e.keyed(s.refs)
	e.keyed(s.text)
	e.keyed(s.states)
	e.strs(s.uses)
	e.str(s.typ)
	e.keyed(s.entry)
	return true
}

// assemble puts the tables before what was written with them.
func (e *summaryEncoder) assemble() []byte {
	body := e.b
	e.b = nil
	e.num(uint64(len(e.keyList)))
	for _, k := range e.keyList {
		e.b = append(e.b, byte(k.kind), byte(k.sort))
		e.str(k.pkg)
		e.str(k.name)
	}
	keys := e.b
	e.b = []byte{summaryVersion}
	e.num(uint64(len(e.list)))
	for _, s := range e.list {
		e.b = appendString(e.b, s)
	}
	e.b = append(e.b, keys...)
	return append(e.b, body...)
}

// sourceFiles are the digests of the Go files that count.
func sourceFiles(files map[string][]byte, names, skipped []string) []manifest.SourceFile {
	var out []manifest.SourceFile
	for _, name := range names {
		out = append(out, manifest.Source(name, files[name], false))
	}
	for _, name := range skipped {
		out = append(out, manifest.Source(name, files[name], true))
	}
	return out
}
