// Package model turns annotated declarations into what they mean: ops, assets, sources, resources, configs and jobs with their types,
// wired to each other and checked.
//
// Stage: after load and annotations, before render. It is made of steps that only add to a [Model] or to its diagnostics: collect (which
// declarations are annotated), configs, resources and ops (signatures), wiring (assets), jobs (bodies to graphs) and definitions (what each
// package offers, complete). It imports annotations, internal/load and internal/diag of ours, reads no disk and writes nothing.
//
// Invariants: every problem of every package is found in one pass, with a position and a fix. A declaration with a problem stays in the
// model marked as broken, so that what refers to it does not get errors of its own. All slices have an order that does not depend on
// maps, on the order of files or on the host.
package model

// CodegenShape counts the shapes of generated code. It is the number in dag.SupportedCodegen, and moves with it.
const CodegenShape = 2
