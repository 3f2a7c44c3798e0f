package plaincall

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// The types that values of random jobs have, as they are spelled in the packages of jobs.
const (
	tInt   = "int"
	tText  = "string"
	tBool  = "bool"
	tInts  = "[]int"
	tTexts = "[]string"
	tTable = "map[string]int"
	tRep   = "ops.Rep"
	tPtr   = "*ops.Rep"
	tReps  = "[]ops.Rep"
	tGrid  = "[][]int"
)

// op is what a body can call.
type op struct {
	name string // with its package
	in   []string
	out  []string
	ctx  bool
	err  bool
}

var family = []op{
	{name: "ops.Inc", in: []string{tInt}, out: []string{tInt}},
	{name: "ops.Add", in: []string{tInt, tInt}, out: []string{tInt}},
	{name: "ops.Half", in: []string{tInt}, out: []string{tInt}, ctx: true, err: true},
	{name: "ops.Odd", in: []string{tInt}, out: []string{tBool}},
	{name: "ops.Sort", in: []string{tInt}, out: []string{tText}},
	{name: "ops.Text", in: []string{tInt}, out: []string{tText}},
	{name: "ops.Len", in: []string{tText}, out: []string{tInt}},
	{name: "ops.Join", in: []string{tText, tText}, out: []string{tText}},
	{name: "ops.List", in: []string{tInt}, out: []string{tInts}},
	{name: "ops.Full", in: []string{tInt}, out: []string{tInts}},
	{name: "ops.Sum", in: []string{tInts}, out: []string{tInt}},
	{name: "ops.Split", in: []string{tInts}, out: []string{tInts, tInts}},
	{name: "ops.Words", in: []string{tInt}, out: []string{tTexts}},
	{name: "ops.Cat", in: []string{tTexts}, out: []string{tText}},
	{name: "ops.Table", in: []string{tInt}, out: []string{tTable}},
	{name: "ops.Fold", in: []string{tTable}, out: []string{tInt}},
	{name: "ops.Report", in: []string{tInt, tText}, out: []string{tRep}},
	{name: "ops.Maybe", in: []string{tInt}, out: []string{tPtr}},
	{name: "ops.Weigh", in: []string{tRep}, out: []string{tInt}},
	{name: "ops.Open", in: []string{tPtr}, out: []string{tInt}, err: true},
	{name: "ops.Reps", in: []string{tInt}, out: []string{tReps}},
	{name: "ops.Best", in: []string{tReps}, out: []string{tRep}},
	{name: "ops.Grid", in: []string{tInt}, out: []string{tGrid}},
	{name: "ops.Flat", in: []string{tGrid}, out: []string{tInts}},
	{name: "ops.Twice", in: []string{tInt}, out: []string{tInt}},
	{name: "ops.Totals", in: []string{tInts}, out: []string{tInt, tInts}, ctx: true, err: true},
}

// variable is a name in scope. A fixed one is not assigned to: a parameter, a loop variable, what is ranged over.
type variable struct {
	name, typ string
	fixed     bool
	used      bool
}

// writer writes one function.
type writer struct {
	r      *rand.Rand
	b      strings.Builder
	indent int
	scope  []*variable
	calls  []op
	names  int
	budget int    // calls that may still be written
	fail   string // what a check of an error returns: "0, nil, err"; empty where the function returns no error
	ranged []string
	sorted int // the first variable in scope that a body may assign to: what is declared outside of a loop over a map would depend on its order
}

func (w *writer) line(format string, args ...any) {
	w.b.WriteString(strings.Repeat("\t", w.indent))
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *writer) name(prefix string) string {
	w.names++
	return fmt.Sprint(prefix, w.names)
}

func (w *writer) declare(typ string, fixed bool) *variable {
	v := &variable{name: w.name("v"), typ: typ, fixed: fixed}
	w.scope = append(w.scope, v)
	return v
}

// pick returns a variable of a type, or nil.
func (w *writer) pick(typ string, assignable bool) *variable {
	var of []*variable
	for i, v := range w.scope {
		if v.typ == typ && !(assignable && (v.fixed || i < w.sorted)) {
			of = append(of, v)
		}
	}
	if len(of) == 0 {
		return nil
	}
	v := of[w.r.IntN(len(of))]
	return v
}

