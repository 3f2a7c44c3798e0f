package dag

import "fmt"

// A Call carries the values of one call of a user's function between the engine and generated code.
type Call struct {
	In        []any // one for each Op.Inputs
	Config    any   // a value (not a pointer) of the config type, or nil
	Resources []any // one for each Op.Resources or Resource.Resources
	Out       []any // one for each Op.Outputs; filled by Invoke
}

// In returns input i of c as a T. It is for generated code only: the generator has checked the types.
func In[T any](c *Call, i int) T { return as[T](c.In[i], "input", i) }

// ConfigOf returns the config of c as a T. It is for generated code only.
func ConfigOf[T any](c *Call) T { return as[T](c.Config, "config", 0) }

// ResourceOf returns resource i of c as a T. It is for generated code only.
func ResourceOf[T any](c *Call, i int) T { return as[T](c.Resources[i], "resource", i) }

// OutputAs returns v as a T; a nil v is the zero T. It is for generated code only.
func OutputAs[T any](v any) T { return as[T](v, "output", 0) }

func as[T any](v any, what string, i int) T {
	t, ok := v.(T)
	if !ok && v != nil { // a nil interface value of an interface-typed T arrives as nil
		panic(fmt.Sprintf("dagstergen: %s %d is a %T, not a %T; run dagstergen again", what, i, v, t))
	}
	return t
}
