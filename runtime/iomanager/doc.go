// Package iomanager stores the outputs of steps and loads them as inputs: the built-in manager that an instance offers, and one in
// memory.
//
// Stage: below instance and execute. It imports runtime/dag, storage, the codec and internal packages; it knows nothing of plans and runs.
//
// Invariants: an output is stored under the digest of its uncompressed bytes, and its data version is the digest of its canonical encoding, whatever codec wrote it. A file is durable before anything refers to
// it: written under a temporary name, synced, renamed, its folder synced. Nothing that is read is trusted: bytes that do not
// have their digest, and files that are missing, short or no files, are [ErrDamaged], which a caller treats as "not stored". Paths are
// made of digests and of names that this package escapes, and are opened through os.Root.
package iomanager

import "errors"

// ErrDamaged is wrapped by the errors about an output that is not, or not whole, where it was stored. They name the path. The output
// counts as not stored: its step runs again.
var ErrDamaged = errors.New("stored output is damaged")

// The codecs that [Staged] outputs name.
const (
	CodecCBOR     = "cbor"      // package codec
	CodecCBORZstd = "cbor+zstd" // the same, in a compressed file
	CodecJSON     = "json"      // JSON, for an op with codec=json
	CodecParquet  = "parquet"   // a table for an op with codec=parquet; its dag.TableFormat is in a module of its own
	CodecPNG      = "png"       // an image as a PNG, for an op with codec=png
	CodecProtobuf = "protobuf"  // a protocol buffer in its wire format, for an op with codec=protobuf; its dag.MessageFormat is in a module of its own
	CodecFile     = "file"      // a dag.File: its own bytes; a zero File has no name
)
