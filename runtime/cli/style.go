package cli

// A style is how a piece of text looks on a terminal.
type style uint8

const (
	plain style = iota
	bold
	dim
	red
	green
	yellow
	blue
)

var styleCodes = map[style]string{bold: "1", dim: "2", red: "31", green: "32", yellow: "33", blue: "34"}

// A look is what is known of where text goes: its width in cells, 0 for unlimited, and whether colours are wanted.
type look struct {
	width int
	color bool
}

// paint returns s in a style. s is escaped and has no line break.
func (l look) paint(s string, st style) string {
	if !l.color || st == plain || s == "" {
		return s
	}
	return "\x1b[" + styleCodes[st] + "m" + s + "\x1b[0m"
}

// actionStyle is the style of an action of a plan or a step.
func actionStyle(action string) style {
	switch action {
	case "run":
		return green
	case "maybe":
		return yellow
	case "skip":
		return yellow
	}
	return dim
}

// levelStyle is the style of the level of a log line.
func levelStyle(level string) style {
	switch level {
	case "WARN":
		return yellow
	case "ERROR":
		return red
	}
	return plain
}

// statusStyle is the style of a status of a run or a step.
func statusStyle(status string) style {
	switch status {
	case "SUCCESS", "success":
		return green
	case "FAILURE", "failure":
		return red
	case "STARTED":
		return blue
	}
	return yellow
}
