// Package backfill computes many partitions of assets, or of a job, a run for each or for several, and remembers how far that is: it goes on where it was left, also by a process that was killed.
//
// Stage: above execute, beside nothing; a command line uses it, and so may a program. It imports execute, plan, instance, storage and partition.
//
// Invariants: a backfill is stored before its first run, and its lock is held while somebody works on it, so one without a living process waits for [Resume]. What became of a partition is
// read from the runs that have the backfill's id as their tag, together with what the row holds of earlier ones, in one transaction; nothing else is believed. A partition that
// a run of it has stored is never tried again by it. Sets of partitions are ranges throughout: what a backfill costs in memory does not depend on how many there are.
package backfill
