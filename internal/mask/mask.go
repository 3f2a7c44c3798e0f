// Package mask hides secrets in texts that leave the process: events, log lines, errors, what is printed.
//
// Stage: on the ground, below runtime/dag, whose Secret tells it every value that it hides, and every package of the runtime that writes a text of user code. It imports
// the standard library alone.
//
// Invariants: a text without a secret is returned as it is, and costs next to nothing while there is no secret; masked JSON is JSON; memory is bounded.
package mask

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Text stands in place of a secret.
const Text = "***"

const (
	shortest = 4    // bytes of a secret that is hidden: shorter ones are everywhere
	most     = 1000 // secrets that are known at once; the oldest go first
)

var known struct {
	sync.Mutex
	values []string // oldest first
	// What hides all of them; nil where it has to be made, or there are none.
	replacer atomic.Pointer[strings.Replacer]
	any      atomic.Bool
	watch    func(secret string) // nil where nobody asks
}

// Add makes a text a secret of this process. Adding one again renews it.
func Add(secret string) {
	if len(secret) < shortest || secret == Text {
		return
	}
	if watch := add(secret); watch != nil {
		watch(secret)
	}
}

// Watch calls tell with every secret that this process has, and, from then on, with each that it gets, before Add returns. Only one may watch.
func Watch(tell func(secret string)) {
	known.Lock()
	known.watch = tell
	values := slices.Clone(known.values)
	known.Unlock()
	for _, v := range values {
		tell(v)
	}
}

// add returns who is to be told.
func add(secret string) (watch func(string)) {
	known.Lock()
	defer known.Unlock()
	if at := slices.Index(known.values, secret); at >= 0 {
		if at < len(known.values)-1 { // who watches forgets the oldest, too
			watch = known.watch
		}
		known.values = append(slices.Delete(known.values, at, at+1), secret)
		return watch
	}
	if len(known.values) == most {
		known.values = slices.Delete(known.values, 0, 1)
	}
	known.values = append(known.values, secret)
	known.replacer.Store(nil)
	known.any.Store(true)
	return known.watch
}

// Active reports whether there is a secret to hide.
func Active() bool { return known.any.Load() }

// Hide returns text with *** in place of every secret: as it is, and as it stands in a quoted text, in JSON and in a URL.
func Hide(text string) string {
	if text == "" || !Active() {
		return text
	}
	return replacer().Replace(text)
}

func replacer() *strings.Replacer {
	if r := known.replacer.Load(); r != nil {
		return r
	}
	known.Lock()
	defer known.Unlock()
	// The longer one first, so that one that begins like another is hidden whole.
	values := slices.Clone(known.values)
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, v := range values {
		for _, form := range forms(v) {
			pairs = append(pairs, form, Text)
		}
	}
	r := strings.NewReplacer(pairs...)
	known.replacer.Store(r)
	return r
}

func forms(s string) []string {
	all := []string{s, strings.Trim(strconv.Quote(s), `"`), url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:]}
	if js, err := json.Marshal(s); err == nil {
		all = append(all, string(js[1:len(js)-1]))
	}
	var distinct []string
	for _, f := range all {
		if f != "" && !slices.Contains(distinct, f) {
			distinct = append(distinct, f)
		}
	}
	return distinct
}

// JSON returns a JSON document with *** in place of every secret in its texts and keys. What is no JSON is returned as a JSON text.
func JSON(data []byte) []byte {
	if !Active() || Hide(string(data)) == string(data) {
		return data
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		v = string(data)
	}
	out, err := json.Marshal(walk(v))
	if err != nil { // not reached: it was decoded just now
		return []byte(strconv.Quote(Text))
	}
	return out
}

func walk(v any) any {
	switch v := v.(type) {
	case string:
		return Hide(v)
	case json.Number: // a secret may look like one
		if s := Hide(v.String()); s != v.String() {
			return s
		}
	case []any:
		for i := range v {
			v[i] = walk(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[Hide(key)] = walk(value)
		}
		return out
	}
	return v
}

// Error returns err itself where its text holds no secret, and else an error with the text masked that wraps it, so that errors.Is and errors.As find what they
// would find.
func Error(err error) error {
	if err == nil || !Active() {
		return err
	}
	text, ok := textOf(err)
	if hidden := Hide(text); !ok || hidden != text {
		return &masked{err, hidden}
	}
	return err
}

// textOf asks an error of user code for its text, which may panic.
func textOf(err error) (text string, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			text, ok = fmt.Sprintf("%T: its Error method panics", err), false
		}
	}()
	return err.Error(), true
}

type masked struct {
	err  error
	text string
}

func (m *masked) Error() string { return m.text }
func (m *masked) Unwrap() error { return m.err }

// Format writes the masked text for every verb: %+v of the error below may say more.
func (m *masked) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.text)) }
