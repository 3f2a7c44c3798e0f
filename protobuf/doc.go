// Package protobuf stores protocol buffers: messages that ops and assets return, take, and have in other values. Import it for that alone:
//
//	import _ "github.com/dagstergen/dagstergen/protobuf"
//
//	//dag:asset codec=protobuf
//	func Report(ctx context.Context) (*pb.Report, error) { ... }
//
// Stage: a module of its own, so that only who has messages has their library. It imports runtime/dag and google.golang.org/protobuf.
//
// Invariants: a message is stored in its wire format, by the library's deterministic option: equal messages give equal bytes in one program. (The library does not promise it from one release
// to the next.) What a reader gives is equal to what was stored, by proto.Equal, with fields that the program does not know; a message that lacks a required field, or has text that is not UTF-8 where
// it must be, is an error when it is stored.
package protobuf
