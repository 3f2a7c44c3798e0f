//go:build linux || darwin

// Package subprocess runs a part of a program in a child process of the same binary, and talks to it: requests go in, messages come out.
//
// Stage: the ground; it imports the standard library and golang.org/x/sys alone. Who uses it decides what requests and messages say.
//
// The parent calls [Start], [Process.Send] and [Process.Receive]; the child calls [Asked] early in main and [Conn.Serve]. Requests and messages are
// JSON values, one after the other, on two pipes of their own (descriptors 3 and 4 of the child), so what the child prints is not
// mixed with them: it is kept, the last part of it, for [Process.Ended].
//
// [Detach] is for a child that goes on alone: one request, one answer, a file, and nothing more in common.
//
// Invariants: a child of Start has a process group of its own and never outlives its parent, however that ends: it reads end of file then, stops
// what it does, and kills its group. What it has started itself is killed with it. Its descriptors and its variable are not handed on to what it starts. A
// stopped Process leaves no goroutine and no zombie.
package subprocess
