package manifest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// Parse reads the text of a manifest. It accepts exactly what [Manifest.Text] writes: an error names the line and what was expected
// there, which is what a merge conflict or an edit by hand looks like.
func Parse(text string) (*Manifest, error) {
	p := &parser{rest: text}
	p.next()
	m, err := p.manifest()
	if err != nil {
		return nil, fmt.Errorf("manifest:%d: %w; run `go generate` again", p.line, err)
	}
	return m, nil
}

// A parser holds one line at a time: number, text, and what follows.
type parser struct {
	line int
	cur  string
	eof  bool // there is no current line
	rest string
}

func (p *parser) next() {
	p.line++
	i := strings.IndexByte(p.rest, '\n')
	if i < 0 {
		// Text without its final newline is not what Text writes; the caller sees it as a line that is not expected.
		p.cur, p.rest, p.eof = p.rest, "", true
		return
	}
	p.cur, p.rest = p.rest[:i], p.rest[i+1:]
}

func (p *parser) manifest() (*Manifest, error) {
	m := &Manifest{}
	if err := p.literal(FirstLine); err != nil {
		return nil, err
	}
	var err error
	for _, h := range []struct {
		word string
		to   *string
	}{{"mode ", &m.Mode}, {"target ", &m.Target}, {"language ", &m.Language}} {
		if *h.to, err = p.name(h.word); err != nil {
			return nil, err
		}
	}
	if m.Toolchain, err = p.optional("toolchain "); err != nil {
		return nil, err
	}
	if m.Deps, err = p.optional("deps "); err != nil {
		return nil, err
	}
	stage := 0 // entries, then nodes, then packages
	for {
		if err := p.literal(""); err != nil {
			return nil, err
		}
		switch {
		case strings.HasPrefix(p.cur, "entry ") && stage == 0:
			err = p.entry(m)
		case strings.HasPrefix(p.cur, "node ") && stage <= 1:
			stage = 1
			err = p.node(m)
		case strings.HasPrefix(p.cur, "package "):
			stage = 2
			err = p.pkg(m)
		case strings.HasPrefix(p.cur, "file ") && stage == 2:
			err = p.file(&m.Packages[len(m.Packages)-1])
		case p.cur == LastLine && !p.eof:
			p.next()
			if p.cur != "" || !p.eof {
				return nil, errors.New("there is text after the last line")
			}
			return m, nil
		default:
			err = p.unexpected("an entry, a node, a package, a file or the last line, in this order")
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) entry(m *Manifest) (err error) {
	var e Entry
	if e.Symbol, err = p.name("entry "); err != nil {
		return err
	}
	if n := len(m.Entries); n > 0 && m.Entries[n-1].Symbol >= e.Symbol {
		return p.order("entry", e.Symbol)
	}
	if e.Version, err = p.digest("\tversion "); err != nil {
		return err
	}
	if e.Node, err = p.name("\tnode "); err != nil {
		return err
	}
	if e.Also, err = p.list("\talso "); err != nil {
		return err
	}
	for p.count("\twithout ") > 0 {
		var w Without
		if w.Name, w.Reason, err = p.names("\twithout "); err != nil {
			return err
		}
		if w.Reason == "" {
			p.line--
			return errors.New("what is left out has a reason")
		}
		if n := len(e.Without); n > 0 && e.Without[n-1].Name >= w.Name {
			return p.order("without", w.Name)
		}
		e.Without = append(e.Without, w)
	}
	m.Entries = append(m.Entries, e)
	return nil
}

func (p *parser) node(m *Manifest) (err error) {
	var n Node
	if n.Name, err = p.name("node "); err != nil {
		return err
	}
	if k := len(m.Nodes); k > 0 && m.Nodes[k-1].Name >= n.Name {
		return p.order("node", n.Name)
	}
	if n.Local, err = p.digest("\tlocal "); err != nil {
		return err
	}
	if n.Kind, n.File, err = p.names("\tkind "); err != nil {
		return err
	}
	if n.Hash, err = p.digest("\thash "); err != nil {
		return err
	}
	if n.Value, err = p.optional("\tvalue "); err != nil {
		return err
	}
	if n.Refs, err = p.list("\tref "); err != nil {
		return err
	}
	if n.Implied, err = p.list("\timplied "); err != nil {
		return err
	}
	if n.Sets, err = p.list("\tsets "); err != nil {
		return err
	}
	m.Nodes = append(m.Nodes, n)
	return nil
}

// optional takes a name that is not empty where there is one.
func (p *parser) optional(prefix string) (string, error) {
	if p.count(prefix) == 0 {
		return "", nil
	}
	v, err := p.name(prefix)
	if err == nil && v == "" {
		err = errors.New("want a name that is not empty")
	}
	return v, err
}

// list takes all lines from the current one on that start with a prefix; nil where there is none.
func (p *parser) list(prefix string) (names []string, err error) {
	n := p.count(prefix)
	if n == 0 {
		return nil, nil
	}
	names = make([]string, n)
	for i := range names {
		if names[i], err = p.name(prefix); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// count says how many lines from the current one on start with a prefix.
func (p *parser) count(prefix string) int {
	if p.eof || !strings.HasPrefix(p.cur, prefix) {
		return 0
	}
	n, rest := 1, p.rest
	for strings.HasPrefix(rest, prefix) {
		i := strings.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		n, rest = n+1, rest[i+1:]
	}
	return n
}

func (p *parser) pkg(m *Manifest) error {
	path, err := p.name("package ")
	if err != nil {
		return err
	}
	if n := len(m.Packages); n > 0 && m.Packages[n-1].Path >= path {
		return p.order("package", path)
	}
	patterns, err := p.list("\tembed ")
	if err != nil {
		return err
	}
	m.Packages = append(m.Packages, SourcePackage{Path: path, Patterns: patterns})
	return nil
}

func (p *parser) file(pkg *SourcePackage) (err error) {
	var f SourceFile
	if f.Name, err = p.name("file "); err != nil {
		return err
	}
	if n := len(pkg.Files); n > 0 && pkg.Files[n-1].Name >= f.Name {
		return p.order("file", f.Name)
	}
	if f.Raw, err = p.digest("\traw "); err != nil {
		return err
	}
	if p.eof {
		return p.unexpected("what the file is")
	}
	tokens := false
	switch p.cur {
	case "\tis go":
		tokens = true
	case "\tis ignored go":
		tokens, f.Ignored = true, true
	case "\tis data":
	case "\tis declared data":
		f.Declared = true
	case "\tis ignored data":
		f.Ignored = true
	default:
		return p.unexpected("what the file is")
	}
	p.next()
	if tokens {
		if f.Tokens, err = p.digest("\ttokens "); err != nil {
			return err
		}
		if f.Tokens.IsZero() {
			p.line--
			return errors.New("a Go file cannot have the digest 0")
		}
	}
	pkg.Files = append(pkg.Files, f)
	return nil
}

func (p *parser) literal(want string) error {
	if p.eof || p.cur != want {
		if want == "" {
			want = "a blank line"
		}
		return p.unexpected(want)
	}
	p.next()
	return nil
}

// value takes a line that starts with a prefix and gives what follows it.
func (p *parser) value(prefix string) (string, error) {
	if p.eof || !strings.HasPrefix(p.cur, prefix) {
		return "", p.unexpected(strings.TrimSpace(prefix))
	}
	return p.cur[len(prefix):], nil
}

func (p *parser) name(prefix string) (string, error) {
	v, err := p.value(prefix)
	if err != nil {
		return "", err
	}
	s, rest, err := unquote(v)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q follows the name", rest)
	}
	if err != nil {
		return "", err
	}
	p.next()
	return s, nil
}

// names takes one name and perhaps a second, which is not empty.
func (p *parser) names(prefix string) (first, second string, err error) {
	v, err := p.value(prefix)
	if err != nil {
		return "", "", err
	}
	first, rest, err := unquote(v)
	if err != nil {
		return "", "", err
	}
	if rest != "" {
		var more string
		second, more, err = unquote(rest[1:])
		if err == nil && (more != "" || second == "") {
			err = errors.New("want one name, or two that are not empty")
		}
		if err != nil {
			return "", "", err
		}
	}
	p.next()
	return first, second, nil
}

// unquote reads the word a line starts with; rest is empty or starts with the space behind that word.
func unquote(v string) (s, rest string, err error) {
	if !strings.HasPrefix(v, `"`) {
		i := strings.IndexByte(v, ' ')
		if i < 0 {
			i = len(v)
		}
		if !plain(v[:i]) {
			return "", "", fmt.Errorf("%q is not a name", v[:i])
		}
		return v[:i], v[i:], nil
	}
	q, err := strconv.QuotedPrefix(v)
	if err != nil {
		return "", "", fmt.Errorf("%q is not a quoted name", v)
	}
	s, err = strconv.Unquote(q)
	if err != nil || quote(s) != q { // one name has one spelling, else a text would not be read back as it was
		return "", "", fmt.Errorf("%s is not how this name is written", q)
	}
	rest = v[len(q):]
	if rest != "" && rest[0] != ' ' {
		return "", "", fmt.Errorf("%q follows the name", rest)
	}
	return s, rest, nil
}

func (p *parser) digest(prefix string) (d canon.Digest, err error) {
	v, err := p.value(prefix)
	if err != nil {
		return d, err
	}
	if len(v) != 2*len(d) || strings.ContainsAny(v, "ABCDEF") {
		return d, fmt.Errorf("%q is not 64 lower-case hexadecimal digits", v)
	}
	var buf [2 * len(d)]byte
	copy(buf[:], v)
	if _, err := hex.Decode(d[:], buf[:]); err != nil {
		return d, fmt.Errorf("%q is not 64 lower-case hexadecimal digits", v)
	}
	p.next()
	return d, nil
}

func (p *parser) order(what, name string) error {
	p.line--
	return fmt.Errorf("%s %q is out of order, or there twice", what, name)
}

func (p *parser) unexpected(want string) error {
	if p.eof && p.cur == "" {
		return fmt.Errorf("the text ends where %q is expected", want)
	}
	got := p.cur
	if len(got) > 80 {
		got = got[:80] + "..."
	}
	return fmt.Errorf("want %q, have %q", want, got)
}