// callee returns an op that gives typ first and alone, without an error where it must stand inside an expression.
func (w *writer) callee(typ string, nested bool) (op, bool) {
	var of []op
	for _, o := range w.calls {
		if o.out[0] == typ && (!nested || len(o.out) == 1 && !o.err) && !(o.err && w.fail == "") {
			of = append(of, o)
		}
	}
	if len(of) == 0 {
		return op{}, false
	}
	return of[w.r.IntN(len(of))], true
}

// expr writes an expression of a type.
func (w *writer) expr(typ string, depth int) string {
	if v := w.pick(typ, false); v != nil && w.r.IntN(5) > 0 {
		v.used = true
		return v.name
	}
	if depth > 0 && w.r.IntN(3) == 0 {
		if p := w.projection(typ); p != "" {
			return p
		}
	}
	if depth > 0 && w.budget > 0 && w.r.IntN(3) > 0 {
		if o, ok := w.callee(typ, true); ok {
			return w.call(o, depth-1)
		}
	}
	return w.literal(typ, depth)
}

// projection is a part of a value in scope, or "".
func (w *writer) projection(typ string) string {
	rep := w.pick(tRep, false)
	if rep == nil {
		return ""
	}
	part := ""
	switch typ {
	case tInt:
		part = []string{".Total", ".In.X"}[w.r.IntN(2)]
	case tText:
		part = []string{".Name", ".In.Tag"}[w.r.IntN(2)]
	case tInts:
		part = ".Parts"
	case tBool:
		part = ".Odd"
	default:
		return ""
	}
	rep.used = true
	return rep.name + part
}

func (w *writer) literal(typ string, depth int) string {
	switch typ {
	case tInt:
		return fmt.Sprint(w.r.IntN(40))
	case tText:
		return fmt.Sprintf("%q", []string{"", "x", "two words", "ü"}[w.r.IntN(4)])
	case tBool:
		return fmt.Sprint(w.r.IntN(2) == 0)
	case tInts:
		return "[]int{" + w.list(tInt, depth) + "}"
	case tTexts:
		return "[]string{" + w.list(tText, depth) + "}"
	case tTable:
		return `map[string]int{"k": ` + w.expr(tInt, depth-1) + "}"
	case tRep:
		return "ops.Rep{Total: " + w.expr(tInt, depth-1) + ", Name: " + w.expr(tText, depth-1) + ", Parts: " + w.expr(tInts, depth-1) + "}"
	case tPtr:
		return "nil"
	case tReps:
		return "[]ops.Rep{" + w.list(tRep, depth) + "}"
	}
	return "[][]int{" + w.list(tInts, depth) + "}"
}

func (w *writer) list(typ string, depth int) string {
	var parts []string
	for range w.r.IntN(3) {
		parts = append(parts, w.expr(typ, depth-1))
	}
	return strings.Join(parts, ", ")
}

func (w *writer) call(o op, depth int) string {
	w.budget--
	var args []string
	if o.ctx {
		args = append(args, "ctx")
	}
	for _, t := range o.in {
		args = append(args, w.expr(t, depth))
	}
	return o.name + "(" + strings.Join(args, ", ") + ")"
}

// block writes statements in a scope of their own.
func (w *writer) block(depth, statements int) {
	w.indent++
	outer := len(w.scope)
	for range statements {
		w.statement(depth)
	}
	w.use(outer)
	w.indent--
}

// use closes a scope: what was declared in it and never used would not compile.
func (w *writer) use(outer int) {
	for _, v := range w.scope[outer:] {
		if !v.used {
			w.line("_ = %s", v.name)
		}
	}
	w.scope = w.scope[:outer]
}

func (w *writer) statement(depth int) {
	switch k := w.r.IntN(12); {
	case k < 5 || depth == 0 || w.budget <= 0:
		w.simple()
	case k < 9:
		w.loop(depth)
	case k < 11:
		w.branch(depth)
	default:
		w.choice(depth)
	}
}

var simpleTypes = []string{tInt, tInt, tInt, tText, tBool, tInts, tInts, tTexts, tTable, tRep, tPtr, tReps, tGrid}

