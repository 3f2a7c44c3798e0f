// Package partition says what the partitions of an asset or op are: definitions, sets of partitions, which partitions of one
// definition another's are made from, and the text that selects some of them.
//
// Stage: the ground, below runtime/dag; values to values. Of ours it imports internal/nearest alone, because every user's package links it, and it reads
// no clock: what time it is and which dynamic keys there are comes in with [At].
//
// Invariants: a definition never lists its time windows. Keys, indexes and windows are found from each other by arithmetic over the periods in which
// a zone's offset from UTC stays the same, so hourly partitions of a century cost as much as those of a day. Keys of a definition are unique, on days
// when the clock is set back too. A [Set] is immutable and has one form for one content, so that equal sets are encoded equally.
package partition
