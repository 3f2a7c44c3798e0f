// Package rules says which values a config field allows beyond those of its Go type: the struct tags enum, min, max, len and pattern.
//
// Stage: on the ground, below gen/model, which holds the tags and the defaults of fields against it when code is generated, and
// runtime/runconfig, which holds run config against it. It imports the standard library alone.
//
// Invariants: both sides decide alike, because both decide here; values come as texts that their kind has accepted already, so that no
// text costs more than its length; no message holds a value, which may be a secret.
package rules