// simple declares or sets a variable.
func (w *writer) simple() {
	typ := simpleTypes[w.r.IntN(len(simpleTypes))]
	if v := w.pick(typ, true); v != nil && !slices.Contains(w.ranged, v.name) && w.r.IntN(3) == 0 {
		w.line("%s = %s", v.name, w.expr(typ, 2))
		return
	}
	if w.budget > 0 {
		if o, ok := w.callee(typ, false); ok && w.r.IntN(3) > 0 {
			w.declareCall(o)
			return
		}
	}
	e := w.expr(typ, 2)
	v := w.declare(typ, false)
	w.line("var %s %s = %s", v.name, typ, e)
}

func (w *writer) declareCall(o op) {
	call := w.call(o, 1)
	var lhs []string
	for k, t := range o.out {
		if k > 0 && w.r.IntN(3) == 0 {
			lhs = append(lhs, "_")
			continue
		}
		lhs = append(lhs, w.declare(t, false).name)
	}
	if !o.err {
		w.alias()
		w.line("%s := %s", strings.Join(lhs, ", "), call)
		return
	}
	w.line("%s, err := %s", strings.Join(lhs, ", "), call)
	w.line("if err != nil {")
	w.line("\treturn %s", w.fail)
	w.line("}")
}

// alias gives the next statement another step key, sometimes.
func (w *writer) alias() {
	if w.r.IntN(8) == 0 {
		w.line("//dag:as %s", w.name("named_"))
	}
}

// loop writes a mapping that collects or carries.
func (w *writer) loop(depth int) {
	over := []struct{ typ, key, elem string }{
		{tInts, tInt, tInt}, {tInts, tInt, tInt}, {tReps, tInt, tRep}, {tTexts, tInt, tText}, {tGrid, tInt, tInts}, {tTable, tText, tInt},
	}[w.r.IntN(6)]
	byTotal := over.elem == tRep && w.r.IntN(3) == 0 // a mapping key of its own: needs elements that differ in it
	coll := w.pick(over.typ, false)
	switch {
	case byTotal:
		n := w.expr(tInt, 1)
		coll = w.declare(over.typ, false)
		w.line("%s := ops.Reps(%s)", coll.name, n)
		w.budget--
	case coll == nil:
		e := w.expr(over.typ, 2)
		coll = w.declare(over.typ, false)
		w.line("var %s %s = %s", coll.name, over.typ, e)
	}
	coll.used = true

	kind := w.r.IntN(3) // append, set, carry
	if over.typ == tTable {
		kind = 1
	}
	elem := []string{tInt, tInt, tText, tRep, tInts}[w.r.IntN(5)]
	lists := map[string]string{tInt: tInts, tText: tTexts, tRep: tReps, tInts: tGrid}
	var acc *variable
	key := ""
	switch {
	case kind == 0:
		acc = w.declare(lists[elem], false)
		w.line([]string{"var %[1]s %[2]s", "%[1]s := %[2]s{}"}[w.r.IntN(2)], acc.name, acc.typ)
	case kind == 1 && over.typ == tTable:
		elem = tInt
		acc = w.declare(tTable, false)
		w.line("%s := map[string]int{}", acc.name)
	case kind == 1:
		acc = w.declare(lists[elem], false)
		w.line("%s := make(%s, len(%s))", acc.name, acc.typ, coll.name)
	default:
		elem = tInt
		e := w.expr(tInt, 1)
		acc = w.declare(tInt, false)
		w.line("%s := %s", acc.name, e)
	}
	acc.used = false
	outer := len(w.scope)
	acc.fixed = kind != 2 // collectors are only collected into
	x := w.declare(over.elem, true)
	keyed := kind == 1 || w.r.IntN(4) == 0
	if keyed {
		i := w.declare(over.key, true)
		key = i.name
		i.used = kind == 1
	}
	if byTotal {
		w.line("//dag:key %s.Total", x.name)
	}
	w.ranged = append(w.ranged, coll.name)
	wasFixed := coll.fixed
	coll.fixed = true
	head := "_"
	if keyed {
		head = key
	}
	w.line("for %s, %s := range %s {", head, x.name, coll.name)
	w.indent++
	// Collectors may not be read while they grow: an op would see a part of what Go shows it.
	at := slices.Index(w.scope, acc)
	if kind != 2 {
		w.scope = slices.Delete(w.scope, at, at+1)
		outer--
	}
	inner := len(w.scope)
	wasSorted := w.sorted
	if over.typ == tTable {
		w.sorted = inner
	}
	for range w.r.IntN(3) {
		w.statement(depth - 1)
	}
	w.sorted = wasSorted
	e := w.expr(elem, 2)
	switch kind {
	case 0:
		if w.r.IntN(4) == 0 && len(w.scope) > 0 {
			w.line("if %s {", w.condition())
			w.line("\t%s = append(%s, %s)", acc.name, acc.name, e)
			w.line("}")
		} else {
			w.line("%s = append(%s, %s)", acc.name, acc.name, e)
		}
	case 1:
		w.line("%s[%s] = %s", acc.name, key, e)
	default:
		w.budget--
		w.line("%s = ops.Add(%s, %s)", acc.name, acc.name, e)
		acc.used = true
	}
	w.use(inner)
	for _, v := range w.scope[outer:] { // the loop's own variables
		if !v.used {
			w.line("_ = %s", v.name)
		}
	}
	w.scope = w.scope[:outer]
	w.indent--
	w.line("}")
	w.ranged = w.ranged[:len(w.ranged)-1]
	coll.fixed = wasFixed
	if kind != 2 {
		w.scope = append(w.scope, acc)
		acc.fixed = true // a slice that others may share is not appended to again
	}
}

