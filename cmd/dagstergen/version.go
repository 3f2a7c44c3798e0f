package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"golang.org/x/mod/semver"
)

const modulePath = "github.com/dagstergen/dagstergen"

// A build says which dagstergen this is.
type build struct {
	Version string `json:"version"` // a version that a go.mod can require, or "devel"
	Go      string `json:"go"`
	Target  string `json:"target"`
}

func thisBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), Target: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = versionOf(info)
	}
	return b
}

// versionOf finds the version of this module: that of the main module, or of a dependency where the tool was built through go tool or
// go run in a module that requires it. Versions that nobody can require (uncommitted changes, a checkout) are "devel".
func versionOf(info *debug.BuildInfo) string {
	m := &info.Main
	if m.Path != modulePath {
		m = nil
		for _, dep := range info.Deps {
			if dep.Path == modulePath {
				m = dep
			}
		}
	}
	if m == nil || m.Replace != nil || !semver.IsValid(m.Version) || semver.Build(m.Version) != "" || m.Version == "v0.0.0" {
		return "devel"
	}
	return m.Version
}

func versionText() string {
	b := thisBuild()
	return fmt.Sprintf("dagstergen %s (%s, %s)", b.Version, b.Go, b.Target)
}

func (t *tool) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  wants(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if t.flags.output == "json" {
				return t.printJSON(thisBuild())
			}
			_, err := fmt.Fprintln(t.stdout, versionText())
			return err
		},
	}
	t.outputs(c, "text", "json")
	return c
}

// printJSON writes v to stdout with indentation.
func (t *tool) printJSON(v any) error {
	e := json.NewEncoder(t.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
