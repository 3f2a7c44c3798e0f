package main

import (
	"crypto/sha256"
	"crypto/sha3"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/dagstergen/dagstergen/bench"
)

// The phases of a work, in this order: each is a process of its own on what the one before it left.
const (
	first  = "first"  // nothing is stored
	again  = "again"  // the same once more
	edited = "edited" // after an edit of one function
)

// work is something to do, with its size.
type work struct {
	key    string
	size   int
	stages int // of files: how many times each part is stored
	mib    int // of files: the size of a part
	keys   int // of partitions: how many each asset has
	phases []phase
}

// phase is one process, and the row that it gives.
type phase struct {
	name string
	row  bench.Row // without a key where the phase only leads to the next one
	turn string    // the row for the whole turn after an edit: what builds the program, and the process
}

// sizes of all works.
type sizes struct{ steps, elements, parts, mib, partitions int }

var full, quick = sizes{steps: 1000, elements: 10_000, parts: 16, mib: 64, partitions: 100}, sizes{steps: 20, elements: 30, parts: 2, mib: 1, partitions: 10}

const stages = 5

// works returns all that is to be done.
func works(s sizes) []work {
	steps, elements, data := count(s.steps), count(s.elements), strconv.Itoa(s.parts*s.mib)+" MiB"
	row := func(key, title string) bench.Row { return bench.Row{Key: key, Title: title} }
	return []work{
		{key: "chain", size: s.steps, phases: []phase{
			{name: first, row: row("a", steps+" trivial steps in a chain")},
			{name: again, row: row("c1", "the chain again, nothing changed")},
		}},
		{key: "wide", size: s.steps, phases: []phase{
			{name: first, row: row("b", steps+" independent steps")},
			{name: again, row: row("c2", "these again, nothing changed")},
			{name: edited, row: row("d", "one of these edited: the run"), turn: "d′"},
		}},
		{key: "mapping", size: s.elements, phases: []phase{
			{name: first, row: row("e", "a mapping of "+elements+" elements")},
			{name: again, row: row("e′", "the mapping again, nothing changed")},
		}},
		{key: "partitions", size: s.steps, keys: s.partitions, phases: []phase{
			{name: first},
			{name: again, row: row("f", steps+" assets with "+count(s.partitions)+" partitions each: what is stored of each")},
			{name: edited, row: row("f′", "one of these edited: what is out of date, and a run would do")},
		}},
		{key: "files", size: s.parts, stages: stages, mib: s.mib, phases: []phase{
			{name: first, row: row("g", data+" through "+strconv.Itoa(stages)+" steps")},
			{name: again, row: row("g′", "the same again, nothing changed")},
		}},
		{key: "start", size: 1, phases: []phase{{name: first, row: row("h", "from the command to the first line of user code")}}},
		{key: "define", size: s.steps, phases: []phase{
			{name: first, row: row("i", steps+" definitions: generate, or import")},
			{name: again, row: row("i′", "the same again, nothing changed")},
		}},
	}
}

// turnRow is the row of the whole turn after an edit.
func turnRow(key string) bench.Row {
	return bench.Row{Key: key, Title: "one edited: from the saved file to the end of the process, building included"}
}

func count(n int) string {
	if n >= 1000 {
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return strconv.Itoa(n)
}

// answer returns what comes out of a work with numbers after the edit with this number, 0 for none.
func (w work) answer(edit int) string {
	switch w.key {
	case "chain":
		return strconv.Itoa(w.size)
	case "wide", "mapping":
		sum := w.size * (w.size + 1) / 2
		if w.key == "wide" {
			sum += edit
		}
		return strconv.Itoa(sum)
	}
	return "" // what start and define give is that they end well
}

// layers is how many assets stand above each other where assets have partitions. Of the last ones some partitions are not stored, and one of the last is edited.
const layers = 10

// isLast reports whether no other asset is made from the asset with this index.
func (w work) isLast(i int) bool { return i%layers == layers-1 || i == w.size-1 }

// unstored is how many of its partitions are not stored of each of the last assets.
func (w work) unstored() int { return w.keys / 10 }

// partitionKey is the key of a partition.
func partitionKey(i int) string { return fmt.Sprintf("p%04d", i) }

// standing returns how many partitions stand how, after a phase.
func (w work) standing(phase string) string {
	all, missing, stale := w.size*w.keys, (w.size+layers-1)/layers*w.unstored(), 0
	switch phase {
	case first:
		return ""
	case edited:
		stale = w.keys - w.unstored()
	}
	return fmt.Sprintf("fresh %d, stale %d, missing %d", all-missing-stale, stale, missing)
}

// editedStep is the index of the step that is edited.
func (w work) editedStep() int {
	i := w.size / 2
	for w.key == "partitions" && !w.isLast(i) {
		i++
	}
	return i
}

// part makes a part as the programs do that are measured: a MiB that has no pattern, again and again with other bits turned.
func (w work) part(i int) []byte {
	tile := sha3.SumSHAKE128([]byte(strconv.Itoa(i)), 1<<20)
	out := make([]byte, 0, w.mib<<20)
	for k := range w.mib {
		out = append(out, flip(tile, byte(k))...)
	}
	return out
}

// stage turns bits of a part: step k of the five, the first of which makes it.
func stage(part []byte, k int) []byte { return flip(part, byte(0x5a+k)) }

func flip(in []byte, bits byte) []byte {
	out := make([]byte, len(in))
	for i, b := range in {
		out[i] = b ^ bits
	}
	return out
}

// digest is the answer of files: the SHA-256 of the SHA-256 of each part.
func (w work) digest() string {
	all := sha256.New()
	for i := range w.size {
		part := w.part(i)
		for k := 1; k < w.stages; k++ {
			part = stage(part, k)
		}
		sum := sha256.Sum256(part)
		all.Write(sum[:])
	}
	return hex.EncodeToString(all.Sum(nil))
}

// shown is the row of a phase, or of the first one after it that has one.
func (w work) shown(from int) bench.Row {
	i := slices.IndexFunc(w.phases[from:], func(p phase) bool { return p.row.Key != "" })
	return w.phases[from+i].row
}

// rows returns the rows of all works, as they stand in the tables.
func rows(all []work) []bench.Row {
	var out []bench.Row
	for _, w := range all {
		for _, p := range w.phases {
			if p.row.Key != "" {
				out = append(out, p.row)
			}
			if p.turn != "" {
				out = append(out, turnRow(p.turn))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b bench.Row) int { return int(a.Key[0]) - int(b.Key[0]) })
	return out
}
