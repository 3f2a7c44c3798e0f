package load

import (
	"bytes"
	"go/token"
)

// withoutBodies returns Go source whose top-level function bodies are empty but for their line breaks. Bodies of other modules are not checked, and parsing them
// takes longer than all else about these files. Source that it does not understand is returned as it is: the parser has the last word.
func withoutBodies(src []byte) []byte {
	s := bodySkipper{src: src, out: make([]byte, 0, len(src)/2)}
	if !s.run() {
		return src
	}
	return append(s.out, src[s.copied:]...)
}

// A bodySkipper is a lexer that knows no more of Go than where brackets open and close.
type bodySkipper struct {
	src    []byte
	out    []byte
	copied int // src[:copied] is in out
	pos    int
	depth  int    // of brackets of all kinds
	fun    bool   // in the signature of a function declaration
	prev   []byte // the word before pos; empty after any other token
}

func (s *bodySkipper) run() bool {
	for s.pos < len(s.src) {
		start := s.pos
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			s.pos++
			continue
		case c == '/' && s.comment():
			continue
		case isWord(c):
			for s.pos < len(s.src) && isWord(s.src[s.pos]) {
				s.pos++
			}
			s.prev = s.src[start:s.pos]
			if s.depth == 0 && (start == 0 || s.src[start-1] == '\n') && token.IsKeyword(string(s.prev)) {
				s.fun = string(s.prev) == "func" // a declaration begins; the one before had no body if it was a function
			}
			continue
		case c == '"' || c == '\'' || c == '`':
			if !s.quoted(c) {
				return false
			}
		case c == '{' && s.fun && s.depth == 0 && string(s.prev) != "struct" && string(s.prev) != "interface":
			if !s.body() {
				return false
			}
			s.fun = false
		case c == '(' || c == '[' || c == '{':
			s.depth++
			s.pos++
		case c == ')' || c == ']' || c == '}':
			s.depth--
			s.pos++
			if s.depth < 0 {
				return false
			}
		default:
			s.pos++
		}
		s.prev = nil
	}
	return s.depth == 0
}

// isWord holds for bytes of names and numbers, and for all of characters beyond ASCII.
func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// comment skips one comment; it does nothing where there is none.
func (s *bodySkipper) comment() bool {
	rest := s.src[s.pos:]
	var end int
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		end = bytes.IndexByte(rest, '\n')
	case bytes.HasPrefix(rest, []byte("/*")):
		if end = bytes.Index(rest[2:], []byte("*/")); end >= 0 {
			end += 4
		}
	default:
		return false
	}
	if end < 0 {
		end = len(rest)
	}
	s.pos += end
	return true
}

// quoted skips a string or a rune.
func (s *bodySkipper) quoted(quote byte) bool {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == quote:
			s.pos++
			return true
		case c == '\\' && quote != '`':
			s.pos++
		case c == '\n' && quote != '`':
			return false
		}
	}
	return false
}

// telling are the bytes of a body that say where it ends, or begin what may hold such bytes in vain.
var telling = [256]bool{'/': true, '"': true, '\'': true, '`': true, '{': true, '}': true}

// body skips a block and writes an empty one with as many lines.
func (s *bodySkipper) body() bool {
	start, depth := s.pos, 0
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if !telling[c] { // nearly all
			s.pos++
			continue
		}
		switch c {
		case '/':
			if s.comment() {
				continue
			}
		case '"', '\'', '`':
			if !s.quoted(c) {
				return false
			}
			continue
		case '{':
			depth++
		case '}':
			depth--
		}
		s.pos++
		if depth == 0 {
			s.out = append(append(s.out, s.src[s.copied:start]...), '{')
			for range bytes.Count(s.src[start:s.pos], []byte("\n")) {
				s.out = append(s.out, '\n')
			}
			s.out = append(s.out, '}')
			s.copied = s.pos
			return true
		}
	}
	return false
}
