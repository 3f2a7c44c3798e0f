package compare

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// mostCauses is how many causes of one change people are shown; JSON has all of them.
const mostCauses = 8

// short is a symbol as people in a package say it: without the path of its package, and without its name in the package itself.
func short(symbol, pkg string) string {
	if own, ok := strings.CutPrefix(symbol, pkg+"."); ok && !strings.Contains(own, "/") {
		return own
	}
	head, tail := symbol, ""
	if i := strings.IndexByte(symbol, '('); i >= 0 {
		head, tail = symbol[:i], symbol[i:] // what stands in parentheses may have slashes of its own
	}
	return head[strings.LastIndexByte(head, '/')+1:] + tail
}

// name is how a cause is called: a package by its whole path, a declaration by its short name.
func (c Cause) name(pkg string) string {
	switch c.Kind {
	case manifest.KindEnv:
		return manifest.Cause{Name: c.Name}.Setting()
	case manifest.KindExt, manifest.KindEmbed, manifest.KindSkipped, manifest.KindNative:
		return c.Name
	}
	return short(c.Name, pkg)
}

func (c Cause) kind() string {
	switch c.Kind {
	case manifest.KindEnv, manifest.KindIgnored: // what an ignored one is, the detail says
		return ""
	case manifest.KindExt:
		return "package"
	case manifest.KindRuntime, manifest.KindCodec:
		return "type"
	case manifest.KindEmbed, manifest.KindSkipped:
		return "file"
	case manifest.KindNative:
		return "native code"
	}
	return c.Kind
}

// steps are the short names of the path; none where it is not longer than its two ends say.
func (c Cause) steps(pkg string) []string {
	var out []string
	for i, name := range c.Path {
		if i == len(c.Path)-1 {
			name = c.name(pkg)
		} else {
			name = short(name, pkg)
		}
		out = append(out, name)
	}
	return out
}

// Headline says in one line how much differs, such as "2 versions change, 3 steps run again, 1 may".
func (c Comparison) Headline() string {
	count := map[string]int{}
	other := 0
	for _, x := range c.Changes {
		if x.VersionChanged {
			count[x.Change]++
		} else {
			other++
		}
	}
	var parts []string
	add := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(count[manifest.Changed], "version changes", "versions change")
	add(count[manifest.Added], "version is new", "versions are new")
	add(count[manifest.Removed], "version is gone", "versions are gone")
	if len(parts) == 0 {
		parts = append(parts, "no version changes")
	}
	add(other, "other change", "other changes")
	add(len(c.Runs), "step runs again", "steps run again")
	if n := len(c.Maybe); n > 0 {
		parts = append(parts, fmt.Sprintf("%d may", n))
		if len(c.Runs) == 0 {
			parts[len(parts)-1] = fmt.Sprintf("%d may run again", n)
		}
	}
	return strings.Join(parts, ", ")
}

func (r Run) name() string {
	if r.Job == "" {
		return r.Key
	}
	return r.Job + " / " + r.Key
}

// WriteText writes c for people at a terminal.
func (c Comparison) WriteText(w io.Writer, color bool) error {
	const bold, dim, red, green, yellow = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"
	paint := func(style, s string) string {
		if !color || s == "" {
			return s
		}
		return style + s + "\x1b[0m"
	}
	marks := map[string]string{manifest.Changed: yellow, manifest.Added: green, manifest.Removed: red}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s → %s: %s\n", diag.Clean(c.Old), diag.Clean(c.New), c.Headline())
	kind, key := 0, 0
	for _, x := range c.Changes {
		kind, key = max(kind, len(x.Kind)), max(key, utf8.RuneCountInString(x.Key))
	}
	for _, x := range c.Changes {
		line := fmt.Sprintf("%s  %s  %s  %s", paint(marks[x.Change], fmt.Sprintf("%-7s", x.Change)), pad(x.Kind, kind), paint(bold, pad(x.Key, key)),
			paint(dim, cmp.Or(x.Position, x.Symbol)))
		fmt.Fprintf(b, "\n%s\n", strings.TrimRight(line, " "))
		if x.VersionChanged {
			switch {
			case x.OldVersion != "" && x.NewVersion != "" && x.OldVersion != x.NewVersion:
				fmt.Fprintf(b, "  version %s → %s\n", brief(x.OldVersion), brief(x.NewVersion))
			case x.Change != manifest.Changed:
				fmt.Fprintf(b, "  version %s\n", brief(cmp.Or(x.NewVersion, x.OldVersion)))
			}
		}
		if x.Note != "" {
			fmt.Fprintf(b, "  %s\n", diag.Clean(x.Note))
		}
		for _, e := range x.Facts {
			fmt.Fprintf(b, "  %s: %s\n", diag.Clean(e.Name), diag.Clean(e.text()))
		}
		causes, more := first(x.Causes)
		for _, cause := range causes {
			words := []string{paint(marks[cause.Change], cause.Change), cause.kind(), paint(bold, cause.name(x.Package)), cause.Detail}
			words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
			line := "  " + strings.Join(words, " ")
			if cause.Position != "" {
				line += "  " + paint(dim, cause.Position)
			}
			fmt.Fprintln(b, line)
			if len(cause.Path) > 1 {
				fmt.Fprintf(b, "    through %s\n", strings.Join(cause.steps(x.Package), " → "))
			}
		}
		if more > 0 {
			fmt.Fprintf(b, "  and %d more; -o json has all\n", more)
		}
	}
	for _, part := range []struct {
		title string
		runs  []Run
	}{{"runs again", c.Runs}, {"may be spared by cutoff", c.Maybe}} {
		if len(part.runs) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s\n", paint(bold, part.title+":"))
		width := 0
		for _, r := range part.runs {
			width = max(width, utf8.RuneCountInString(r.name()))
		}
		for _, r := range part.runs {
			fmt.Fprintf(b, "  %s  %s\n", pad(r.name(), width), paint(dim, diag.Clean(strings.Join(r.Reasons, "; "))))
		}
	}
	return b.Flush()
}

func (e Edit) text() string {
	switch {
	case e.Old == "":
		return "now " + e.New
	case e.New == "":
		return "was " + e.Old
	}
	return e.Old + " → " + e.New
}

func first(causes []Cause) ([]Cause, int) {
	if len(causes) <= mostCauses+1 { // a line saying "1 more" is no shorter
		return causes, 0
	}
	return causes[:mostCauses], len(causes) - mostCauses
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// brief is the start of a digest; a version that the user gave stays whole.
func brief(version string) string {
	if digest, ok := strings.CutPrefix(version, "sha256:"); ok && len(digest) > 12 {
		return digest[:12]
	}
	return diag.Clean(version)
}
