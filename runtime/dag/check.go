package dag

import (
	"context"
	"reflect"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// A Checked type says which of its values are right (the role of Dagster's DagsterType): its method is called for each input of that type before a step is
// computed, and for each output after. A value that is not right fails the step, and is not stored. What its doc comment says is what it means.
//
//	type Fahrenheit float64
//
//	func (f Fahrenheit) CheckType(ctx context.Context) dag.TypeCheck {
//		return dag.TypeCheck{Success: f > -459.67, Description: "nothing is colder than absolute zero"}
//	}
//
// The method counts in the version of every op that takes or gives the type. It belongs to the value as it is declared: elements of a slice are not looked at unless the slice type has a method of
// its own. A nil pointer is not asked.
type Checked interface {
	CheckType(ctx context.Context) TypeCheck
}

// A TypeCheck is what a [Checked] value says of itself (Dagster's TypeCheck).
type TypeCheck struct {
	Success     bool            `json:"success"`
	Description string          `json:"description,omitempty"` // what is wrong, or what was seen
	Metadata    []MetadataEntry `json:"metadata,omitempty"`
}

var checkedType = reflect.TypeFor[Checked]()

// How values of a type are asked.
const (
	checkNever uint8 = iota
	checkValue
	checkPointer // the method belongs to the pointer
)

func checkOf(t reflect.Type) uint8 {
	switch {
	case t.Implements(checkedType):
		return checkValue
	case t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(checkedType):
		return checkPointer
	}
	return checkNever
}

// IsChecked reports whether values of the type say themselves whether they are right, see [Checked].
func (t *Type) IsChecked() bool { return t != nil && t.check != checkNever }

// Check asks a value of the type whether it is right; asked is false where there is nothing to ask. It is for executors. Secrets are masked in the answer.
func (t *Type) Check(ctx context.Context, v any) (c TypeCheck, asked bool) {
	if !t.IsChecked() || v == nil {
		return c, false
	}
	if rv := reflect.ValueOf(v); t.check == checkPointer {
		p := reflect.New(rv.Type())
		p.Elem().Set(rv)
		v = p.Interface()
	} else if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return c, false
	}
	checked, ok := v.(Checked)
	if !ok {
		return c, false
	}
	c = checked.CheckType(ctx)
	c.Description, c.Metadata = mask.Hide(c.Description), MaskedMetadata(c.Metadata)
	return c, true
}

type checkResourcesKey struct{}

// WithCheckResources lets [CheckResource] find the resources of the step whose values are checked. The engine calls it.
func WithCheckResources(ctx context.Context, values []any) context.Context {
	if len(values) == 0 {
		return ctx
	}
	return context.WithValue(ctx, checkResourcesKey{}, values)
}

// CheckResource returns, inside CheckType, the resource of type T that the step takes whose value is checked. ok is false where it takes none of that type, or more than one, and
// everywhere else. A resource that the step takes counts in its version, so that what a check makes of it is not reused when it should not be.
func CheckResource[T any](ctx context.Context) (r T, ok bool) {
	values, _ := ctx.Value(checkResourcesKey{}).([]any)
	for _, v := range values {
		if found, is := v.(T); is {
			if ok {
				var none T
				return none, false
			}
			r, ok = found, true
		}
	}
	return r, ok
}
