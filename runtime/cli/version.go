package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// runtimeModule is the module this package is part of.
const runtimeModule = "github.com/dagstergen/dagstergen"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of this binary, of dagstergen and of Go",
		Args:  arguments(""),
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			v := versionsOf(a.env.Name, info)
			return a.result(v, v.view)
		},
	}
}

// versions says what a binary was built from.
type versions struct {
	Name       string `json:"name"`
	Module     string `json:"module"`
	Version    string `json:"version"`
	Revision   string `json:"revision,omitempty"` // of the version control system
	Modified   bool   `json:"modified,omitempty"`
	Dagstergen string `json:"dagstergen"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

func versionsOf(name string, info *debug.BuildInfo) *versions {
	v := &versions{Name: name, Version: "(unknown)", Dagstergen: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return v
	}
	if v.Module = info.Main.Path; info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	if v.Module == runtimeModule {
		v.Dagstergen = v.Version
	}
	for _, d := range info.Deps {
		if d.Path == runtimeModule {
			for v.Dagstergen = d.Version; d.Replace != nil; d = d.Replace {
				v.Dagstergen = d.Replace.Version
			}
			if v.Dagstergen == "" {
				v.Dagstergen = "(local)"
			}
		}
	}
	return v
}

func (v *versions) view(l look) []string {
	t := &table{columns: make([]column, 2)}
	revision := v.Revision
	if v.Modified {
		revision += " (modified)"
	}
	for _, r := range [][2]string{{v.Name, v.Module + " " + v.Version}, {"revision", revision}, {"dagstergen", v.Dagstergen}, {"go", v.Go + " " + v.Platform}} {
		if r[1] != "" {
			t.add(styled(r[0], bold), text(r[1]))
		}
	}
	return t.render(l)
}
