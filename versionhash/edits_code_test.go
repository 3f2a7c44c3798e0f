package versionhash

// codeEdits are edits of code that an op reaches by name.
var codeEdits = []edit{
	{
		name: "the body of the function itself",
		src:  "func Op(x int) int { return x + 1 }\nfunc Keep(x int) int { return x + 3 }", edits: []string{"x + 1", "x + 2"}, cause: "changed Op",
	},
	{
		name: "a function it calls", src: "func Op(x int) int { return f(x) }\nfunc f(x int) int { return x + 1 }\nfunc Keep(x int) int { return x }",
		edits: []string{"x + 1", "x + 2"}, cause: "changed f",
	},
	{
		name: "a function three calls away", src: "func Op(x int) int { return f(x) }\nfunc f(x int) int { return g(x) }\nfunc g(x int) int { return h(x) }\nfunc h(x int) int { return x * 2 }",
		edits: []string{"x * 2", "x * 3"}, cause: "changed h",
	},
	{
		name:  "a function of another package of the module",
		src:   "-- a.go --\nimport \"ROW/q\"\nfunc Op(x int) int { return q.F(x) }\n-- q/q.go --\npackage q\nfunc F(x int) int { return x + 1 }\nfunc KeepG() {}",
		edits: []string{"x + 1", "x + 2"}, cause: "changed q.F",
	},
	{
		name: "which function is called", src: "func Op(x int) int { return f(x) }\nfunc f(x int) int { return x + 1 }\nfunc g(x int) int { return x + 2 }\nfunc Keep() int { return f(1) + g(1) }",
		edits: []string{"Op(x int) int { return f(x)", "Op(x int) int { return g(x)"}, cause: "changed Op",
	},
	{
		name: "the order of arguments", src: "func Op(a, b int) int { return f(a, b) }\nfunc f(a, b int) int { return a - b }",
		edits: []string{"return f(a, b)", "return f(b, a)"}, cause: "changed Op",
	},
	{
		name: "the order of statements", src: "func Op(m []int) { m[0] = 1; m[1] = 2 }", edits: []string{"m[0] = 1; m[1] = 2", "m[1] = 2; m[0] = 1"}, cause: "changed Op",
	},
	{
		name: "which of two locals is used", src: "func Op(a, b int) int { return a }", edits: []string{"return a", "return b"}, cause: "changed Op",
	},
	{
		name: "shadowing of a local", src: "func Op(c bool) int { x := 1; if c { x = 2 }; return x }", edits: []string{"x = 2", "x := 2; _ = x"}, cause: "changed Op",
	},
	{
		name: "the bare condition of a loop", src: "func Op(c bool) int { n := 0; for ; c; { n++; if n > 3 { break } }; return n }",
		edits: []string{"for ; c; {", "for ; ; c = false {"}, cause: "changed Op",
	},
	{
		name: "a label", src: "func Op() (n int) { a: for { b: for { n++; if n > 9 { break a }; if n%4 == 0 { break b }; continue b }; n += 2 }; return n }",
		edits: []string{"{ break b }", "{ continue a }"}, cause: "changed Op",
	},
	{
		name: "continue to break", src: "func Op(xs []int) (n int) { for _, x := range xs { if x == 0 { continue }; n += x }; return n }",
		edits: []string{"continue", "break"}, cause: "changed Op",
	},
	{
		name: "a defer dropped", src: "func Op(f func()) { defer f(); println(1) }", edits: []string{"defer f()", "f()"}, cause: "changed Op",
	},
	{
		name: "go added to a call", src: "func Op(f func()) { f() }", edits: []string{"{ f()", "{ go f()"}, cause: "changed Op",
		run: map[string]string{"Op": "defer func() { show.Values(recover()) }(); p.Op(func() { panic(1) })"},
	},
	{
		name: "the order of select cases and their channels", src: "func Op(a, b chan int) int { select { case x := <-a: return x; case <-b: return 0 } }",
		edits: []string{"<-a: return x; case <-b", "<-b: return x; case <-a"}, cause: "changed Op",
	},
	{
		name: "a case of a switch", src: "func Op(x int) int { switch x { case 1, 2: return 1; default: return 0 } }", edits: []string{"case 1, 2", "case 1, 3"}, cause: "changed Op",
	},
	{
		name: "fallthrough", src: "func Op(x int) (n int) { switch x { case 1: n++; case 2: n += 2 }; return }", edits: []string{"n++", "n++; fallthrough"}, cause: "changed Op",
	},
	{
		name: "a closure inside", src: "func Op() func() int { return func() int { return 1 } }", edits: []string{"return 1", "return 2"}, cause: "changed Op",
	},
	{
		name: "a function used as a value", src: "func Op(xs []int) { apply(xs, f) }\nfunc apply(xs []int, f func(int)) { for _, x := range xs { f(x) } }\nfunc f(x int) { println(x) }",
		edits: []string{"println(x)", "println(x, x)"}, cause: "changed f",
	},
	{
		name: "a function in a table of functions", src: "var table = map[string]func(int) int{\"f\": f}\nfunc Op(x int) int { return table[\"f\"](x) }\nfunc f(x int) int { return x }\nfunc KeepG(x int) int { return f2(x) }\nfunc f2(x int) int { return x }",
		edits: []string{"func f(x int) int { return x }", "func f(x int) int { return -x }"}, cause: "changed f",
	},
	{
		name: "an iterator that is ranged over", src: "func Op() (n int) { for x := range seq { n += x }; return n }\nfunc seq(yield func(int) bool) { yield(1) }",
		edits: []string{"yield(1)", "yield(2)"}, cause: "changed seq",
	},
	{
		name: "a method called on a value", src: "type T struct{ n int }\nfunc (t T) get() int { return t.n }\nfunc Op(t T) int { return t.get() }\nfunc KeepN(t T) int { return t.n }",
		edits: []string{"return t.n }\nfunc Op", "return t.n + 1 }\nfunc Op"}, cause: "changed T.get",
	},
	{
		name: "a method called on a pointer", src: "type T struct{ n int }\nfunc (t *T) get() int { return t.n }\nfunc Op(t *T) int { return t.get() }",
		edits: []string{"return t.n", "return -t.n"}, cause: "changed (*T).get",
	},
	{
		name: "a method used as a value", src: "type T struct{ n int }\nfunc (t T) get() int { return t.n }\nfunc Op(t T) func() int { return t.get }",
		edits: []string{"return t.n", "return -t.n"}, cause: "changed T.get",
	},
	{
		name: "a method used as an expression", src: "type T struct{ n int }\nfunc (t T) get() int { return t.n }\nfunc Op() func(T) int { return T.get }",
		edits: []string{"return t.n", "return -t.n"}, cause: "changed T.get",
	},
	{
		name: "a method promoted from an embedded type", src: "type A struct{}\nfunc (A) get() int { return 1 }\ntype T struct{ A }\nfunc Op(t T) int { return t.get() }",
		edits: []string{"return 1", "return 2"}, cause: "changed A.get",
	},
	{
		name: "a method that hides a promoted one", src: "type A struct{}\nfunc (A) get() int { return 1 }\ntype T struct{ A }\nfunc Op(t T) int { return t.get() }",
		edits: []string{"type T struct{ A }", "type T struct{ A }\nfunc (T) get() int { return 2 }"}, cause: "added T.get",
	},
	{
		name: "recursion", src: "func Op(n int) int { if n <= 0 { return 1 }; return n * Op(n-1) }", edits: []string{"return 1", "return 2"}, cause: "changed Op",
	},
	{
		name: "a member of a cycle of functions", src: "func Op(n int) int { return f(n) }\nfunc f(n int) int { if n <= 0 { return 0 }; return g(n - 1) }\nfunc g(n int) int { return f(n - 1) + 1 }",
		edits: []string{"f(n - 1) + 1", "f(n - 1) + 2"}, cause: "changed g",
	},
	{
		name:  "which of two look-alikes in a cycle is called",
		why:   "the members of a cycle are told apart by all that they reach",
		src:   "func Op(n int) int { return a(n) }\nfunc a(n int) int { if n <= 0 { return 0 }; return b(n - 1) }\nfunc b(n int) int { if n <= 0 { return 0 }; return c(n - 1) }\nfunc c(n int) int { if n <= 0 { return 1 }; return a(n - 1) }",
		edits: []string{"return b(n - 1)", "return c(n - 1)", "return c(n - 1) }\nfunc c", "return a(n - 1) }\nfunc c", "return 1 }; return a(n - 1)", "return 1 }; return b(n - 1)"}, cause: "changed a",
	},
	{
		name: "the type of a parameter", src: "func Op(x int32) int64 { return int64(x) }", edits: []string{"x int32", "x int16"}, cause: "changed Op",
	},
	{
		name: "a parameter to a variadic one", src: "func Op(x []int) int { return len(x) }", edits: []string{"x []int", "x ...int"}, cause: "changed Op",
		quiet: "it is called in another way, and does the same",
	},
	{
		name: "what a naked return gives", src: "func Op() (a, b int) { a = 1; return }", edits: []string{"a = 1", "b = 1"}, cause: "changed Op",
	},
	{
		name: "a function of the standard library", why: "the standard library counts by name, and as a whole by the language version",
		src: "import \"strings\"\nfunc Op(s string) string { return strings.ToUpper(s) }", edits: []string{"ToUpper", "ToLower"}, cause: "changed Op",
	},
	{
		name: "a helper used only under a type parameter", src: "func Op() int { return gen(1) }\nfunc gen[T any](x T) int { return helper() }\nfunc helper() int { return 1 }",
		edits: []string{"return 1", "return 2"}, cause: "changed helper",
	},
}
