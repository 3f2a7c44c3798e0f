package codec

import (
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// EncodeMessage returns the bytes of v, a pointer to a message of t, as its library writes them: for other programs, and for DecodeMessage. They are a part of canonical, which is what
// [Encode] gives for v. Nil, for which there are no such bytes, is an error.
func EncodeMessage(t *dag.Type, _ any, canonical []byte) ([]byte, error) {
	d := decoder{data: canonical}
	if d.null() {
		return nil, fmt.Errorf("encode %s as a message: it is nil, and an empty message has the same bytes; return an error instead", t.Name)
	}
	if _, ok := dag.MessageFormatOf(t.Go); !ok {
		return nil, fmt.Errorf("encode %s as a message: %w", t.Name, errNoMessage)
	}
	return d.bytes()
}

// DecodeMessage returns the message of t that EncodeMessage wrote, and its canonical encoding. The bytes are taken as they are: another release of the library may write other ones for an equal
// message, and what is stored is this message all the same. Errors wrap [ErrEncoding].
func DecodeMessage(t *dag.Type, data []byte) (v any, canonical []byte, err error) {
	if _, ok := dag.MessageFormatOf(t.Go); !ok {
		return nil, nil, fmt.Errorf("decode %s from a message: %w: %w", t.Name, ErrEncoding, errNoMessage)
	}
	canonical = append(appendHead(nil, majorBytes, uint64(len(data))), data...)
	v, err = Decode(t, canonical)
	return v, canonical, err
}

var errNoMessage = errors.New(`it is no pointer to a protocol buffer, or this program does not import _ "github.com/dagstergen/dagstergen/protobuf"`)
