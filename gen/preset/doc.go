// Package preset holds the run configs that //dag:preset names against what their jobs take.
//
// Stage: after model, before anything is written. It is given the bytes of a file and returns diagnostics with places in it; it touches no disk. It
// imports gen/model and internal/diag of ours. A pipeline binary checks a preset again, with all else that is said of a run, when it is used: what is
// found here is found earlier, never instead.
//
// Invariants: whatever is reported here is refused by the run as well, but for secrets that stand in a file, which a binary must not carry. What a preset leaves out is no error, because a run may say it; values of
// the environment are not looked up; settings of executors and loggers, and texts that user code reads, are left to the run.
package preset
