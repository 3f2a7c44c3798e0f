package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

func (t *tool) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain NAME [packages]",
		Short: "show what the code version of an op, asset, resource or job is made of",
		Long: "NAME is a key (monthly_means) or a Go name (MonthlyMeans, Client.Fetch). The functions, types, variables and constants that the code\n" +
			"reaches are shown as a tree, each where it is reached first, with the start of the digest of its own text; a change of any of them changes\n" +
			"the version. What //dag:ignore leaves out is shown as ignored, with its reason; what //dag:depends adds is part of the tree.\n" +
			"JSON: [{\"key\", \"kind\", \"package\", \"symbol\", \"position\", \"version\", \"hash\", \"strategy\", \"env\",\n" +
			"\"components\": [{\"kind\", \"name\", \"local\", \"hash\", \"file\", \"value\", \"refs\", \"path\"}]}], where path leads from the symbol to the component, and\n" +
			"value is the reason of what is ignored, or a setting.",
		Args: wants(1, -1, "a name"),
		RunE: t.explain,
	}
	t.loading(c.Flags())
	t.outputs(c, "text", "json")
	return c
}

// explained is the JSON form of an explanation.
type explained struct {
	Key        string      `json:"key"`
	Kind       string      `json:"kind"`
	Package    string      `json:"package"`
	Symbol     string      `json:"symbol"`
	Position   string      `json:"position"`           // file:line:col
	Version    string      `json:"version"`            // the version= argument, else Hash
	Hash       string      `json:"hash"`               // of the code
	Strategy   string      `json:"strategy,omitempty"` // symbol of the user's own strategy, which gives the version at run time
	Env        []string    `json:"env,omitempty"`      // environment variables whose values count too, when a run is planned
	Components []component `json:"components"`
}

// A component is one declaration that a version depends on. Local is the digest of its own text, Hash that of all it reaches.
type component struct {
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Local string   `json:"local"`
	Hash  string   `json:"hash"`
	File  string   `json:"file,omitempty"`
	Value string   `json:"value,omitempty"` // the reason of what is ignored; what a setting says
	Refs  []string `json:"refs"`
	Path  []string `json:"path"` // from the symbol to this, a shortest way
}

func (t *tool) explain(c *cobra.Command, args []string) error {
	a, err := t.analyze(c, args[1:])
	if err != nil {
		return err
	}
	found, diags, err := a.Explain(args[0])
	if err != nil {
		return inputError{err}
	}
	if err := t.printer().Print(t.stderr, diags); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitError(exitInput)
	}
	var out []explained
	for _, e := range found {
		out = append(out, explain(e))
	}
	if t.flags.output == "json" {
		return t.printJSON(out)
	}
	return writeExplained(t.stdout, out, t.colored(t.stdout))
}

// explain finds for each component a shortest way to it.
func explain(e gen.Explanation) explained {
	e.Pos.Filename = filepath.ToSlash(e.Pos.Filename)
	x := explained{Key: e.Key, Kind: e.Kind, Package: e.Package, Symbol: e.Symbol, Position: e.Pos.String(), Version: cmp.Or(e.Version, e.Hash.String()),
		Hash: e.Hash.String(), Strategy: e.Strategy, Env: e.Env, Components: []component{}}
	nodes := map[string]manifest.Node{}
	for _, n := range e.Manifest.Nodes {
		nodes[n.Name] = n
	}
	var queue []component // breadth first, so that the first way found is a shortest one
	seen := map[string]bool{}
	reach := func(name string, path []string) {
		n, ok := nodes[name]
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		queue = append(queue, component{Kind: n.Kind, Name: n.Name, Local: n.Local.String(), Hash: n.Hash.String(), File: n.File, Value: n.Value,
			Refs: slices.Concat([]string{}, n.Refs, n.Implied), Path: append(slices.Clone(path), name)})
	}
	for _, entry := range e.Manifest.Entries {
		if entry.Symbol != e.Symbol {
			continue
		}
		reach(entry.Node, nil)
		for _, name := range entry.Also {
			reach(name, nil)
		}
		reach(manifest.EnvNode, nil)
	}
	for i := 0; i < len(queue); i++ {
		for _, name := range queue[i].Refs {
			reach(name, queue[i].Path)
		}
	}
	x.Components = append(x.Components, queue...)
	return x
}

// writeExplained writes explanations for people: the head, then the tree of components.
func writeExplained(w io.Writer, all []explained, color bool) error {
	paint := func(style, s string) string {
		if !color {
			return s
		}
		return style + s + "\x1b[0m"
	}
	const bold, dim = "\x1b[1m", "\x1b[2m"
	b := bufio.NewWriter(w)
	for i, x := range all {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%s %s\n  declared  %s, %s\n", x.Kind, paint(bold, cmp.Or(x.Key, x.short(x.Symbol))), x.Symbol, x.Position)
		switch {
		case x.Version != x.Hash:
			fmt.Fprintf(b, "  version   %s, by its version= argument; the code, which does not count:\n  code      %s\n", x.Version, x.Hash)
		case x.Strategy != "":
			fmt.Fprintf(b, "  strategy  %s gives the version when a run is planned; the code:\n  code      %s\n", x.Strategy, x.Hash)
		default:
			fmt.Fprintf(b, "  version   %s\n", x.Version)
		}
		if len(x.Env) > 0 {
			fmt.Fprintf(b, "  env       %s: the value counts too, when a run is planned\n", strings.Join(x.Env, ", "))
		}
		below := map[string][]component{} // by the component before it on the path
		kind, name := 0, 0
		for _, c := range x.Components {
			parent := ""
			if len(c.Path) > 1 {
				parent = c.Path[len(c.Path)-2]
			}
			below[parent] = append(below[parent], c)
			kind, name = max(kind, len(c.Kind)), max(name, 2*(len(c.Path)-1)+len(x.short(c.Name)))
		}
		var tree func(parent string, depth int)
		tree = func(parent string, depth int) {
			for _, c := range below[parent] {
				local := strings.TrimPrefix(c.Local, "sha256:")[:12]
				switch {
				case strings.Trim(local, "0") == "":
					local = "" // a node that only holds others together
				case c.Kind == manifest.KindEnv && c.Value != "":
					local = c.Value
				}
				line := fmt.Sprintf("  %-*s  %-*s", kind, c.Kind, name, strings.Repeat("  ", depth)+x.short(c.Name))
				if end := strings.TrimRight(local+"  "+c.File, " "); end != "" {
					line += "  " + paint(dim, end)
				}
				if c.Kind == manifest.KindIgnored {
					line += "  " + diag.Clean(c.Value)
				}
				fmt.Fprintln(b, strings.TrimRight(line, " "))
				tree(c.Name, depth+1)
			}
		}
		fmt.Fprintf(b, "\n%s:\n", count(len(x.Components), "component"))
		tree("", 0)
	}
	return b.Flush()
}

// short leaves the package out where it is that of the explained thing.
func (x explained) short(name string) string { return strings.TrimPrefix(name, x.Package+".") }
