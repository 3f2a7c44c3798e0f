package execute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

// streamName is the name of the file that a stream is stored as, and tableName that of one with codec=parquet. They count in data versions.
const (
	streamName = "stream.cborseq"
	tableName  = "stream." + iomanager.CodecParquet
)

// invokeStreams calls the function of an op. What goes in and out as a stream is a file to everybody else: it is opened here, element by element, and written here while the function's
// stream is read, which is when most of its work is done.
func invokeStreams(ctx context.Context, op *dag.Op, call *dag.Call) error {
	c := *call
	for k := range op.Inputs {
		if t := op.Inputs[k].Type; t.IsStream() {
			if &c.In[0] == &call.In[0] {
				c.In = append([]any{}, call.In...) // a retry takes the files again
			}
			c.In[k] = openStream(t, call.In[k])
		}
	}
	if err := op.Invoke(ctx, &c); err != nil {
		return err
	}
	for k := range op.Outputs {
		out := &op.Outputs[k]
		if !out.Type.IsStream() || !dag.Selected(ctx, out.Name) {
			continue
		}
		f, err := writeStream(ctx, out, c.Out[k])
		if err != nil {
			return fmt.Errorf("output %s: %w", out.Name, err)
		}
		c.Out[k] = f
	}
	return nil
}

// writeStream stores the elements of a stream; a nil one is no file.
func writeStream(ctx context.Context, out *dag.Output, v any) (dag.File, error) {
	t := out.Type
	if reflect.ValueOf(v).IsNil() {
		return dag.File{}, nil
	}
	name, write := streamName, encodeElements
	if out.Codec == iomanager.CodecParquet {
		name, write = tableName, tabulateElements
	}
	return dag.WriteFile(ctx, name, func(w io.Writer) error {
		return write(w, t.Elem(), func(f func(p any) error) error {
			return t.Each(v, func(p any) error {
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
				return f(p)
			})
		})
	})
}

// encodeElements writes elements in the encoding of all other values.
func encodeElements(w io.Writer, elem *dag.Type, each func(f func(p any) error) error) error {
	s, err := codec.NewStreamWriter(w, elem)
	if err != nil {
		return err
	}
	if err := each(s.Write); err != nil {
		return err
	}
	return s.Flush()
}

// tabulateElements writes elements as a table.
func tabulateElements(w io.Writer, elem *dag.Type, each func(f func(p any) error) error) error {
	format, err := dag.TableFormatOf(iomanager.CodecParquet)
	if err != nil {
		return err
	}
	s, err := format.NewWriter(w, elem.Go)
	if err != nil {
		return err
	}
	if err := each(func(p any) error { return s.Write(reflect.ValueOf(p).Elem()) }); err != nil {
		return errors.Join(err, s.Close())
	}
	return s.Close()
}

// openStream is what a function takes of a stored stream. It may be read any number of times, by several at once.
func openStream(t *dag.Type, v any) any {
	f, ok := v.(dag.File)
	if !ok {
		return v // a value from Go
	}
	if f.IsZero() {
		return t.Nil()
	}
	return t.Open(func(p any, yield func() bool) error { return iomanager.ReadStream(f, t.Elem(), p, yield) })
}
