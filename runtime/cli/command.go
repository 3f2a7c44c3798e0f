package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

// command builds the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           escape(a.env.Name),
		Short:         "A data pipeline: it computes what changed and reuses the rest.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          a.group,
	}
	root.PersistentPreRun = func(*cobra.Command, []string) { a.began = true }
	root.SetHelpCommand(a.helpCommand())
	root.SetIn(a.env.Stdin)
	root.SetOut(a.out)
	root.SetErr(a.env.Stderr)
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.VarP(&choice{&a.format, []string{formatTable, formatJSON}}, "output", "o", "how results are written: table or json")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "write errors and warnings only to stderr")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "write every detail to stderr")
	complete(root, "output", formatTable, formatJSON)
	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"work", "Commands:", []*cobra.Command{a.listCommand(), a.graphCommand(), a.planCommand(), a.runCommand(), a.materializeCommand(), a.backfillCommand(), a.verifyCommand()}},
		{"look", "Look at what is there:", []*cobra.Command{a.runsCommand(), a.assetsCommand(), a.configCommand()}},
		{"keep", "Look after it:", []*cobra.Command{a.partitionsCommand(), a.gcCommand(), a.instanceCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.AddCommand(a.versionCommand())
	root.InitDefaultCompletionCmd(a.env.Args...)
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "Write completions for a shell: bash, zsh, fish or powershell"
			c.Args, c.RunE = cobra.ArbitraryArgs, a.group
		}
	}
	return root
}

// helpCommand is cobra's, but that it is an error to ask for what there is not.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			at := cmd.Root()
			for _, name := range args {
				i := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
				if i < 0 {
					return a.group(at, []string{name})
				}
				at = at.Commands()[i]
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var out []cobra.Completion
			if at, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range at.Commands() {
					if c.IsAvailableCommand() {
						out = append(out, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// group is a command that has only commands below it: alone it shows its help, and with anything else it says what there is.
func (a *app) group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usage(cmd, fmt.Errorf("unknown command %q%s", args[0], nearest.Hint(args[0], names)))
}

// flagError says what is wrong with a flag, with the nearest one where it is unknown.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		if name := unknown.GetSpecifiedName(); len(name) > 1 {
			return usage(cmd, fmt.Errorf("unknown flag %q%s", "--"+name, nearest.Hint("--"+name, names)))
		}
	}
	return usage(cmd, err)
}

// arguments checks how many arguments a command takes, and says what is missing. names are those of the required ones; optional is
// the name of one more, or empty.
func arguments(optional string, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		most := len(names)
		if optional != "" {
			most++
		}
		switch {
		case len(args) < len(names):
			return usage(cmd, fmt.Errorf("%s needs %s", cmd.CommandPath(), names[len(args)]))
		case len(args) > most:
			return usage(cmd, fmt.Errorf("%s takes no argument %q", cmd.CommandPath(), args[most]))
		}
		return nil
	}
}

// A choice is a flag with a fixed set of values.
type choice struct {
	value   *string
	allowed []string
}

// String returns the value.
func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set takes one of the allowed values.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("want %s", strings.Join(c.allowed, " or "))
	}
	*c.value = s
	return nil
}

// Type names the values in the help.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

// complete offers fixed values for a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The flag was defined a line before: registering it cannot fail.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// choices is a flag that may be repeated, each time with one of a fixed set of values, in any case.
type choices struct {
	values  *[]string
	allowed []string
}

// String returns the values.
func (c *choices) String() string {
	if c.values == nil {
		return ""
	}
	return strings.Join(*c.values, ",")
}

// Set adds one of the allowed values.
func (c *choices) Set(s string) error {
	s = strings.ToUpper(s)
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("want %s", strings.Join(c.allowed, " or "))
	}
	*c.values = append(*c.values, s)
	return nil
}

// Type names a value in the help.
func (c *choices) Type() string { return "STATUS" }
