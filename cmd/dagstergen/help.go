package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// helpCommand explains commands, directives and error codes.
func (t *tool) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command | directives [NAME...] | CODE]",
		Short: "explain a command, the directives, or an error code such as DAG0107",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var out []cobra.Completion
			if len(args) == 0 {
				out = append(out, "directives")
				for _, sub := range root.Commands() {
					out = append(out, sub.Name())
				}
			} else if args[0] == "directives" {
				for _, d := range annotations.Directives {
					out = append(out, string(d.Kind))
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			if args[0] == "directives" {
				if err := annotations.Help(t.stdout, args[1:]...); err != nil {
					return usageError{err}
				}
				return nil
			}
			if code, ok := diag.Lookup(strings.ToUpper(args[0])); ok {
				_, err := fmt.Fprintf(t.stdout, "%s: %s\n\n%s\n\nFix: %s\n", code.Code, code.Title, code.Means, code.Mend)
				return err
			}
			sub, rest, err := root.Find(args)
			if err != nil || sub == root || len(rest) > 0 {
				return usagef("there is no help on %q; there is on the commands, on directives, and on error codes", strings.Join(args, " "))
			}
			return sub.Help()
		},
	}
}
