package dag

import "context"

// An Invoker calls a user's function for an op. It is for generated code only; see [InvokeOf].
type Invoker interface {
	Invoke(ctx context.Context, c *Call) error
}

// InvokeOf returns i.Invoke. Generated code hands user functions to [Definitions] through this interface and not as closures, because
// Go orders the initialisation of package variables by the functions that initialisers name: with a closure, an op whose body mentions
// Definitions would be an initialization cycle.
func InvokeOf(i Invoker) func(ctx context.Context, c *Call) error { return i.Invoke }

// An Opener calls a user's constructor for a resource. It is for generated code only; see [InvokeOf].
type Opener interface {
	Open(ctx context.Context, c *Call) (value any, cleanup func(), err error)
}

// OpenOf returns o.Open. It is to [Resource] what [InvokeOf] is to [Op].
func OpenOf(o Opener) func(ctx context.Context, c *Call) (value any, cleanup func(), err error) {
	return o.Open
}

// Codegen is advice to run dagstergen again, typed by the shape of the generated code that carries it. Every generated file
// converts a Codegen of its own shape to [SupportedCodegen]; where the two differ the compiler prints the advice.
type Codegen[Shape any] string

// SupportedCodegen is the shape of generated code that this package understands. The number moves only when that shape changes, not with
// every release.
type SupportedCodegen = Codegen[[2]struct{}]