// condition is a bool that a job may branch on.
func (w *writer) condition() string {
	if w.budget <= 0 {
		if v := w.pick(tInt, false); v != nil {
			v.used = true
			return v.name + " == 3"
		}
		return w.expr(tBool, 0)
	}
	switch w.r.IntN(6) {
	case 0:
		if v := w.pick(tPtr, false); v != nil {
			v.used = true
			return v.name + []string{" != nil", " == nil"}[w.r.IntN(2)]
		}
	case 1:
		return w.sure(tText) + []string{` == "a"`, ` != "x"`}[w.r.IntN(2)]
	case 2:
		return w.sure(tInt) + []string{" == 3", " != 0"}[w.r.IntN(2)]
	case 3:
		return "!" + w.sure(tBool)
	case 4:
		return w.sure(tBool) + []string{" && ", " || "}[w.r.IntN(2)] + w.sure(tBool)
	}
	return w.sure(tBool)
}

// sure is an expression that is no constant, so that neither the compiler nor go vet decides the condition.
func (w *writer) sure(typ string) string {
	if v := w.pick(typ, false); v != nil {
		v.used = true
		return v.name
	}
	o, _ := w.callee(typ, true)
	call := w.call(o, 1)
	v := w.declare(typ, false)
	w.line("%s := %s", v.name, call)
	v.used = true
	return v.name
}

func (w *writer) branch(depth int) {
	cond := w.condition()
	w.line("if %s {", cond)
	w.arm(depth)
	switch w.r.IntN(3) {
	case 0:
		w.line("} else {")
		w.arm(depth)
	case 1:
		w.line("} else if %s {", w.atom())
		w.arm(depth)
	}
	w.line("}")
}

// atom is a condition that needs no statement before it.
func (w *writer) atom() string {
	if v := w.pick(tBool, false); v != nil {
		v.used = true
		return v.name
	}
	if v := w.pick(tInt, false); v != nil {
		v.used = true
		return v.name + " != 5"
	}
	o, _ := w.callee(tBool, true)
	return w.call(o, 0)
}

func (w *writer) arm(depth int) { w.block(depth-1, 1+w.r.IntN(2)) }

func (w *writer) choice(depth int) {
	typ := []string{tText, tInt}[w.r.IntN(2)]
	w.line("switch %s {", w.sure(typ))
	cases := map[string][]string{tText: {`"a"`, `"b", "x"`}, tInt: {"0, 1", "2"}}[typ]
	for _, c := range cases[:1+w.r.IntN(2)] {
		w.line("case %s:", c)
		w.arm(depth)
	}
	if w.r.IntN(2) == 0 {
		w.line("default:")
		w.arm(depth)
	}
	w.line("}")
}
