package plan

import "math/bits"

// Pages is a list whose elements keep their addresses while it grows. Elements that a reader knows the index of may be read while others are
// added.
type Pages[T any] struct {
	first []T
	more  [26][]T // of 64, 128, 256 ...
	n     int
}

// Reserve makes room for the first n elements in one piece; the list is empty.
func (p *Pages[T]) Reserve(n int) { p.first = make([]T, n) }

// Len returns how many elements there are. It is for those who add, and for those who know that nobody does.
func (p *Pages[T]) Len() int { return p.n }

// At returns element i.
func (p *Pages[T]) At(i int) *T {
	if i < len(p.first) {
		return &p.first[i]
	}
	c, at := page(i - len(p.first))
	return &p.more[c][at]
}

// Add adds a zero element and returns it.
func (p *Pages[T]) Add() *T {
	i := p.n
	p.n++
	if i >= len(p.first) {
		if c, _ := page(i - len(p.first)); p.more[c] == nil {
			p.more[c] = make([]T, 64<<c)
		}
	}
	return p.At(i)
}

// page returns where element i behind the first page is.
func page(i int) (c, at int) {
	c = bits.Len(uint(i>>6+1)) - 1
	return c, i - (1<<c-1)<<6
}
