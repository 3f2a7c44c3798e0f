// Package crash holds the campaigns that prove what the README promises about kills, damage and concurrency, against a real
// pipeline binary (crashlab) and nothing else than its command line:
//
//   - random kills: SIGKILL at random moments of hundreds of runs, recovery included, over all executors;
//   - system calls: a kill at each, and each failing in several ways (strace);
//   - power cuts: the disk is taken away from running processes (ext4 in a file; root);
//   - byte faults: every stored file flipped, truncated, deleted, swapped, replaced;
//   - crowds: several processes on one store, some of them killed;
//   - gc beside runs, both killed at random;
//   - failpoints: a kill, an error, a panic, a signal before and after each step that makes something durable.
//
// After each blow the same invariants are checked, I1 to I16 (invariants_test.go).
//
// A campaign that has never failed proves nothing, so the same campaigns run against binaries with a seeded bug (build tag
// crashmutant) and must catch each.
//
// Stage: above everything, beside e2e. Random choices come from one seed, which every failure names.
package crash
