package dag

import (
	"fmt"
	"strconv"
	"strings"
)

// A StepRef names an output of a step together with its Go type, so that a result can be read without a type assertion.
type StepRef[T any] struct {
	Step   string // key: "outer.fetch", "fit[seattle]"
	Output string // name; empty for the only one
}

// A MappedRef names an output of the steps that a loop makes of one call.
type MappedRef[T any] struct {
	Step   string // pattern: "train_all[*].fit", with a star for the key of each loop
	Output string // name; empty for the only one
}

// At returns the step of an element: keys are the mapping keys of the loops around the call, the outermost first. It panics where they are not as many as
// there are loops.
func (m MappedRef[T]) At(keys ...string) StepRef[T] {
	parts := strings.Split(m.Step, "[*]")
	if len(parts) != len(keys)+1 {
		panic(fmt.Sprintf("step %s stands in %d loops, %d keys are given", m.Step, len(parts)-1, len(keys)))
	}
	var b strings.Builder
	for i, p := range parts {
		b.WriteString(p)
		if i < len(keys) {
			b.WriteString("[" + MappingKey(keys[i]) + "]")
		}
	}
	return StepRef[T]{Step: b.String(), Output: m.Output}
}

// MappingKey returns a mapping key as step keys show it: as it is if it has only letters, digits and _-./:@+=, otherwise in the quotes of Go.
func MappingKey(key string) string {
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("_-./:@+=", c) >= 0:
		default:
			return strconv.Quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}
