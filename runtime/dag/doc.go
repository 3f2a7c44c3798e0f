// Package dag is what user code and generated code touch: the definitions that dagstergen generates, and the
// helpers that an op, an asset or a resource may call.
//
// Stage: the bottom of the runtime. It imports the standard library, packages of the ground and runtime/partition alone, because every user
// package links it; plan, execute, storage and iomanager know it, and it knows none of them.
//
// Invariants: definitions are written by generated code at package initialisation and never modified after.
// Helpers that take a context work outside a run too, with harmless defaults, so that a unit test can call an op directly.
package dag
