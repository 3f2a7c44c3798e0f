package diag

import "slices"

// Nearest returns the candidate that name was most likely meant to be: the one with the fewest edits (insert, delete, replace, swap of
// neighbours), if these are at most a third of its length, rounded up. Of equally near ones the first in alphabetical order is taken.
func Nearest(name string, candidates []string) (string, bool) {
	best, bestCost := "", -1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		limit := (max(len(name), len(c)) + 2) / 3
		if cost := edits([]rune(name), []rune(c)); cost <= limit && cost < len(c) && (bestCost < 0 || cost < bestCost) {
			best, bestCost = c, cost
		}
	}
	return best, bestCost >= 0
}

// edits is the optimal string alignment distance of a and b.
func edits(a, b []rune) int {
	if len(a) > 100 || len(b) > 100 {
		return max(len(a), len(b)) // nobody meant a name of that length by accident, and the table would grow
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
