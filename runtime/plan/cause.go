package plan

import (
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

// causeText writes a cause as `func mean (stats.go:12), reached through MonthlyMeans → mean, changed`.
func (b *builder) causeText(c manifest.Cause) string {
	if c.Kind == manifest.KindEnv {
		return settingText(c)
	}
	what := causeName(c)
	file := c.File
	if b.Position != nil && c.Change != manifest.Removed {
		if p := b.Position(c.Name); p != "" {
			file = p
		}
	}
	if file != "" && c.Kind != manifest.KindEmbed && c.Kind != manifest.KindSkipped {
		what += " (" + file + ")"
	}
	if len(c.Path) > 1 {
		hops := make([]string, len(c.Path))
		for i, p := range c.Path {
			hops[i] = short(p)
		}
		what += ", reached through " + strings.Join(hops, " → ") + ","
	}
	return what + " " + changeText(c)
}

// causeName says what a component is: "func stats.mean", "file data/rows.csv".
func causeName(c manifest.Cause) string {
	switch c.Kind {
	case manifest.KindExt:
		return "package " + c.Name
	case manifest.KindRuntime:
		return "method set of " + short(strings.TrimPrefix(c.Name, "rt:"))
	case manifest.KindCodec:
		return "encoding of " + short(strings.TrimPrefix(c.Name, "codec:"))
	case manifest.KindNative:
		return "assembly and C of package " + strings.TrimPrefix(c.Name, "native:")
	case manifest.KindEmbed, manifest.KindSkipped:
		if c.File != "" {
			return "file " + c.File
		}
		return "a file of " + strings.TrimPrefix(c.Name, "skipped:")
	case manifest.KindIgnored:
		if c.Change == manifest.Changed && c.OldKind != manifest.KindIgnored {
			return c.OldKind + " " + short(c.Name)
		}
		return "ignored " + short(c.Name)
	}
	return c.Kind + " " + short(c.Name)
}

func changeText(c manifest.Cause) string {
	ignored, was := c.Kind == manifest.KindIgnored, c.OldKind == manifest.KindIgnored
	switch {
	case c.Change != manifest.Changed:
	case ignored && was:
		return "has another type"
	case ignored:
		return fmt.Sprintf("is ignored now (%s)", c.Is)
	case was:
		return "is not ignored any more"
	}
	return c.Change
}

// settingText says what of the settings that all versions share is another one: "the language version of example.com/m went from go1.25 to go1.26".
func settingText(c manifest.Cause) string {
	name := "the " + c.Setting()
	switch {
	case c.Was != "" && c.Is != "":
		return fmt.Sprintf("%s went from %s to %s", name, c.Was, c.Is)
	case c.Is != "":
		return fmt.Sprintf("%s is %s now", name, c.Is)
	case c.Was != "":
		return fmt.Sprintf("%s is not %s any more", name, c.Was)
	}
	return name + " changed"
}
