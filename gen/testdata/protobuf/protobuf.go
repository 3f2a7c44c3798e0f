// Package protobuf stands in for the module that stores protocol buffers: the generator wants it to be imported, and nothing of it.
package protobuf
