package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

const rootHelp = `dagstergen reads //dag: directives above Go functions and writes the wiring of a data pipeline:
dag_gen.go, dag_gen.manifest and dag_proof_gen.go beside the code.

Without a command it generates for the packages that are named, or for the one in this folder.
Packages are named as for the go command: ., ./weather, ./...

Exit codes: 0 done, 1 the input is wrong (file:line:col on stderr), 2 usage, 3 internal.`

// command builds the tree of commands.
func (t *tool) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "dagstergen [packages]",
		Short:         "generate data pipelines from annotated Go functions",
		Long:          rootHelp,
		Args:          t.patterns,
		RunE:          t.generate,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionText(),
	}
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringVarP(&t.flags.chdir, "chdir", "C", "", "change to `FOLDER` first")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return t.changeDir() }
	root.CompletionOptions.HiddenDefaultCmd = false

	t.generateFlags(root)
	generate := &cobra.Command{
		Use:   "generate [packages]",
		Short: "generate; the same as dagstergen without a command",
		Args:  cobra.ArbitraryArgs,
		RunE:  t.generate,
	}
	t.generateFlags(generate)
	root.AddCommand(generate, t.checkCommand(), t.vetCommand(), t.graphCommand(), t.explainCommand(), t.diffCommand(), t.inspectCommand(), t.runCommand(), t.newCommand(), t.versionCommand())
	root.SetHelpCommand(t.helpCommand(root))
	for _, c := range append(root.Commands(), root) {
		if c.Name() != "help" && c.Name() != "version" {
			c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs // packages are folders
			}
		}
		if run := c.RunE; run != nil {
			c.RunE = func(c *cobra.Command, args []string) error {
				if err := run(c, args); err != nil {
					return ranError{err}
				}
				return nil
			}
		}
	}
	return root
}

// changeDir finds the folder of this call.
func (t *tool) changeDir() error {
	dir, err := os.Getwd()
	if err != nil {
		return ranError{inputf("the current folder cannot be found: %w", err)}
	}
	t.dir = dir
	if t.flags.chdir != "" {
		t.dir = t.inDir(t.flags.chdir)
		info, err := os.Stat(t.dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", t.flags.chdir)
		}
		if err != nil {
			return ranError{usagef("-C: %w", err)}
		}
	}
	return nil
}

// wants refuses less than least or more than most arguments; most is negative for any number.
func wants(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return fmt.Errorf("%s wants %s: %s", c.Name(), what, c.UseLine())
		}
		return nil
	}
}

// patterns refuses a word that is a misspelt command rather than a package.
func (t *tool) patterns(c *cobra.Command, args []string) error {
	if len(args) == 0 || strings.ContainsAny(args[0], "./"+string(filepath.Separator)) {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	if near, ok := nearest.Of(args[0], names); ok && !slices.Contains(names, args[0]) {
		return fmt.Errorf("unknown command %q; did you mean %s? (a package is named like ./%s)", args[0], near, args[0])
	}
	return nil
}
