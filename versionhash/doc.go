// Package versionhash computes code versions: digests of everything that can change what a function computes, and nothing else.
//
// Stage: between load and gen. It turns the packages of a [load.Program] into a graph of package-level declarations, each with a digest
// of its own and an ordered list of what it refers to, and gives symbols a version that covers all they reach. It knows no
// directives; it imports internal/load, internal/canon, internal/manifest and internal/diag.
//
// How: a declaration is encoded from its syntax tree and its types. Locals are numbered, constants folded, types written by
// identity, other declarations written as numbers in the list of references, so that comments, layout, names of locals,
// the order of declarations and the files they stand in do not show. What a value of an interface may call is settled where a
// concrete value is converted to one: the converting declaration depends on the methods of its type. Strongly connected
// declarations are hashed together by colour refinement. Package variables are handled per entry: what sets a variable when the
// program starts, in a package that the entry's package imports, is part of the version.
//
// Invariants: a version depends on no host, folder, clock or toolchain release and on no set of packages that happen to be
// loaded beside those that are reached. Encodings are injective. Tags of the encoding are never renumbered: they are
// in every version ever stored. docs/versions.md has the table of what counts; it is written from this package's tests.
package versionhash
