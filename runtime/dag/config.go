package dag

import "encoding/json"

// A Config is a struct type marked //dag:config, as its schema and its decoder. The schema is made by the generator from
// types, tags and doc comments; nothing is found out by reflection when a binary starts.
type Config struct {
	Symbol      string // "example.com/weather.Station"
	Description string
	Fields      []Field

	// Decode overlays validated JSON on base (a value of the struct type; nil for the zero value) and returns the
	// result as a value, not a pointer. base is not modified at its top level.
	Decode func(base any, data []byte) (any, error)
	// Encode returns the JSON of a value, with every secret redacted: fit to be shown and hashed, not to be decoded.
	Encode func(v any) ([]byte, error)
}

// A FieldKind is the shape of a config value.
type FieldKind string

// The kinds of a [Field]. Duration is a Go duration string ("1m30s"); Any accepts every YAML value.
const (
	FieldString   FieldKind = "string"
	FieldInt      FieldKind = "int"
	FieldUint     FieldKind = "uint"
	FieldFloat    FieldKind = "float"
	FieldBool     FieldKind = "bool"
	FieldDuration FieldKind = "duration"
	FieldTime     FieldKind = "time"   // RFC 3339
	FieldList     FieldKind = "list"   // Elem
	FieldMap      FieldKind = "map"    // string keys, Elem
	FieldStruct   FieldKind = "struct" // Fields
	FieldText     FieldKind = "text"   // a string read by UnmarshalText
)

// A Field is one value of a config struct.
type Field struct {
	Name        string // the JSON name
	Kind        FieldKind
	Bits        int      // of ints, uints and floats: 8, 16, 32 or 64
	Description string   // from the doc comment
	Required    bool     // no default, not a pointer, not omitempty
	Nullable    bool     // a pointer: null is a value
	Default     string   // JSON of the default; empty for none
	Secret      bool     // a dag.Secret: never shown, never versioned
	Unversioned bool     // tagged version:"-"
	Enum        []string // the only values of a scalar, as run config writes them (tag enum:"a,b")
	Min, Max    string   // bounds, allowed themselves, of a number, duration or time (tags min and max); empty for none
	MinLen      int      // least characters of a text, elements of a list, keys of a map (tag len:"1..10")
	MaxLen      int      // most of them; 0 for any number
	Pattern     string   // a regular expression that matches somewhere in a text (tag pattern); empty for none
	Elem        *Field
	Fields      []Field
}

// DecodeConfig overlays validated JSON on base, a T or nil. It is for generated code only.
func DecodeConfig[T any](base any, data []byte) (any, error) {
	v, _ := base.(T)
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return v, nil
}

// A ConfigError is what a function that makes a config returned as its error, on its way out of a [Binding]'s Func.
type ConfigError struct{ Err error }

// Error returns the message of the function's error.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns the function's error.
func (e *ConfigError) Unwrap() error { return e.Err }

// ConfigFrom returns v, and panics with a [*ConfigError] where there is an error: whoever calls the function that it stands in knows what the config is
// for. It is for generated code only.
func ConfigFrom[T any](v T, err error) T {
	if err != nil {
		panic(&ConfigError{err})
	}
	return v
}

// PartitionConfigOf is [Op.ConfigFor] by a function that cannot fail. It is for generated code only.
func PartitionConfigOf[T any](f func(Partition) T) func(Partition) any {
	return func(p Partition) any { return f(p) }
}

// PartitionConfigFrom is [PartitionConfigOf] by a function that returns an error, too. It is for generated code only.
func PartitionConfigFrom[T any](f func(Partition) (T, error)) func(Partition) any {
	return func(p Partition) any { return ConfigFrom(f(p)) }
}

// MakeConfig returns the config that a configured resource makes of its own, or of nil where it takes none. It panics as [Binding.Func] does.
func (r *Resource) MakeConfig(own any) any { return configOf(r.Made, own) }

func configOf(b *Binding, own any) any {
	switch b.Kind {
	case FromLiteral:
		return b.Value
	case FromParam:
		return own
	}
	parts := make([]any, len(b.Parts))
	for i := range parts {
		parts[i] = configOf(&b.Parts[i], own)
	}
	return b.Func(parts)
}

// EncodeConfig returns the JSON of v, secrets redacted. It is for generated code only.
func EncodeConfig[T any](v any) ([]byte, error) { return json.Marshal(v.(T)) }
