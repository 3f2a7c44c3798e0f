package dag

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"unique"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// redacted is what a Secret looks like to everyone but the code that calls Reveal.
const redacted = mask.Text

// A Secret is a config value that is never shown, logged, stored or versioned. Its only way out is [Secret.Reveal]; what has gone out that way is still masked where it
// appears in an event, a log line, output metadata or an error of a run, if it has four bytes or more. Secrets of one value are equal.
type Secret struct {
	// Not the text itself: package fmt shows the unexported fields of a struct without asking their methods.
	value unique.Handle[string]
}

// NewSecret returns a Secret that hides value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	mask.Add(value)
	return Secret{unique.Make(value)}
}

// Reveal returns the hidden value.
func (s Secret) Reveal() string {
	if s == (Secret{}) {
		return ""
	}
	return s.value.Value()
}

// String returns "***".
func (Secret) String() string { return redacted }

// GoString returns "***".
func (Secret) GoString() string { return redacted }

// Format writes "***" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "***".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "***" as JSON.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText returns "***".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalJSON takes the value from a JSON string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var value *string
	if err := json.Unmarshal(b, &value); err != nil {
		return err
	}
	if value != nil { // as for any other type, null changes nothing
		*s = NewSecret(*value)
	}
	return nil
}
