// Package typedata turns the types of a package into bytes and back: what other packages can see of it, without bodies.
//
// Stage: below internal/load, which keeps the bytes in the cache. It knows no files, no cache and no go command; it imports the standard library alone.
//
// How: the exported declarations of a package, and what can be reached from them, are written one by one; declarations of other packages are written as
// a path and a name. A [Reader] makes them again when they are asked for by name, with all that they reach and nothing else, so that
// a package that uses three names of a large one pays for three. Constants are exact, and positions have lines and columns, which is why this is not the export data of the
// compiler. For every import path there is one *types.Package, which owns the objects; a package that is being checked is handed a [Reader.View] of it.
//
// Invariants: the bytes are a function of the declarations and their positions; the [Data.API] of them is one of the declarations alone, so that an edit of a body or a comment does not move it.
// Any bytes can be read: what is not sound is an error, never a panic. An object that was handed out is complete and is never changed again.
package typedata
