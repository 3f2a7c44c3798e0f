package oracle

import "go/types"

// A reached is what one piece of code depends on.
type reached struct {
	in    []bool         // by node
	types map[int32]bool // that are converted to interfaces
}

// reach collects what node root depends on: the code that it can run, where a call of an interface's method can only run methods of types
// that are converted to an interface somewhere in that code (values that are handed in from outside have their own version), and the
// variables and types that the code names. With state, what changes such a variable when a program starts counts too, if it stands in a package
// that root's package imports.
func (d *dependence) reach(root int32, state bool) reached {
	types := map[int32]bool{}
	r := reached{in: make([]bool, len(d.nodes)), types: types}
	calls := map[int32]bool{}
	waiting := map[int32][]int32{} // type -> methods that are called on it once there is a value
	queue := []int32{root}
	r.in[root] = true
	push := func(n int32) {
		if !r.in[n] {
			r.in[n] = true
			queue = append(queue, n)
		}
	}
	var scope map[int]bool
	if p := d.nodes[root].pkg; p >= 0 {
		scope = d.scope[p]
	}
	for len(queue) > 0 {
		n := &d.nodes[queue[len(queue)-1]]
		queue = queue[:len(queue)-1]
		for _, e := range n.edges {
			push(e)
		}
		for _, t := range n.becomes {
			if !types[t] {
				types[t] = true
				for _, fn := range waiting[t] {
					push(fn)
				}
				delete(waiting, t)
			}
		}
		for _, c := range n.invokes {
			if calls[c] {
				continue
			}
			calls[c] = true
			for _, t := range d.targets[c] {
				if types[t.typ] {
					push(t.fn)
				} else {
					waiting[t.typ] = append(waiting[t.typ], t.fn)
				}
			}
		}
		if state {
			for _, i := range n.by {
				if scope[d.nodes[i].pkg] {
					push(i)
				}
			}
		}
	}
	return r
}

// A closure is which roots depend on which declarations.
type closure struct {
	decls map[types.Object]int
	users [][]int32 // by declaration: numbers of roots
	sizes []int     // by root: of how many functions and methods its closure consists

	converts map[types.Type][]int32 // roots that reach a conversion of the type to an interface
}

// closures computes what each root depends on, the other way round.
func (d *dependence) closures() *closure {
	c := &closure{decls: map[types.Object]int{}, sizes: make([]int, len(d.roots)), converts: map[types.Type][]int32{}}
	number := make([]int, len(d.nodes))
	for n := range d.nodes {
		number[n] = -1
		o := d.nodes[n].decl
		if o == nil {
			continue
		}
		if _, ok := c.decls[o]; !ok {
			c.decls[o] = len(c.decls)
		}
		number[n] = c.decls[o]
	}
	c.users = make([][]int32, len(c.decls))
	last := make([]int, len(c.decls))
	for i, root := range d.roots {
		r := d.reach(root, true)
		for t := range r.types {
			c.converts[d.typeList[t]] = append(c.converts[d.typeList[t]], int32(i))
		}
		for n, in := range r.in {
			if k := number[n]; in && k >= 0 && last[k] != i+1 {
				last[k] = i + 1
				c.users[k] = append(c.users[k], int32(i))
				if _, isFunc := d.nodes[n].decl.(*types.Func); isFunc {
					c.sizes[i]++
				}
			}
		}
	}
	return c
}
