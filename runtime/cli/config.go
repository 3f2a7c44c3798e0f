package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Describe and check run config",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.group,
	}
	cmd.AddCommand(a.schemaCommand(), a.scaffoldCommand(), a.validateCommand())
	return cmd
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [JOB]",
		Short: "Print the JSON Schema of the run config of a job, or of the assets",
		Long: "Print the JSON Schema (draft 2020-12) of the run config of a job, or of the assets.\n\n" +
			"Editors complete and check a run config that names the schema, such as with a first line\n" +
			"# yaml-language-server: $schema=config.schema.json",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE: func(_ *cobra.Command, args []string) error {
			job := first(args)
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			s, err := execute.ConfigSchema(cat, job, "")
			if err != nil {
				return err
			}
			doc, err := runconfig.JSONSchema(configTitle(job), s)
			if err != nil {
				return &plan.Error{Problems: []plan.Problem{{Code: "no_schema", Message: err.Error()}}}
			}
			_, _ = a.out.Write(doc) // an error is kept in out
			return nil
		},
	}
}

func configTitle(job string) string {
	if job == "" {
		return "Run config of the assets"
	}
	return "Run config of the job " + job
}

func (a *app) scaffoldCommand() *cobra.Command {
	var selection string
	cmd := &cobra.Command{
		Use:   "scaffold [JOB]",
		Short: "Print a run config of a job, or of the assets, to fill in",
		Long: "Print a run config of a job, or of the assets, to fill in: what is required with an example, everything else commented out at its default,\n" +
			"descriptions from doc comments. It is valid as it is, but for files and for texts that only a Go type of yours reads.",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE: func(_ *cobra.Command, args []string) error {
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			s, err := execute.ConfigSchema(cat, first(args), selection)
			if err != nil {
				return err
			}
			v := struct {
				Config string `json:"config"`
			}{string(runconfig.Scaffold(configTitle(first(args)), s))}
			return a.result(v, func(look) []string { return escapeLines(strings.TrimSuffix(v.Config, "\n")) })
		},
	}
	a.selectFlag(cmd, &selection)
	return cmd
}

func (a *app) validateCommand() *cobra.Command {
	var c configFlags
	var selection string
	cmd := &cobra.Command{
		Use:               "validate [JOB]",
		Short:             "Check the run config of a job, or of the assets, without running anything",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			if _, err := cat.Target(first(args), selection); err != nil {
				return err
			}
			doc, err := a.document(cmd, &c)
			if err != nil {
				return a.invalid(err)
			}
			resolved, err := execute.ResolveConfig(cat, first(args), selection, doc, a.env.Getenv)
			if err != nil {
				return a.invalid(err)
			}
			v := struct {
				Valid  bool   `json:"valid"`
				Config string `json:"config"`
			}{true, resolved.Text}
			return a.result(v, func(look) []string {
				if v.Config == "" {
					return []string{"valid; nothing is configured"}
				}
				return append([]string{"# valid; with defaults it is"}, escapeLines(v.Config)...)
			})
		},
	}
	c.add(a, cmd)
	a.selectFlag(cmd, &selection)
	a.addInputs(cmd, &c)
	return cmd
}

// invalid writes the problems of a run config as JSON too, where that was asked for, and returns err.
func (a *app) invalid(err error) error {
	var problems runconfig.Problems
	if a.format != formatJSON || !errors.As(err, &problems) {
		return err
	}
	type problem struct {
		Code    string `json:"code"`
		Path    string `json:"path"`
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}
	v := struct {
		Valid    bool      `json:"valid"`
		Problems []problem `json:"problems"`
	}{}
	for _, p := range problems {
		v.Problems = append(v.Problems, problem{p.Code, p.Path, p.Pos.File, p.Pos.Line, p.Pos.Col, p.Message, p.Hint})
	}
	return errors.Join(a.result(v, nil), err)
}

// configFlags are the flags that say what the run config is.
type configFlags struct {
	files  []string
	sets   []string
	preset string
	inputs []*inputFlag // of job
	job    string

	tags map[string]string // of the preset, once the document is read
}

func (c *configFlags) add(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	if strings.Contains(cmd.Use, "JOB") {
		f.StringVar(&c.preset, "preset", "", "begin with the run config that the job has under a `NAME`")
		a.completePresets(cmd)
	}
	f.StringArrayVarP(&c.files, "config", "c", nil, "read run config from a YAML or JSON `FILE`, - for stdin; later files win")
	f.StringArrayVar(&c.sets, "set", nil, "set one value of the run config by `PATH=VALUE`, such as ops.fetch.config.limit=10")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml", "json") // it was defined above
}

// document reads and merges what the flags say: the files in order, then the values. Problems of all of them are reported together.
func (a *app) document(cmd *cobra.Command, c *configFlags) (*runconfig.Document, error) {
	var doc *runconfig.Document
	var problems runconfig.Problems
	var wrong []error
	stdin := false
	if c.preset != "" {
		job := first(cmd.Flags().Args())
		if job == "" {
			return nil, usage(cmd, errors.New("--preset is for a job: name one"))
		}
		cat, err := a.catalog()
		if err != nil {
			return nil, err
		}
		j, err := cat.Job(job)
		if err != nil {
			return nil, err
		}
		if doc, c.tags, err = execute.Preset(j, c.preset); err != nil {
			return nil, err
		}
	}
	for _, name := range c.files {
		if name == "-" && stdin {
			wrong = append(wrong, errors.New("stdin can be read once: give -c - once"))
			continue
		}
		stdin = stdin || name == "-"
		data, err := a.read(name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if name == "-" {
			name = "stdin"
		}
		d, err := runconfig.Parse(name, data)
		if err != nil {
			problems = append(problems, asProblems(err)...)
			continue
		}
		doc = doc.Merge(d)
	}
	for _, s := range c.sets {
		path, value, err := runconfig.ParseSet(s)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		d, err := doc.Set(path, value)
		if err != nil {
			problems = append(problems, asProblems(err)...)
			continue
		}
		doc = d
	}
	doc, badFlags, badInputs := c.setInputs(cmd.Flags().Args(), doc)
	wrong, problems = append(wrong, badFlags...), append(problems, badInputs...)
	if len(wrong) > 0 {
		if len(problems) > 0 {
			wrong = append(wrong, problems)
		}
		return nil, usage(cmd, errors.Join(wrong...))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return doc, nil
}

func asProblems(err error) runconfig.Problems {
	var p runconfig.Problems
	if errors.As(err, &p) {
		return p
	}
	return runconfig.Problems{{Code: runconfig.CodeSyntax, Message: err.Error()}}
}

// read reads a file of run config; one byte more than allowed is enough to know that it is too large.
func (a *app) read(name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(a.env.Stdin, runconfig.MaxBytes+1))
		if err != nil {
			return nil, fmt.Errorf("cannot read stdin: %w", err)
		}
		return data, nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.env.Dir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the run config %s: %w", name, reason(err))
	}
	if info.IsDir() {
		return nil, fmt.Errorf("cannot read the run config %s: it is a folder", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the run config %s: %w", name, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, runconfig.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the run config %s: %w", name, reason(err))
	}
	return data, nil
}

// reason leaves out what a message about a file says already: the operation and the path.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
