package partition

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Select reads a selection of partitions and returns them. It is a list with commas of keys and ranges; a range FROM...TO has both its ends, and one without an
// end goes as far as there are keys. * is all. With several dimensions, a term is a key as it is shown ("paris|2024-01-01"), or says of some dimensions which keys they have:
// "city=paris|date=2024-01-01...2024-01-31", "city=[paris,lyon]"; any key of the others is selected. A key with commas, bars or the like stands in quotes, as
// in Go. The error says what is wrong and which key is the nearest.
func (s *Space) Select(text string) (Set, error) {
	terms, err := split(text, ',')
	if err != nil {
		return Set{}, fmt.Errorf("partitions %q: %w", text, err)
	}
	var sets []Set
	var errs []error
	for _, term := range terms {
		set, err := s.term(strings.TrimSpace(term))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sets = append(sets, set)
	}
	if err := errors.Join(errs...); err != nil {
		return Set{}, err
	}
	return Union(sets...), nil
}

// Terms writes a set as elements of a selection: what Select reads of them, with commas between, is the set again. There is one for each block of the set.
func (s *Space) Terms(set Set) []string {
	terms, _ := s.FirstTerms(set, math.MaxInt)
	return terms
}

// FirstTerms is Terms as far as there are at most that many; more is how many partitions are left out.
func (s *Space) FirstTerms(set Set, most int) (terms []string, more int) {
	for box := range set.Boxes() {
		if len(terms) == most {
			n := 1
			for _, span := range box {
				n *= span.To - span.From
			}
			more += n
			continue
		}
		var parts []string
		for i, span := range box {
			a := s.axes[i]
			if s.multi && span == (Span{0, a.len()}) && len(box) > 1 {
				continue
			}
			text := Quote(a.key(span.From))
			if span.To > span.From+1 {
				text += "..." + Quote(a.key(span.To-1))
			}
			if s.multi {
				text = s.names[i] + "=" + text
			}
			parts = append(parts, text)
		}
		if len(parts) == 0 {
			parts = []string{"*"}
		}
		terms = append(terms, strings.Join(parts, "|"))
	}
	return terms, more
}

// Quote writes a key as a selection has it: in quotes where it could be read as something else.
func Quote(key string) string {
	if key == "*" || strings.TrimSpace(key) != key || strings.HasPrefix(key, ".") || strings.HasSuffix(key, ".") || strings.ContainsAny(key, `,"[]\=`) {
		return strconv.Quote(key)
	}
	return key
}

// Unquote reads a key as Quote wrote it; what is not in quotes is the key itself.
func Unquote(text string) string {
	if strings.HasPrefix(text, `"`) {
		if key, err := strconv.Unquote(text); err == nil {
			return key
		}
	}
	return text
}

// term reads one element of a selection.
func (s *Space) term(text string) (Set, error) {
	if text == "*" {
		return s.All(), nil
	}
	parts, err := split(text, '|')
	if err != nil {
		return Set{}, err
	}
	if !s.multi {
		if len(parts) > 1 {
			return Set{}, fmt.Errorf("partition %q: there is one dimension; write its keys, without a bar", text)
		}
		return s.along(0, text)
	}
	named := slices.IndexFunc(parts, func(part string) bool { _, _, ok := s.dimension(part); return ok })
	if named < 0 && len(parts) != len(s.axes) {
		return Set{}, fmt.Errorf("partition %q has %d of %d dimensions; write %s, or only some of them as %s=KEY", text, len(parts), len(s.axes), strings.Join(s.names, "|"), s.names[0])
	}
	set := s.All()
	given := map[int]bool{}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if named >= 0 {
			name, rest, ok := s.dimension(part)
			if !ok {
				return Set{}, fmt.Errorf("%q says no dimension; write one of %s before it, as %s=KEY", part, strings.Join(s.names, ", "), s.names[0])
			}
			if i = slices.Index(s.names, name); i < 0 {
				return Set{}, fmt.Errorf("there is no dimension %q; there are %s", name, strings.Join(s.names, ", "))
			}
			if given[i] {
				return Set{}, fmt.Errorf("dimension %q is given twice in %q; list its keys as %s=[A,B]", name, text, name)
			}
			part = rest
		}
		given[i] = true
		one, err := s.along(i, part)
		if err != nil {
			return Set{}, err
		}
		set = set.Intersect(s.across(i, one))
	}
	return set, nil
}

// dimension cuts a part into the name before an equals sign and what follows. Keys may have equals signs too: only what looks like a name is one.
func (s *Space) dimension(part string) (name, rest string, ok bool) {
	name, rest, ok = strings.Cut(strings.TrimSpace(part), "=")
	return name, strings.TrimSpace(rest), ok && dimensionName(name)
}

// across returns the partitions of the space that have one of the given numbers along an axis.
func (s *Space) across(i int, along Set) Set {
	var sets []Set
	for _, span := range along.Spans() {
		spans := make([]Span, len(s.axes))
		for j, a := range s.axes {
			spans[j] = Span{0, a.len()}
		}
		spans[i] = span
		sets = append(sets, Box(spans...))
	}
	return Union(sets...)
}

// along reads keys, ranges and lists in brackets of one axis, and returns their numbers.
func (s *Space) along(i int, text string) (Set, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		parts, err := split(strings.TrimSuffix(inner, "]"), ',')
		if err != nil {
			return Set{}, err
		}
		var sets []Set
		for _, part := range parts {
			set, err := s.along(i, strings.TrimSpace(part))
			if err != nil {
				return Set{}, err
			}
			sets = append(sets, set)
		}
		return Union(sets...), nil
	}
	if text == "*" {
		return Box(Span{0, s.axes[i].len()}), nil
	}
	from, to, ranged := cutRange(text)
	span := Span{0, s.axes[i].len()}
	if !ranged || from != "" {
		n, err := s.quoted(i, from)
		if err != nil {
			return Set{}, err
		}
		span.From = n
		if !ranged {
			return Box(Span{n, n + 1}), nil
		}
	}
	if to != "" {
		n, err := s.quoted(i, to)
		if err != nil {
			return Set{}, err
		}
		span.To = n + 1
	}
	if span.From >= span.To {
		return Set{}, fmt.Errorf("the range %s ends before it begins", text)
	}
	return Box(span), nil
}

// quoted returns the number of a key that may stand in quotes.
func (s *Space) quoted(i int, text string) (int, error) {
	if strings.HasPrefix(text, `"`) {
		key, err := strconv.Unquote(text)
		if err != nil {
			return 0, fmt.Errorf("%s is no text in quotes", text)
		}
		return s.number(i, key)
	}
	if text == "" {
		return 0, errors.New("an empty partition key; write a key, a range FROM...TO or *")
	}
	return s.number(i, text)
}

// cutRange cuts at the three dots that stand outside of quotes.
func cutRange(text string) (from, to string, ok bool) {
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case inside && text[i] == '\\':
			i++
		case text[i] == '"':
			inside = !inside
		case !inside && strings.HasPrefix(text[i:], "..."):
			return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+3:]), true
		}
	}
	return text, "", false
}

// split cuts at a separator that stands outside of quotes and brackets.
func split(text string, separator byte) ([]string, error) {
	var parts []string
	start, depth, inside := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case inside:
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth < 0 {
				return nil, errors.New("a bracket closes that was not opened; a key with brackets stands in quotes")
			}
		case c == separator && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	switch {
	case inside:
		return nil, errors.New("a quote is not closed")
	case depth > 0:
		return nil, errors.New("a bracket is not closed; a key with brackets stands in quotes")
	}
	return append(parts, text[start:]), nil
}
