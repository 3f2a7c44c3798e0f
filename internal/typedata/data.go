package typedata

import (
	"encoding/binary"
	"fmt"
)

// A Data is what [Encode] wrote, opened: its tables are read, its declarations are not.
type Data struct {
	// Name is the name of the package.
	Name string

	// Mentions are the import paths of the packages whose declarations, or unexported names, the declarations refer to.
	Mentions []string

	// API is the part of the data that others depend on: equal bytes mean equal declarations. What the mentioned packages declare is not in it.
	API []byte

	strings  []string
	packages []string // the first is the package itself, by whatever path
	decls    []decl
	byName   map[string]int
	files    []file
	hidden   []string
}

type decl struct {
	name string
	sort byte
	data []byte
	pos  []byte
}

type file struct {
	pkg          string // "" for the package itself
	name         string
	lines, width int
}

// Open reads the tables of data, which it keeps.
func Open(data []byte) (d *Data, err error) {
	defer recovered(&err)
	if len(data) == 0 || data[0] != version {
		fail("not the data of this version")
	}
	r := &reader{b: data[1:]}
	api := r.bytes()
	rest := r.b
	d = &Data{API: api, byName: map[string]int{}}
	r = &reader{b: api}
	d.Name = string(r.bytes())
	for range r.count() {
		d.strings = append(d.strings, string(r.bytes()))
	}
	for range r.count() {
		d.packages = append(d.packages, string(r.bytes()))
	}
	if len(d.packages) == 0 {
		fail("no package")
	}
	d.Mentions = d.packages[1:]
	for range r.count() {
		c := decl{name: string(r.bytes()), sort: r.byte()}
		c.data = r.bytes()
		if c.sort == declHidden || c.sort > declAlias {
			fail("declaration %s of an unknown sort", c.name)
		}
		if len(d.decls) > 0 && d.decls[len(d.decls)-1].name >= c.name {
			fail("declarations out of order")
		}
		d.byName[c.name] = len(d.decls)
		d.decls = append(d.decls, c)
	}
	r.end()
	r = &reader{b: rest}
	for range r.count() {
		var f file
		if own := r.bool(); !own {
			f.pkg = string(r.bytes())
		}
		f.name, f.lines, f.width = string(r.bytes()), r.small(maxLines), r.small(maxColumns)
		d.files = append(d.files, f)
	}
	for i := range d.decls {
		d.decls[i].pos = r.bytes()
	}
	for range r.count() {
		d.hidden = append(d.hidden, string(r.bytes()))
	}
	r.end()
	return d, nil
}

// The largest line and column that are kept as they are. A file with more is no file that people wrote.
const (
	maxLines   = 1 << 24
	maxColumns = 1 << 16
)

// Names returns the names of all package-level declarations, also of those that nobody can see, in no order.
func (d *Data) Names() []string {
	out := make([]string, 0, len(d.decls)+len(d.hidden))
	for _, c := range d.decls {
		out = append(out, c.name)
	}
	return append(out, d.hidden...)
}

// recovered turns what reading gave up with into an error. Whatever go/types says of values that it cannot make is one too.
func recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case failure:
		*err = p.err
	default:
		*err = fmt.Errorf("typedata: %v", p)
	}
}

// A reader takes bytes apart; it fails where there are not enough.
type reader struct{ b []byte }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		fail("cut short")
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) num() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		fail("cut short")
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		fail("cut short")
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) bool() bool {
	switch r.byte() {
	case 0:
		return false
	case 1:
		return true
	}
	fail("neither true nor false")
	return false
}

// count is a number of things that follow, each of at least a byte.
func (r *reader) count() int { return r.small(len(r.b)) }

// small is a number up to a limit.
func (r *reader) small(limit int) int {
	n := r.num()
	if n > uint64(limit) {
		fail("number %d is too large", n)
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.small(len(r.b))
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) end() {
	if len(r.b) > 0 {
		fail("%d bytes too many", len(r.b))
	}
}
