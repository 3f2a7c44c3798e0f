package partition

import (
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

// unknown says that an axis has no such key, and which one was probably meant.
func (s *Space) unknown(i int, key string) error {
	a := s.axes[i]
	if a.len() == 0 {
		return fmt.Errorf("no partition %q%s: there is none yet", key, s.ofAxis(i))
	}
	text := fmt.Sprintf("no partition %q%s; they are %s...%s", key, s.ofAxis(i), a.key(0), a.key(a.len()-1))
	if key, ok := near(a, key); ok {
		text += fmt.Sprintf("; did you mean %s?", key)
	}
	return fmt.Errorf("%s", text)
}

// searched is how many given keys are compared with one that is not known.
const searched = 20_000

// near returns the key of an axis that is most like a text, where one is like it.
func near(a axis, text string) (string, bool) {
	switch a := a.(type) {
	case *windowAxis:
		at, ok := a.loosely(text)
		if !ok {
			return "", false
		}
		i := a.line.before(at+1) - a.skip - 1
		return a.key(min(max(i, 0), a.n-1)), true
	case *listing:
		return nearest.Of(text, a.keys[:min(len(a.keys), searched)])
	}
	return "", false
}

// loosely reads a text as a time in the ways in which people write times.
func (a *windowAxis) loosely(text string) (int64, bool) {
	if at, ok := a.instant(text); ok {
		return at, true
	}
	for _, layout := range []string{"2006-1-2", hourLayout, "2006-1-2-15", "2006-1-2 15:04", "2006-1-2T15:04", "2006-1-2T15:04:05", "2006/1/2", "20060102", "2.1.2006", "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return wall(a.def.zone, t.Unix()), true
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.Unix(), true
	}
	return 0, false
}
