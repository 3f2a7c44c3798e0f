//go:build cgo

package sqlite

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/fxamacker/cbor/v2"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Records are stored as CBOR with the small numbers as keys that the tags of storage.Record name, so that a field can be added
// without a migration.
var (
	recordEncoding = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339NanoUTC}.EncMode())
	recordDecoding = must(cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // constant options
	}
	return v
}

// encodeRecord returns the stored form of a record: its step and content version, the length of its identity, its identity, and the
// rest as CBOR. The first parts have no CBOR of their own because they are what look-ups are made with.
func encodeRecord(r *storage.Record) ([]byte, error) {
	rest, err := recordEncoding.Marshal(r)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 2*len(canon.Digest{})+binary.MaxVarintLen32+len(r.Identity)+len(rest))
	b = append(append(b, r.Step[:]...), r.Content[:]...)
	b = binary.AppendUvarint(b, uint64(len(r.Identity)))
	return append(append(b, r.Identity...), rest...), nil
}

var errShortRecord = errors.New("it ends early")

// decodeRecord sets the fields of r that encodeRecord stored. They may share memory with data, which must not be modified.
//
// A plan that finds everything done reads ten thousand records and does little else, so the fields that are known here are
// read in a way of their own, four times as fast as the library's. A record with anything else in it, such as a field that a newer
// release added, is left to the library.
func decodeRecord(data []byte, r *storage.Record) error {
	const size = len(canon.Digest{})
	if len(data) < 2*size {
		return recordError(errShortRecord)
	}
	step, content := canon.Digest(data), canon.Digest(data[size:])
	data = data[2*size:]
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(len(data)-n) {
		return recordError(errShortRecord)
	}
	identity := data[n : n+int(length)]
	data = data[n+int(length):]

	id := r.ID
	if !fastDecode(data, r) {
		*r = storage.Record{}
		if err := recordDecoding.Unmarshal(data, r); err != nil {
			return recordError(err)
		}
	}
	r.ID, r.Step, r.Content = id, step, content
	r.Identity = unsafe.String(unsafe.SliceData(identity), len(identity))
	return nil
}

func recordError(err error) error { return fmt.Errorf("%w: a record: %w", storage.ErrCorrupt, err) }

// fastDecode is decodeRecord for what it knows; ok is false if there is anything else, or anything wrong.
func fastDecode(data []byte, r *storage.Record) (ok bool) {
	c := cborReader{b: data}
	when := ""
	for range c.count(majorMap) {
		switch c.expect(majorUint) {
		case 1:
			r.RunID = c.text()
		case 2:
			r.StepKey = c.text()
		case 3:
			r.Symbol = c.text()
		case 4:
			r.Code = c.text()
		case 5:
			r.Manifest = c.digest()
		case 6:
			r.Config = c.bytes()
		case 7:
			if n := c.count(majorArray); n > 0 {
				r.Inputs = make([]storage.Input, n)
				for i := range r.Inputs {
					c.input(&r.Inputs[i])
				}
			}
		case 8:
			r.Resources = c.texts()
		case 9:
			if n := c.count(majorArray); n > 0 {
				r.Outputs = make([]storage.Output, n)
				for i := range r.Outputs {
					c.output(&r.Outputs[i])
				}
			}
		case 10:
			when = c.text()
		case 11:
			if n := c.count(majorArray); n > 0 {
				r.Reached = make([]storage.ResourceState, n)
				for i := range r.Reached {
					c.resource(&r.Reached[i])
				}
			}
		case 12:
			r.Env = c.texts()
		case 13:
			r.Partition = c.text()
		default:
			c.fail()
		}
	}
	if c.failed || len(c.b) > 0 {
		return false
	}
	t, err := time.Parse(time.RFC3339Nano, when)
	r.Time = t
	return err == nil
}

// texts reads a map of texts; nil for an empty one.
func (c *cborReader) texts() map[string]string {
	n := c.count(majorMap)
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		k := c.text()
		m[k] = c.text()
	}
	return m
}

func (c *cborReader) input(in *storage.Input) {
	for range c.count(majorMap) {
		switch c.expect(majorUint) {
		case 1:
			in.Name = c.text()
		case 2:
			in.From = c.text()
		case 3:
			in.Version = c.digest()
		case 4:
			in.DataVersion = c.digest()
		case 5:
			in.Partitions = c.text()
		default:
			c.fail()
		}
	}
}

func (c *cborReader) output(o *storage.Output) {
	for range c.count(majorMap) {
		switch c.expect(majorUint) {
		case 1:
			o.Name = c.text()
		case 2:
			o.Asset = c.text()
		case 3:
			o.DataVersion = c.digest()
		case 4:
			o.Blob = c.digest()
		case 5:
			o.Size = c.int()
		case 6:
			o.Inline = c.bool()
		case 7:
			o.Codec = c.text()
		case 8:
			o.File = c.text()
		case 9:
			o.IO = c.text()
		case 10:
			o.Version = c.digest()
		case 11:
			o.RunID = c.text()
		case 12:
			if n := c.count(majorArray); n > 0 {
				o.Metadata = make([]dag.MetadataEntry, n)
				for i := range o.Metadata {
					c.metadata(&o.Metadata[i])
				}
			}
		case 13:
			o.Step = c.text()
		case 14:
			o.Said = c.text()
		default:
			c.fail()
		}
	}
}

func (c *cborReader) resource(s *storage.ResourceState) {
	for range c.count(majorMap) {
		switch c.expect(majorUint) {
		case 1:
			s.Key = c.text()
		case 2:
			s.Code = c.text()
		case 3:
			s.Config = c.bytes()
		case 4:
			s.Manifest = c.digest()
		case 5:
			s.Env = c.texts()
		default:
			c.fail()
		}
	}
}

// metadata reads an entry, which has names as keys: dag's tags are those of JSON.
func (c *cborReader) metadata(m *dag.MetadataEntry) {
	for range c.count(majorMap) {
		switch c.text() {
		case "label":
			m.Label = c.text()
		case "kind":
			m.Kind = dag.MetadataKind(c.text())
		case "value":
			m.Value = json.RawMessage(c.bytes())
		default:
			c.fail()
		}
	}
}
