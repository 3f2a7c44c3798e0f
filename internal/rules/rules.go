package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Rule is what a field asks of its values. The zero Rule allows everything.
type Rule struct {
	Kind     string   // the value of a dag.FieldKind: "int", "duration", "list" ...
	Enum     []string // the only values; empty for any
	Min, Max string   // bounds that are allowed themselves, of numbers, durations and times; empty for none
	MinLen   int      // characters of a text, elements of a list, keys of a map
	MaxLen   int      // 0 for any number
	Pattern  string   // a regular expression that matches somewhere in a text; empty for none
}

// A Broken names the part of a rule that a value breaks.
type Broken uint8

// The parts of a [Rule].
const (
	Nothing Broken = iota
	Enum
	Bounds
	Length
	Pattern
)

// Check holds the text of a scalar against r: a number as strconv reads it with base 10, anything else as a run config has it.
func (r Rule) Check(text string) Broken {
	switch {
	case len(r.Enum) > 0 && !slices.ContainsFunc(r.Enum, func(e string) bool { return compare(r.Kind, e, text) == 0 }):
		return Enum
	case r.Min != "" && compare(r.Kind, text, r.Min) < 0, r.Max != "" && compare(r.Kind, text, r.Max) > 0:
		return Bounds
	case r.MinLen > 0 || r.MaxLen > 0:
		if r.CheckLen(utf8.RuneCountInString(text)) != Nothing {
			return Length
		}
	}
	if r.Pattern == "" {
		return Nothing
	}
	if re, err := compiled(r.Pattern); err != nil || !re.MatchString(text) {
		return Pattern
	}
	return Nothing
}

// CheckLen holds the number of elements of a list, or keys of a map, against r.
func (r Rule) CheckLen(n int) Broken {
	if n < r.MinLen || r.MaxLen > 0 && n > r.MaxLen {
		return Length
	}
	return Nothing
}

// compare orders two values of a kind; a text of no value of the kind orders as text.
func compare(kind, a, b string) int {
	switch kind {
	case "int":
		x, err1 := strconv.ParseInt(a, 10, 64)
		y, err2 := strconv.ParseInt(b, 10, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(x, y)
		}
	case "uint":
		x, err1 := strconv.ParseUint(a, 10, 64)
		y, err2 := strconv.ParseUint(b, 10, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(x, y)
		}
	case "float":
		x, err1 := strconv.ParseFloat(a, 64)
		y, err2 := strconv.ParseFloat(b, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(x, y)
		}
	case "duration":
		x, err1 := time.ParseDuration(a)
		y, err2 := time.ParseDuration(b)
		if err1 == nil && err2 == nil {
			return cmp.Compare(x, y)
		}
	case "time":
		x, err1 := time.Parse(time.RFC3339, a)
		y, err2 := time.Parse(time.RFC3339, b)
		if err1 == nil && err2 == nil {
			return x.Compare(y)
		}
	}
	return strings.Compare(a, b)
}

var patterns sync.Map // text to *regexp.Regexp

// compiled keeps regular expressions: a list has one for all its elements.
func compiled(pattern string) (*regexp.Regexp, error) {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		patterns.Store(pattern, re)
	}
	return re, err
}

// Words says what r asks, to stand behind what its kind is called: " from 1 to 10", " of at least 3 characters that matches ^a"; "" for nothing. An enum is not
// in it: it stands in place of the kind.
func (r Rule) Words() string {
	s := ""
	from, to, least, most := " from ", " to ", " of at least ", " of at most "
	if r.Kind == "time" {
		least, most = " not before ", " not after "
	}
	switch {
	case r.Min != "" && r.Max != "":
		s += from + r.Min + to + r.Max
	case r.Min != "":
		s += least + r.Min
	case r.Max != "":
		s += most + r.Max
	}
	unit, of := "character", " of "
	switch r.Kind {
	case "list":
		unit, of = "element", " with "
	case "map":
		unit, of = "key", " with "
	}
	switch {
	case r.MinLen > 0 && r.MinLen == r.MaxLen:
		s += of + Count(r.MinLen, unit)
	case r.MinLen > 0 && r.MaxLen > 0:
		s += of + strconv.Itoa(r.MinLen) + " to " + Count(r.MaxLen, unit)
	case r.MinLen > 0:
		s += of + "at least " + Count(r.MinLen, unit)
	case r.MaxLen > 0:
		s += of + "at most " + Count(r.MaxLen, unit)
	}
	if r.Pattern != "" {
		s += " that matches " + r.Pattern
	}
	return s
}

// Count writes a number of things: "1 character", "2 characters".
func Count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
