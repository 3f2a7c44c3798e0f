// Package protoreflect stands in for the library of protocol buffers: the generator knows them by the result of their method ProtoReflect.
package protoreflect

// Message is that result.
type Message interface{ IsValid() bool }
