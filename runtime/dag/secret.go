package dag

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// redacted is what a Secret looks like to everyone but the code that calls Reveal.
const redacted = "***"

// A Secret is a config value that is never shown, logged, stored or versioned. Its only way out is [Secret.Reveal].
type Secret struct{ value string }

// NewSecret returns a Secret that hides value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the hidden value.
func (s Secret) Reveal() string { return s.value }

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
func (s *Secret) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &s.value) }
