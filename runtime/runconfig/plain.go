package runconfig

import (
	"math"
	"strconv"
	"strings"
)

// Document returns the whole as values that JSON and YAML have: map[string]any, []any, string, bool, int64 (uint64 beyond it), float64 and nil. Defaults are in it, durations
// and times are text, and a secret is "***" or {"env": NAME}. It is the caller's.
func (r *Resolved) Document() map[string]any {
	d, err := Parse("resolved", []byte(r.Text))
	if err != nil {
		return map[string]any{} // not reached: what was written here is read here
	}
	return d.root.plain().(map[string]any)
}

func (n *node) plain() any {
	switch n.kind {
	case kindBool:
		return n.bool()
	case kindInt:
		if i, err := strconv.ParseInt(goInt(n.text), 0, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(goInt(n.text), 0, 64); err == nil {
			return u
		}
		return n.text
	case kindFloat:
		switch strings.ToLower(strings.TrimPrefix(n.text, "+")) {
		case ".inf":
			return math.Inf(1)
		case "-.inf":
			return math.Inf(-1)
		case ".nan":
			return math.NaN()
		}
		f, _ := strconv.ParseFloat(n.text, 64) // a number that is too large is infinite
		return f
	case kindText, kindOctal:
		return n.text
	case kindList:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.plain()
		}
		return out
	case kindMap:
		out := make(map[string]any, len(n.members))
		for _, m := range n.members {
			out[m.key] = m.value.plain()
		}
		return out
	}
	return nil
}
