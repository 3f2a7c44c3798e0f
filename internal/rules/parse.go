package rules

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ParseLen reads the value of a tag len: "3" for exactly so many, "1..10", "1.." or "..10".
func ParseLen(text string) (least, most int, err error) {
	bad := errors.New(`want a number or two, such as 3, 1..10, 1.. or ..10`)
	number := func(s string) int {
		n, e := strconv.Atoi(s)
		if e != nil || n < 0 || n > math.MaxInt32 {
			err = bad
		}
		return n
	}
	from, to, ranged := strings.Cut(text, "..")
	switch {
	case !ranged:
		least = number(from)
		most = least
	case from == "" && to == "":
		err = bad
	default:
		if from != "" {
			least = number(from)
		}
		if to != "" {
			most = number(to)
		}
	}
	switch {
	case err != nil:
		return 0, 0, err
	case to != "" && most < least, !ranged && least == 0, ranged && to != "" && most == 0:
		return 0, 0, errors.New("nothing has that length")
	}
	return least, most, nil
}

// Scalar checks that text is a value of a kind with so many bits, and returns the form in which values are compared.
func Scalar(kind string, bits int, text string) (string, error) {
	switch kind {
	case "int":
		n, err := strconv.ParseInt(text, 10, bits)
		return strconv.FormatInt(n, 10), reason(err)
	case "uint":
		n, err := strconv.ParseUint(text, 10, bits)
		return strconv.FormatUint(n, 10), reason(err)
	case "float":
		f, err := strconv.ParseFloat(text, bits)
		if err == nil && (math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(text, "_xX")) {
			return "", errors.New("not a finite number")
		}
		return strconv.FormatFloat(f, 'g', -1, bits), reason(err) // as JSON has it
	case "duration":
		_, err := time.ParseDuration(text)
		if err != nil {
			return "", errors.New("not a duration")
		}
	case "time":
		_, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return "", errors.New("not a time in the form of RFC 3339")
		}
	}
	return text, nil
}

func reason(err error) error {
	var e *strconv.NumError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// unportable is what Go's regular expressions have and those of JSON Schema have not, so that a schema could not say it.
var unportable = regexp.MustCompile(`\(\?[^:]|\[:\^?[a-z]+:\]|\\[AzQEa]|\\[pP]([^{]|\{\^?[A-Z][a-z_]{2,})`)

// CheckPattern reports what is wrong with a regular expression, for Go or for JSON Schema.
func CheckPattern(pattern string) error {
	if pattern == "" {
		return errors.New("it is empty")
	}
	if strings.ContainsFunc(pattern, unicode.IsControl) {
		return errors.New("it has a control character; write it with a backslash")
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if at := unportable.FindString(strings.ReplaceAll(pattern, `\\`, "")); at != "" {
		return fmt.Errorf("JSON Schema has no %s", at)
	}
	return nil
}

// Empty reports whether the bounds of r allow nothing.
func (r Rule) Empty() bool { return r.Min != "" && r.Max != "" && compare(r.Kind, r.Min, r.Max) > 0 }
