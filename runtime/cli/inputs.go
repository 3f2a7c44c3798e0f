package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// An inputFlag is a flag for a parameter of the job that the command line names: run nightly --cities oslo,rome.
type inputFlag struct {
	param dag.JobParam
	texts []string
}

// String returns what was given.
func (f *inputFlag) String() string { return strings.Join(f.texts, ",") }

// Set takes one more value.
func (f *inputFlag) Set(s string) error {
	f.texts = append(f.texts, s)
	return nil
}

// Type names what the flag takes.
func (f *inputFlag) Type() string { return runconfig.FlagKind(f.param) }

// addInputs gives a command the flags of the job that the arguments of the process name, before they are parsed. A parameter whose name a flag
// of the command has is left to --set.
func (a *app) addInputs(cmd *cobra.Command, c *configFlags) {
	job := a.namedJob(cmd.Name())
	if job == nil {
		return
	}
	flags := cmd.Flags()
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	for _, p := range job.Params {
		name := strings.ReplaceAll(p.Name, "_", "-")
		kind := runconfig.FlagKind(p)
		if kind == "" || flags.Lookup(name) != nil || slices.Contains(reserved, name) {
			continue
		}
		in := &inputFlag{param: p}
		f := flags.VarPF(in, name, "", fmt.Sprintf("the input %s of %s, %s", p.Name, job.Key, article(shortType(paramType(p)))))
		if kind == "bool" {
			f.NoOptDefVal = "true"
		}
		c.inputs = append(c.inputs, in)
	}
	c.job = job.Key
}

// reserved are the names of flags that every command has, or that cobra adds.
var reserved = []string{"output", "quiet", "verbose", "help", "version"}

// namedJob is the first job that the arguments behind the name of a command name; nil where there is none.
func (a *app) namedJob(command string) *dag.JobDef {
	at := slices.Index(a.env.Args, command)
	if at < 0 {
		return nil
	}
	cat, err := a.catalog()
	if err != nil {
		return nil // reported by the command
	}
	for _, arg := range a.env.Args[at+1:] {
		for _, j := range cat.Jobs() {
			if j.Key == arg {
				return j
			}
		}
	}
	return nil
}

// setInputs puts what the flags of inputs say on top of a document. args are those of the command.
func (c *configFlags) setInputs(args []string, doc *runconfig.Document) (*runconfig.Document, []error, runconfig.Problems) {
	var wrong []error
	var problems runconfig.Problems
	for _, in := range c.inputs {
		if in.texts == nil {
			continue
		}
		flag := "--" + strings.ReplaceAll(in.param.Name, "_", "-")
		if len(args) == 0 || args[0] != c.job {
			wrong = append(wrong, fmt.Errorf("%s is an input of the job %s", flag, c.job))
			continue
		}
		value, err := runconfig.FlagValue(in.param, in.texts...)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", flag, err))
			continue
		}
		d, err := doc.SetFrom(flag, "inputs."+in.param.Name, value)
		if err != nil {
			problems = append(problems, asProblems(err)...)
			continue
		}
		doc = d
	}
	return doc, wrong, problems
}

func article(name string) string {
	if strings.HasPrefix(name, "[") || strings.HasPrefix(name, "*") || strings.HasPrefix(name, "map") {
		return name
	}
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}
