package main

import (
	"bufio"
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen/compare"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

func (t *tool) inspectCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "inspect BINARY",
		Short: "show the definitions and code versions in a compiled pipeline, without running it",
		Long: "Reads the manifests that are embedded in BINARY, of all its packages, and what the go command wrote into it. No code of it runs. The versions are\n" +
			"those of the code: version= arguments are not in a manifest. `dagstergen diff BINARY BINARY` compares two.\n" +
			"JSON: {\"file\", \"path\", \"module\", \"module_version\", \"go\", \"settings\": {}, \"manifests\": [{\"mode\", \"target\", \"language\", \"packages\"}],\n" +
			"\"entries\": [{\"kind\", \"package\", \"symbol\", \"version\", \"components\", \"file\"}]}.",
		Example: "  dagstergen inspect ./weather\n  dagstergen diff weather-v1 weather-v2",
		Args:    wants(1, 1, "the file of a compiled pipeline"),
		RunE:    t.inspect,
	}
	t.outputs(c, "text", "json")
	return c
}

// inspected is the JSON form of what a compiled pipeline carries.
type inspected struct {
	File      string             `json:"file"`
	Path      string             `json:"path"` // import path of the main package
	Module    string             `json:"module"`
	Version   string             `json:"module_version"`
	Go        string             `json:"go"`
	Settings  map[string]string  `json:"settings"` // of the build: GOOS, vcs.revision ...
	Manifests []inspectedSources `json:"manifests"`
	Entries   []compare.Entry    `json:"entries"`
}

type inspectedSources struct {
	Mode     string   `json:"mode"`
	Target   string   `json:"target"`
	Language string   `json:"language"`
	Packages []string `json:"packages"` // whose sources the versions were computed from
}

// A binary is a compiled pipeline that was read.
type binary struct {
	name      string
	manifests []*manifest.Manifest
	info      *debug.BuildInfo
}

// readBinary reads a compiled pipeline. An error says what else the file is.
func (t *tool) readBinary(name string) (binary, error) {
	b := binary{name: name}
	data, err := os.ReadFile(t.inDir(name))
	if err != nil {
		return b, err
	}
	b.info, err = buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		return b, inputf("%s is no program that Go built, or its build information was taken away", name)
	}
	b.manifests = compare.FindManifests(data)
	if len(b.manifests) == 0 {
		return b, inputf("%s is a Go program (%s) without a pipeline: no manifest of dagstergen is embedded in it", name, b.info.Path)
	}
	return b, nil
}

func (t *tool) inspect(_ *cobra.Command, args []string) error {
	b, err := t.readBinary(args[0])
	if err != nil {
		return err
	}
	x := inspected{File: b.name, Path: b.info.Path, Module: b.info.Main.Path, Version: b.info.Main.Version, Go: b.info.GoVersion, Settings: map[string]string{},
		Entries: compare.Entries(b.manifests)}
	for _, s := range b.info.Settings {
		x.Settings[s.Key] = s.Value
	}
	for _, m := range b.manifests {
		sources := inspectedSources{Mode: m.Mode, Target: m.Target, Language: m.Language, Packages: []string{}}
		for _, p := range m.Packages {
			sources.Packages = append(sources.Packages, p.Path)
		}
		x.Manifests = append(x.Manifests, sources)
	}
	if t.flags.output == "json" {
		return t.printJSON(x)
	}
	return t.writeInspected(x)
}

func (t *tool) writeInspected(x inspected) error {
	paint := func(style, s string) string {
		if !t.colored(t.stdout) {
			return s
		}
		return style + s + "\x1b[0m"
	}
	const bold, dim = "\x1b[1m", "\x1b[2m"
	b := bufio.NewWriter(t.stdout)
	fmt.Fprintf(b, "%s\n", paint(bold, diag.Clean(x.File)))
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "  %-8s  %s\n", name, diag.Clean(value))
		}
	}
	row("program", x.Path)
	row("module", strings.TrimSpace(x.Module+" "+x.Version))
	row("go", strings.TrimRight(x.Go+" "+x.Settings["GOOS"]+"/"+x.Settings["GOARCH"], " /"))
	revision := x.Settings["vcs.revision"]
	if x.Settings["vcs.modified"] == "true" {
		revision += " with changes"
	}
	row("revision", revision)
	for _, m := range x.Manifests {
		row("versions", fmt.Sprintf("%s, %s, %s: %s", m.Mode, m.Target, m.Language, strings.Join(m.Packages, ", ")))
	}
	kind, name := 0, 0
	for _, e := range x.Entries {
		kind, name = max(kind, len(e.Kind)), max(name, utf8.RuneCountInString(e.Name()))
	}
	pkg := ""
	for _, e := range x.Entries {
		if e.Package != pkg {
			pkg = e.Package
			fmt.Fprintf(b, "\n%s\n", pkg)
		}
		digest := strings.TrimPrefix(e.Version, "sha256:")
		fmt.Fprintf(b, "  %-*s  %-*s  %s  %s\n", kind, e.Kind, name, e.Name(), digest[:min(12, len(digest))], paint(dim, count(e.Components, "component")))
	}
	return b.Flush()
}

// diffBinaries compares two compiled pipelines.
func (t *tool) diffBinaries(oldName, newName string) (compare.Comparison, error) {
	var sides [2]compare.Snapshot
	for i, name := range []string{oldName, newName} {
		b, err := t.readBinary(name)
		if err != nil {
			return compare.Comparison{}, err
		}
		sides[i] = compare.TakeBinary(name, b.manifests, b.info)
	}
	return compare.Compare(sides[0], sides[1]), nil
}

// isFile reports whether an argument names a file, as a package or a revision does not.
func (t *tool) isFile(name string) bool {
	info, err := os.Stat(t.inDir(name))
	return err == nil && info.Mode().IsRegular()
}
