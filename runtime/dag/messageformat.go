package dag

import (
	"fmt"
	"reflect"
	"sync/atomic"
)

// A MessageFormat stores values of types that encode themselves in a library's way, such as protocol buffers. The package that has one registers it when the program starts; a pipeline
// imports it for that alone, such as
//
//	import _ "github.com/dagstergen/dagstergen/protobuf"
type MessageFormat interface {
	// Message is the interface that pointers to these types implement.
	Message() reflect.Type
	// Marshal returns the bytes of a message; a program gives the same for equal messages. The error says what of the message has no bytes.
	Marshal(message any) ([]byte, error)
	// Unmarshal sets a message, new and empty, to what Marshal gave. It does not keep data.
	Unmarshal(data []byte, message any) error
	// JSON shows a message to people.
	JSON(message any) ([]byte, error)
}

var messageFormat atomic.Pointer[MessageFormat]

// RegisterMessageFormat makes a format known to all that runs in this process. It is called from an init function of the package that has it, and panics where there is one already.
func RegisterMessageFormat(f MessageFormat) {
	if !messageFormat.CompareAndSwap(nil, &f) {
		panic(fmt.Sprintf("dag: two packages register a format of messages, the second for %s", f.Message()))
	}
}

// MessageFormatOf returns the format that was registered for messages of the type that pointer points to; ok is false where pointer is no pointer to a message, and where the program does not
// import the package that stores them. It is for IO managers and executors.
func MessageFormatOf(pointer reflect.Type) (f MessageFormat, ok bool) {
	p := messageFormat.Load()
	if p == nil || pointer == nil || pointer.Kind() != reflect.Pointer || !pointer.Implements((*p).Message()) {
		return nil, false
	}
	return *p, true
}
