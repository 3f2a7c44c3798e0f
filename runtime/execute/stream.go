package execute

import (
	"context"
	"fmt"
	"io"
	"reflect"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

// streamName is the name of the file that a stream is stored as. It counts in data versions.
const streamName = "stream.cborseq"

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
		if !out.Type.IsStream() {
			continue
		}
		f, err := writeStream(ctx, out.Type, c.Out[k])
		if err != nil {
			return fmt.Errorf("output %s: %w", out.Name, err)
		}
		c.Out[k] = f
	}
	return nil
}

// writeStream stores the elements of a stream; a nil one is no file.
func writeStream(ctx context.Context, t *dag.Type, v any) (dag.File, error) {
	if reflect.ValueOf(v).IsNil() {
		return dag.File{}, nil
	}
	return dag.WriteFile(ctx, streamName, func(w io.Writer) error {
		s, err := codec.NewStreamWriter(w, t.Elem())
		if err != nil {
			return err
		}
		if err := t.Each(v, func(x any) error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return s.Write(x)
		}); err != nil {
			return err
		}
		return s.Flush()
	})
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
	return t.Open(func(yield func(any) bool) error {
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }() // opened for reading: nothing can be lost
		return codec.ReadStream(r, t.Elem(), yield)
	})
}
