package runconfig

import (
	"fmt"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/internal/rules"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// rule is what the tags of a field ask of its values, beyond its type.
func rule(f *dag.Field) rules.Rule {
	return rules.Rule{Kind: string(f.Kind), Enum: f.Enum, Min: f.Min, Max: f.Max, MinLen: f.MinLen, MaxLen: f.MaxLen, Pattern: f.Pattern}
}

// allowed holds a scalar of the right type against the tags of its field: text is n's, a number in base 10.
func (r *resolver) allowed(f *dag.Field, n *node, text string, path trail) bool {
	switch rule(f).Check(text) {
	case rules.Nothing:
		return true
	case rules.Enum:
		hint := ""
		if near, ok := nearest.Of(n.text, f.Enum); ok && f.Kind == dag.FieldString && r.mayShow(f, path) {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		r.problem(CodeEnum, path, n.pos, hint, "expected %s, found %s", expected(f), r.found(f, n, path))
	case rules.Bounds:
		r.problem(CodeRange, path, n.pos, "", "expected %s, found %s", expected(f), r.shown(f, n, path))
	case rules.Length:
		r.length(f, n, utf8.RuneCountInString(text), "character", path)
	case rules.Pattern:
		r.problem(CodePattern, path, n.pos, "", "expected %s, found %s", expected(f), r.found(f, n, path))
	}
	return false
}

// mayShow reports whether a message may repeat what stands at path.
func (r *resolver) mayShow(f *dag.Field, path trail) bool {
	_, env := r.env[path]
	return !env && !hides(f)
}

// length reports a value that is too short or too long. How long a secret is, is part of the secret.
func (r *resolver) length(f *dag.Field, n *node, count int, unit string, path trail) {
	found := r.found(f, n, path)
	if r.mayShow(f, path) {
		found = rules.Count(count, unit)
	}
	r.problem(CodeLength, path, n.pos, "", "expected %s, found %s", expected(f), found)
}

// fits holds how many elements or keys there are against the tag len.
func (r *resolver) fits(f *dag.Field, n *node, count int, path trail) bool {
	if rule(f).CheckLen(count) == rules.Nothing {
		return true
	}
	unit := "element"
	if f.Kind == dag.FieldMap {
		unit = "key"
	}
	r.length(f, n, count, unit, path)
	return false
}

// outside reports a number that its Go type cannot hold; its bounds are named where there are some.
func (r *resolver) outside(f *dag.Field, n *node, path trail, holds string) {
	if f.Min != "" && f.Max != "" || len(f.Enum) > 0 {
		holds = expected(f)
	}
	r.problem(CodeRange, path, n.pos, "", "expected %s, found %s", holds, r.shown(f, n, path))
}
