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
	cmd.AddCommand(a.schemaCommand(), a.validateCommand())
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
			title := "Run config of the assets"
			if job != "" {
				title = "Run config of the job " + job
			}
			doc, err := runconfig.JSONSchema(title, s)
			if err != nil {
				return &plan.Error{Problems: []plan.Problem{{Code: "no_schema", Message: err.Error()}}}
			}
			_, _ = a.out.Write(doc) // an error is kept in out
			return nil
		},
	}
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
			s, err := execute.ConfigSchema(cat, first(args), selection)
			if err != nil {
				return err
			}
			doc, err := a.document(cmd, &c)
			if err != nil {
				return err
			}
			resolved, err := runconfig.Resolve(doc, s, a.env.Getenv)
			if err != nil {
				return err
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
