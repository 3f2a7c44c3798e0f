package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/diag"
)

func (t *tool) vetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "vet [packages]",
		Short: "report what versions cannot see: clock, randomness, environment, network, files, order",
		Long: "Looks through all code that ops, assets and resources reach, for calls whose outcome is in no version, with the chain of calls;\n" +
			"then for steps that nobody needs, and for stale generated files. //dag:allow KIND \"reason\" accepts a kind where it stands.\n" +
			"Exit code 1 if there are findings. Also: go vet -vettool=$(go tool -n dagstergen) ./...\n" +
			"JSON: {\"findings\": [{\"kind\", \"what\", \"function\", \"from\": [{\"key\", \"kind\", \"symbol\", \"path\"}], \"diagnostic\"}], \"diagnostics\"}.",
		Args: cobra.ArbitraryArgs,
		RunE: t.vet,
	}
	t.loading(c.Flags())
	t.outputs(c, "text", "json")
	return c
}

// vetted is the JSON form of what vet found.
type vetted struct {
	Findings    []vetFinding `json:"findings"`
	Diagnostics any          `json:"diagnostics"` // errors of the packages themselves
}

type vetFinding struct {
	Kind       string    `json:"kind"`
	What       string    `json:"what"`
	Function   string    `json:"function,omitempty"`
	From       []vetFrom `json:"from"`
	Diagnostic any       `json:"diagnostic"`
}

type vetFrom struct {
	Key    string   `json:"key"`
	Kind   string   `json:"kind"`
	Symbol string   `json:"symbol"`
	Path   []string `json:"path"`
}

func (t *tool) vet(c *cobra.Command, args []string) error {
	config, err := t.config(args)
	if err != nil {
		return err
	}
	found, diags, err := gen.Vet(c.Context(), config)
	if err != nil {
		return err
	}
	if t.flags.output == "json" {
		err = t.printJSON(t.describeFindings(found, diags))
	} else {
		all := diags
		for _, f := range found {
			all = append(all, f.Diagnostic)
		}
		p := t.printer()
		p.Max = -1
		err = p.Print(t.stderr, all)
		if len(found) > 0 && t.isTerminal(t.stderr) {
			fmt.Fprintf(t.stderr, "\n%s\n", count(len(found), "finding"))
		}
	}
	if err != nil {
		return err
	}
	if len(found) > 0 || diags.HasErrors() {
		return exitError(exitInput)
	}
	return nil
}

func (t *tool) describeFindings(found []gen.Finding, diags diag.List) vetted {
	out := vetted{Findings: []vetFinding{}, Diagnostics: t.printer().JSON(diags)}
	for _, f := range found {
		v := vetFinding{Kind: f.Kind, What: f.What, Function: f.Function, From: []vetFrom{}, Diagnostic: t.printer().JSONOf(f.Diagnostic)}
		for _, from := range f.From {
			v.From = append(v.From, vetFrom(from))
		}
		out.Findings = append(out.Findings, v)
	}
	return out
}
