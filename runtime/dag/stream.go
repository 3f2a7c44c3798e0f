package dag

import (
	"fmt"
	"iter"
)

// A stream is what a [Type] knows of values that are too many to be held at once. They are stored as a file of their elements, and that file is what steps hand on.
type stream struct {
	elem *Type
	each func(v any, f func(p any) error) error
	open func(each func(p any, yield func() bool) error) any
	none any // the nil stream
}

// SeqOf is the [Type] of iter.Seq[T]; name is its name, elem that of T. Values that go from step to step are a [File] with the elements.
func SeqOf[T any](name, elem string) *Type {
	t := TypeOf[File](name)
	t.stream = &stream{
		elem: TypeOf[T](elem), none: iter.Seq[T](nil),
		each: func(v any, f func(any) error) error {
			var x T // one place for all of them: a new one for each would be most of the work
			for x = range v.(iter.Seq[T]) {
				if err := f(&x); err != nil {
					return err
				}
			}
			return nil
		},
		open: func(each func(any, func() bool) error) any {
			return iter.Seq[T](func(yield func(T) bool) {
				var x T
				if err := each(&x, func() bool { return yield(x) }); err != nil {
					panic(fmt.Errorf("a stream cannot be read: %w", err)) // there is no other way out of a Seq; the step fails with it
				}
			})
		},
	}
	return t
}

// Seq2Of is [SeqOf] for iter.Seq2[T, error]: the first error ends the stream. One that a step yields fails it; one in reading comes to whoever reads.
func Seq2Of[T any](name, elem string) *Type {
	t := TypeOf[File](name)
	t.stream = &stream{
		elem: TypeOf[T](elem), none: iter.Seq2[T, error](nil),
		each: func(v any, f func(any) error) error {
			var x T
			var err error
			for x, err = range v.(iter.Seq2[T, error]) {
				if err != nil {
					return err
				}
				if err := f(&x); err != nil {
					return err
				}
			}
			return nil
		},
		open: func(each func(any, func() bool) error) any {
			return iter.Seq2[T, error](func(yield func(T, error) bool) {
				on := true
				var x T
				err := each(&x, func() bool {
					on = yield(x, nil)
					return on
				})
				if err != nil && on {
					var zero T
					yield(zero, err)
				}
			})
		},
	}
	return t
}

// IsStream reports whether values of the type are streams, see [SeqOf].
func (t *Type) IsStream() bool { return t != nil && t.stream != nil }

// Elem returns the type of the elements of a stream. It is for executors.
func (t *Type) Elem() *Type { return t.stream.elem }

// Each calls f with a pointer to each of the elements of v, a stream that a step returned, until there is an error. It is the same pointer each time. It is for executors.
func (t *Type) Each(v any, f func(p any) error) error { return t.stream.each(v, f) }

// Open returns a stream, of the Go type that steps take, of the elements that each sets what p points to before it calls yield. It is for executors.
func (t *Type) Open(each func(p any, yield func() bool) error) any { return t.stream.open(each) }

// Nil returns the stream that is none. It is for executors.
func (t *Type) Nil() any { return t.stream.none }
