package protobuf

import (
	"bytes"
	"encoding/json"
	"reflect"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func init() { dag.RegisterMessageFormat(Format{}) }

// Format is the dag.MessageFormat of protocol buffers. It is registered when the package is imported.
type Format struct{}

// Message returns proto.Message.
func (Format) Message() reflect.Type { return reflect.TypeFor[proto.Message]() }

// Marshal returns the wire format of a message. The error names a required field that is not set, and one whose text is not UTF-8.
func (Format) Marshal(message any) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(message.(proto.Message))
}

// Unmarshal sets a message to what Marshal gave.
func (Format) Unmarshal(data []byte, message any) error {
	return proto.Unmarshal(data, message.(proto.Message))
}

// JSON shows a message as the standard says, by the JSON names of fields.
func (Format) JSON(message any) ([]byte, error) {
	shown, err := protojson.Marshal(message.(proto.Message))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer // protojson adds blanks here and there, so that nobody relies on its bytes
	err = json.Compact(&b, shown)
	return b.Bytes(), err
}
