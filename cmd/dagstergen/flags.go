package main

import (
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// flags are the values of all flags; each command declares those that it has.
type flags struct {
	chdir   string
	output  string
	json    bool
	verbose bool

	mode, proof, target string
	toolchain           string
	tags                []string
	noCgo               bool
	cache               string
	deps                string

	module string // of new
}

// loading declares the flags that say what is loaded and how versions are made.
func (t *tool) loading(f *pflag.FlagSet) {
	f.StringVar(&t.flags.mode, "mode", "transitive", "what a version sees, `MODE` transitive (all code that is reached) or body (the function alone)")
	f.StringVar(&t.flags.proof, "proof", "embed", "how a binary shows that it is not stale, `PROOF` embed (its sources are in it), disk or none")
	f.StringVar(&t.flags.deps, "deps", "packages", "how modules that go.mod requires directly count, `HOW` packages (by the contents of those that are reached, as other modules do) or declarations (like your own code)")
	f.StringVar(&t.flags.target, "target", "linux/amd64", "the `PLATFORM` whose files count, the same on every machine")
	f.StringVar(&t.flags.toolchain, "toolchain", "language", "how much of the release of Go counts, `POLICY` language (none: the go line of go.mod does), minor or exact")
	f.StringSliceVar(&t.flags.tags, "tags", nil, "build `TAGS`, separated by commas")
	f.BoolVar(&t.flags.noCgo, "no-cgo", false, "choose files as for CGO_ENABLED=0")
	t.cacheFlag(f)
}

// systems are the values of GOOS; the go command itself accepts any word.
var systems = []string{"aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux", "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows"}

// config is what the loading flags say, for the given patterns.
func (t *tool) config(patterns []string) (gen.Config, error) {
	var c gen.Config
	goos, goarch, ok := strings.Cut(t.flags.target, "/")
	if !ok || !slices.Contains(systems, goos) || types.SizesFor("gc", goarch) == nil {
		return c, usagef("--target %s: name a platform of Go, such as linux/amd64", t.flags.target)
	}
	switch t.flags.mode {
	case versionhash.Transitive.String():
		c.Mode = versionhash.Transitive
	case versionhash.Body.String():
		c.Mode = versionhash.Body
	default:
		return c, usagef("--mode %s: use %s or %s", t.flags.mode, versionhash.Transitive, versionhash.Body)
	}
	proof, err := gen.ParseProof(t.flags.proof)
	if err != nil {
		return c, usagef("--proof %s: use embed, disk or none", t.flags.proof)
	}
	c.Proof = proof
	if c.Toolchain, err = gen.ParseToolchain(t.flags.toolchain); err != nil {
		return c, usagef("--toolchain %s: use language, minor or exact", t.flags.toolchain)
	}
	if t.flags.deps != "packages" && t.flags.deps != "declarations" {
		return c, usagef("--deps %s: use packages or declarations", t.flags.deps)
	}
	c.Load = load.Config{Dir: t.dir, Patterns: patterns, Env: t.env, Cache: t.openCache(), Deep: t.flags.deps == "declarations",
		Target: load.Target{GOOS: goos, GOARCH: goarch, Cgo: !t.flags.noCgo, Tags: t.flags.tags}}
	return c, nil
}

// outputs declares -o with the formats that a command has; the first is the default. The others are checked by format.
func (t *tool) outputs(c *cobra.Command, formats ...string) {
	c.Flags().StringVarP(&t.flags.output, "output", "o", formats[0], "`FORMAT`: "+strings.Join(formats, ", "))
	if slices.Contains(formats, "json") {
		c.Flags().BoolVar(&t.flags.json, "json", false, "the same as -o json")
	}
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if t.flags.json {
			t.flags.output = "json"
		}
		if !slices.Contains(formats, t.flags.output) {
			return usagef("-o %s: use %s", t.flags.output, strings.Join(formats, ", "))
		}
		return run(c, args)
	}
}

// longFlags lets long flags be written with one dash, as Go's own tools do: -proof=disk, -json. What follows the package of run, or "--", is
// not ours and stays as it is.
func longFlags(root *cobra.Command, args []string) []string {
	known := map[string]*pflag.Flag{}
	for _, c := range append(root.Commands(), root) {
		for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			set.VisitAll(func(f *pflag.Flag) { known[f.Name] = f })
		}
	}
	out := slices.Clone(args)
	running, value := false, false // value: this argument belongs to the flag before it
	for i, arg := range args {
		if value {
			value = false
			continue
		}
		if arg == "--" {
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			if running {
				break
			}
			running = arg == "run"
			continue
		}
		name, _, assigned := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := known[name]
		if f != nil && len(name) > 1 {
			out[i] = "--" + strings.TrimLeft(arg, "-")
		}
		if f == nil && len(name) == 1 {
			for _, g := range known {
				if g.Shorthand == name {
					f = g
				}
			}
		}
		value = f != nil && !assigned && f.NoOptDefVal == ""
	}
	return out
}

// inDir makes name absolute, as meant in the folder of -C.
func (t *tool) inDir(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(t.dir, name)
}
