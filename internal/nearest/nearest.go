// Package nearest finds the name that somebody meant who wrote another one.
//
// Stage: ground. It imports the standard library alone, and every user's package links it.
//
// Invariants: there is one rule for all messages, of the tool and of a pipeline; the answer does not depend on the order of the names; what it
// costs is bounded for each name, however long what was written is.
package nearest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// longest is how many letters a name may have that is looked at: nobody meant a longer one by accident.
const longest = 100

// Of returns the name that was most likely meant: the one with the fewest edits (insert, delete, replace, swap of neighbours), if these are at most a third
// of its length, rounded up. Upper and lower case are the same, unless nothing else tells two names apart; of equally near ones the first in
// alphabetical order is taken.
func Of(wrote string, names []string) (string, bool) {
	best, found := "", false
	var fewest, exact int
	a := []rune(strings.ToLower(wrote))
	var m measure
	for _, n := range names {
		b := []rune(strings.ToLower(n))
		limit := min((max(len(a), len(b))+2)/3, len(b)-1)
		if d := len(a) - len(b); max(d, -d) > limit || max(len(a), len(b)) > longest {
			continue
		}
		d := m.edits(a, b)
		if d > limit || found && d > fewest {
			continue
		}
		cased := m.edits([]rune(wrote), []rune(n))
		if !found || cmp.Or(cmp.Compare(d, fewest), cmp.Compare(cased, exact), cmp.Compare(n, best)) < 0 {
			best, fewest, exact, found = n, d, cased, true
		}
	}
	return best, found
}

// Hint is the end of a message about a name that is not there: `; did you mean "x"?`, or "" where no name is near.
func Hint(wrote string, names []string) string {
	if n, ok := Of(wrote, names); ok {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return ""
}

// A measure holds the last rows of the table of edits.
type measure struct{ before, last, row []int }

// edits is the optimal string alignment distance of a and b.
func (m *measure) edits(a, b []rune) int {
	for _, r := range []*[]int{&m.before, &m.last, &m.row} {
		*r = slices.Grow((*r)[:0], len(b)+1)[:len(b)+1]
	}
	for j := range m.row {
		m.row[j] = j
	}
	for i := range a {
		m.before, m.last, m.row = m.last, m.row, m.before
		m.row[0] = i + 1
		for j := range b {
			d := m.last[j]
			if a[i] != b[j] {
				d++
			}
			d = min(d, m.last[j+1]+1, m.row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, m.before[j-1]+1)
			}
			m.row[j+1] = d
		}
	}
	return m.row[len(b)]
}
