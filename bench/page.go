package bench

import (
	"fmt"
	"strings"
)

// Begin and End stand in the page around the part that is written.
const (
	Begin = "<!-- begin of what `make bench-peers` writes -->\n"
	End   = "<!-- end of what `make bench-peers` writes -->\n"
)

// Section returns the part of the page that says what was measured. chart is where the picture is, as seen from the page.
func (m *Measured) Section(chart string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s.", m.Date)
	if m.Quick {
		b.WriteString(" **With small sizes, for development: the figures say nothing.**")
	}
	fmt.Fprintf(&b, "\n\n%s\n", list(m.Machine))
	var versions []string
	for _, s := range m.Systems {
		if v := m.Versions[s]; v != "" {
			versions = append(versions, s+": "+v)
		}
	}
	fmt.Fprintf(&b, "Versions:\n\n%s\n", list(versions))
	fmt.Fprintf(&b, "![Time taken by each system](%s)\n\n", chart)
	fmt.Fprintf(&b, "### Time\n\nThe median of the rounds, and in brackets the fastest and the slowest.\n\n%s\n", m.Times())
	if reasons := m.Reasons(); reasons != "" {
		fmt.Fprintf(&b, "Where there is a –, or only what it took at least:\n\n%s\n", reasons)
	}
	fmt.Fprintf(&b, "### Times as long as dagstergen\n\nEach round compared with dagstergen's of the same round: the median, the least and the greatest. What was broken off is\ncompared with our whole process, start included: it is at least as many times as slow.\n\n%s\n", m.Ratios())
	fmt.Fprintf(&b, "### Whole processes\n\nFrom start to exit, loading the system and the definitions included.\n\n%s\n", m.Wholes())
	fmt.Fprintf(&b, "### Peak memory\n\nOf the largest process, in MiB.\n\n%s", m.Peaks())
	return b.String()
}

// Replace puts a section between [Begin] and [End] of a page.
func Replace(page, section string) (string, error) {
	before, rest, ok := strings.Cut(page, Begin)
	_, after, ok2 := strings.Cut(rest, End)
	if !ok || !ok2 {
		return "", fmt.Errorf("the page has no lines %q and %q: put them where the figures belong", strings.TrimSpace(Begin), strings.TrimSpace(End))
	}
	return before + Begin + "\n" + section + "\n" + End + after, nil
}

func list(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	return b.String()
}
