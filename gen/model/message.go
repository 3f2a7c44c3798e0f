package model

import (
	"fmt"
	"go/types"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/load"
)

// codecProtobuf is the codec of protocol buffers.
const codecProtobuf = "protobuf"

// codecModules are the packages, each in a module of its own, that a program imports to have a codec.
var codecModules = map[string]string{codecParquet: load.ParquetPath, codecProtobuf: load.ProtobufPath}

// codecImport reports codec= in a package that has no import of the one that knows it: the program would not have it.
func (b *builder) codecImport(op *Op, arg annotations.Arg) {
	if path := codecModules[op.Codec]; path != "" && !reaches(op.Pkg.Package, path) {
		b.argError(&op.Func, CodeCodecImport, arg, importFix(path), "%s: codec=%s is in a module of its own, which this package does not import", op.GoName, op.Codec)
	}
}

func importFix(path string) string {
	return fmt.Sprintf("run `go get %s`, and write: import _ %q", path, path)
}

// reaches reports whether a package imports another one, by however many steps.
func reaches(from *load.Package, path string) bool {
	seen := map[*load.Package]bool{}
	var has func(p *load.Package) bool
	has = func(p *load.Package) bool {
		if p.Path == path {
			return true
		}
		if seen[p] {
			return false
		}
		seen[p] = true
		for _, dep := range p.Imports {
			if has(dep) {
				return true
			}
		}
		return false
	}
	return has(from)
}

// isMessage reports whether t is a type whose pointers are protocol buffers.
func isMessage(t types.Type) bool {
	if n, ok := types.Unalias(t).(*types.Named); !ok || types.IsInterface(n) {
		return false
	}
	return hasMethod(types.NewMethodSet(types.NewPointer(t)), "ProtoReflect", nil, []string{"google.golang.org/protobuf/reflect/protoreflect.Message"})
}

// messageProblem says why t is no protocol buffer to be stored as one; nil for nothing.
func messageProblem(t types.Type, from *types.Package) *storeProblem {
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok && isMessage(ptr.Elem()) {
		return nil
	}
	return &storeProblem{path: Short(t, from), typ: Short(t, from), why: "it is no pointer to a protocol buffer", fix: "return one that protoc-gen-go has made"}
}
