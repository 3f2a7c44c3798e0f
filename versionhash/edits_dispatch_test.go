package versionhash

// dispatchEdits are edits of code that an op reaches without naming it.
var dispatchEdits = []edit{
	{
		name: "a method called through an interface", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op() int { var i I = T{}; return i.Get() }\nfunc Keep(i I) int { return i.Get() }\ntype U struct{}\nfunc (U) Get() int { return 3 }",
		edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
		run: map[string]string{"Keep": "show.Values(p.Keep(p.U{}))"},
	},
	{
		name:  "a method of a type that a constructor returns as an interface",
		src:   "-- a.go --\nimport \"ROW/q\"\nfunc Op() int { return q.New().Get() }\n-- q/q.go --\npackage q\ntype I interface{ Get() int }\ntype t struct{}\nfunc (t) Get() int { return 1 }\nfunc New() I { return t{} }",
		edits: []string{"return 1", "return 2"}, cause: "changed q.t.Get",
	},
	{
		name: "a method that the standard library calls (sort)", src: "import \"sort\"\ntype by []int\nfunc (b by) Len() int { return len(b) }\nfunc (b by) Less(i, j int) bool { return b[i] < b[j] }\nfunc (b by) Swap(i, j int) { b[i], b[j] = b[j], b[i] }\nfunc Op(x []int) { sort.Sort(by(x)) }",
		edits: []string{"b[i] < b[j]", "b[i] > b[j]"}, cause: "changed by.Less",
	},
	{
		name: "String, called by fmt", src: "import \"fmt\"\ntype T int\nfunc (T) String() string { return \"a\" }\nfunc Op(t T) string { return fmt.Sprint(t) }\nfunc Keep(t T) int { return int(t) }",
		edits: []string{`"a"`, `"b"`}, cause: "changed T.String",
	},
	{
		name: "a new String method", src: "import \"fmt\"\ntype T int\nfunc Op(t T) string { return fmt.Sprint(t) }\nfunc Keep(t T) int { return int(t) }",
		edits: []string{"type T int", "type T int\nfunc (T) String() string { return \"a\" }"}, cause: "added T.String",
	},
	{
		name: "a method of an exported field, reached by reflection", src: "import \"fmt\"\ntype A struct{}\nfunc (A) String() string { return \"a\" }\ntype T struct{ F []map[string]*A }\nfunc Op(t T) string { return fmt.Sprint(t) }",
		edits: []string{`"a"`, `"b"`}, cause: "changed A.String",
	},
	{
		name: "UnmarshalJSON of what is decoded", src: "import \"encoding/json\"\ntype T struct{ N int }\nfunc (t *T) UnmarshalJSON(b []byte) error { t.N = 1; return nil }\nfunc Op(b []byte) (t T, err error) { err = json.Unmarshal(b, &t); return t, err }",
		edits: []string{"t.N = 1", "t.N = 2"}, cause: "changed (*T).UnmarshalJSON",
		run: map[string]string{"Op": "show.Values(p.Op([]byte(`{}`)))"},
	},
	{
		name:  "a method of what a method returns, called by a template",
		src:   "import (\"io\"; \"text/template\")\ntype B struct{}\nfunc (B) Name() string { return \"a\" }\ntype T struct{}\nfunc (T) B() B { return B{} }\nvar tmpl = template.Must(template.New(\"\").Parse(`{{.B.Name}}`))\nfunc Op(w io.Writer) error { return tmpl.Execute(w, T{}) }",
		edits: []string{`"a"`, `"b"`}, cause: "changed B.Name",
		run: map[string]string{"Op": "var b strings.Builder; err := p.Op(&b); show.Values(b.String(), err)"},
	},
	{
		name: "the text of a template", src: "import (\"io\"; \"text/template\")\nvar tmpl = template.Must(template.New(\"\").Parse(`{{.}}`))\nfunc Op(w io.Writer) error { return tmpl.Execute(w, 1) }",
		edits: []string{"{{.}}", "[{{.}}]"}, cause: "changed tmpl",
		run: map[string]string{"Op": "var b strings.Builder; err := p.Op(&b); show.Values(b.String(), err)"},
	},
	{
		name: "Error of an error that is returned", src: "type E struct{}\nfunc (E) Error() string { return \"a\" }\nfunc Op() error { return E{} }", edits: []string{`"a"`, `"b"`}, cause: "changed E.Error",
	},
	{
		name: "Error of an error in a multiple result", src: "type E struct{}\nfunc (E) Error() string { return \"a\" }\nfunc f() (int, E) { return 1, E{} }\nfunc Op() (int, error) { return f() }",
		edits: []string{`"a"`, `"b"`}, cause: "changed E.Error",
	},
	{
		name: "an error sentinel", src: "import \"errors\"\nvar ErrA = errors.New(\"a\")\nfunc Op() error { return ErrA }", edits: []string{`"a"`, `"b"`}, cause: "changed ErrA",
	},
	{
		name: "a method of a value in a panic", src: "type E struct{}\nfunc (E) Error() string { return \"a\" }\nfunc Op() { panic(E{}) }", edits: []string{`"a"`, `"b"`}, cause: "changed E.Error",
	},
	{
		name: "a method of a value sent on a channel of interfaces", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op(c chan I) { c <- T{} }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
		run: map[string]string{"Op": "c := make(chan p.I, 1); p.Op(c); show.Values((<-c).Get())"},
	},
	{
		name: "a method of an element of a slice of interfaces", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op() []I { return []I{T{}} }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
	},
	{
		name: "a method of a value in a field of an interface type", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\ntype S struct{ I }\nfunc Op() int { return S{T{}}.Get() }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
	},
	{
		name: "a method of a key of a map", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op(m map[I]int) { m[T{}] = 7 }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
		run: map[string]string{"Op": "m := map[p.I]int{}; p.Op(m); for k := range m { show.Values(k.Get()) }"},
	},
	{
		name: "a method of an appended value", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op(l []I) []I { return append(l, T{}) }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
		run: map[string]string{"Op": "show.Values(p.Op(nil)[0].Get())"},
	},
	{
		name: "a method of a variadic argument", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc f(l ...I) int { return l[1].Get() }\nfunc Op() int { return f(T{}, T{}) }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
	},
	{
		name: "a method of a value that an assignment turns into an interface", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op(l []I, t []T) { for _, l[0] = range t {} }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
		run: map[string]string{"Op": "l := []p.I{nil}; p.Op(l, []p.T{{}}); show.Values(l[0].Get())"},
	},
	{
		name: "a method of an embedded type, through an interface", src: "type I interface{ Get() int }\ntype A struct{}\nfunc (A) Get() int { return 1 }\ntype T struct{ *A }\nfunc Op() I { return T{&A{}} }", edits: []string{"return 1", "return 2"}, cause: "changed A.Get",
	},
	{
		name: "a method of a type declared in the function", src: "type I interface{ Get() int }\ntype A struct{}\nfunc (A) Get() int { return 1 }\nfunc Op() I { type t struct{ A }; return t{} }", edits: []string{"return 1", "return 2"}, cause: "changed A.Get",
	},
	{
		name: "value receiver to pointer receiver", src: "import \"fmt\"\ntype T struct{}\nfunc (t T) String() string { return \"a\" }\nfunc Op(x T) string { return fmt.Sprint(x) }",
		edits: []string{"(t T)", "(t *T)"}, cause: "added (*T).String", also: "changed rt:T",
	},
	{
		name: "a method found by its name", src: "import \"reflect\"\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc Op(name string) int { return int(reflect.ValueOf(T{}).MethodByName(name).Call(nil)[0].Int()) }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
	},
	{
		name: "a method that a constraint asks for", src: "type I interface{ Get() int }\ntype T struct{}\nfunc (T) Get() int { return 1 }\nfunc call[X I](x X) int { return x.Get() }\nfunc Op() int { return call(T{}) }", edits: []string{"return 1", "return 2"}, cause: "changed T.Get",
	},
	{
		name: "the body of a generic function", src: "func sum[T int | float64](x ...T) (s T) { for _, v := range x { s += v }; return s }\nfunc Op() int { return sum(1, 2) }", edits: []string{"s += v", "s -= v"}, cause: "changed sum",
	},
	{
		name: "a type argument", src: "func zero[T any]() (t T) { return t }\nfunc Op() any { return zero[int8]() }", edits: []string{"zero[int8]", "zero[int16]"}, cause: "changed Op",
	},
	{
		name: "an inferred type argument", src: "func size[T any](t T) any { return t }\nfunc Op() any { return size(f()) }\nfunc f() int8 { return 1 }", edits: []string{"f() int8", "f() int16"}, cause: "changed f",
	},
	{
		name: "a method of a generic type", src: "type L[T any] []T\nfunc (l L[T]) first() T { return l[0] }\nfunc Op(l L[int]) int { return l.first() }", edits: []string{"l[0]", "l[1]"}, cause: "changed L.first",
	},
	{
		name: "a method of the type argument of a generic type", src: "import \"fmt\"\ntype T int\nfunc (T) String() string { return \"a\" }\ntype L[X any] struct{ V X }\nfunc Op() string { return fmt.Sprint(L[T]{}) }", edits: []string{`"a"`, `"b"`}, cause: "changed T.String",
	},
	{
		name: "a constraint", src: "func f[T int | string](t T) {}\nfunc Op() { f(1) }", edits: []string{"int | string", "int | string | bool"}, cause: "changed f",
		quiet: "a constraint decides what compiles",
	},
	{
		name: "how a result is encoded", why: "the codecs call it when the output is stored", src: "type T struct{ N int }\nfunc (T) MarshalText() ([]byte, error) { return []byte(\"a\"), nil }\nfunc (T) UnmarshalText([]byte) error { return nil }\nfunc Op() []T { return []T{{1}} }\nfunc Keep(t int) int { return t }",
		edits: []string{`"a"`, `"b"`}, cause: "changed T.MarshalText",
	},
	{
		name: "what a type says of its values", why: "the engine asks each result, and each input, whether it is right", src: "type T struct{ N int }\nfunc (t T) CheckType() bool { return t.N > 0 }\nfunc Op() T { return T{1} }\nfunc Keep(t int) int { return t }",
		edits: []string{`t.N > 0`, `t.N > 1`}, cause: "changed T.CheckType",
		quiet: "the engine asks; a plain call does not",
	},
	{
		name: "what the type of an input says of its values", why: "the engine asks each result, and each input, whether it is right", src: "type T struct{ N int }\nfunc (t T) CheckType() bool { return t.N > 0 }\nfunc Op(t T) int { return t.N }\nfunc Keep(t int) int { return t }",
		edits: []string{`return t.N > 0`, `return t.N > 1`}, cause: "changed T.CheckType",
		quiet: "the engine asks; a plain call does not",
	},
}
