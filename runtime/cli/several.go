package cli

import "github.com/spf13/cobra"

// several is a flag that takes a selection, in which a comma binds least and means "these too". Given more than once it is all of them: that of what selects only the last one counts, nobody expects.
type several struct {
	value *string
	given bool
}

// severalFlag adds a flag whose value is a selection; what *value has already is its default.
func severalFlag(cmd *cobra.Command, value *string, name, short, help string) {
	cmd.Flags().VarP(&several{value: value}, name, short, help)
}

// String returns what was given, as one selection.
func (s *several) String() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set adds to what was given before.
func (s *several) Set(text string) error {
	if s.given {
		text = *s.value + "," + text
	}
	*s.value, s.given = text, true
	return nil
}

// Type names a value where the help does not.
func (s *several) Type() string { return "string" }
