// Package execute turns plans into runs: it observes sources, plans, computes the steps that must run, stores and records what they give, and
// says what happened.
//
// Stage: above plan and instance, below the command line. It is the only package that calls user functions of a run.
//
// Invariants: a run takes its lock before its row is inserted, and every event, record and blob goes through one ordered
// queue of batches. A step may hand its outputs on before its batch is durable; nothing is reported done before it is. A version lock is held from before the look
// at the store until the batch is durable, one at a time by each worker, so any number of processes compute a step once. What a
// consumer receives is the same whether its producer ran or was reused. A damaged stored output is a miss: its step runs again.
// Resources are cleaned up in reverse order whatever happened. No goroutine outlives the run.
package execute
