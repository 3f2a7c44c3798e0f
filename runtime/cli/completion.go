package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeJobs offers the keys of jobs, with what they do, for the first argument.
func (a *app) completeJobs(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	if cat, err := a.catalog(); err == nil {
		for _, j := range cat.Jobs() {
			out = append(out, cobra.CompletionWithDesc(j.Key, escape(firstSentence(j.Description))))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeAssets offers the keys of assets for the first argument.
func (a *app) completeAssets(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.assetCompletions(""), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) assetCompletions(prefix string) []cobra.Completion {
	var out []cobra.Completion
	cat, err := a.catalog()
	if err != nil {
		return nil
	}
	for _, op := range cat.Assets() {
		for _, as := range assetsOf(cat, op) {
			out = append(out, cobra.CompletionWithDesc(prefix+as.Key, escape(firstSentence(as.Description))))
		}
	}
	return out
}

// checkCompletions offers the assets that have checks, and their checks.
func (a *app) checkCompletions(prefix string) []cobra.Completion {
	cat, err := a.catalog()
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	seen := map[string]bool{}
	for _, op := range cat.Checks("") {
		if !seen[op.Check.Asset] {
			seen[op.Check.Asset] = true
			out = append(out, cobra.CompletionWithDesc(prefix+"check:"+op.Check.Asset, "all checks of "+op.Check.Asset))
		}
		out = append(out, cobra.CompletionWithDesc(prefix+"check:"+op.Key, escape(firstSentence(op.Description))))
	}
	return out
}

// completePresets completes --preset with those of the job that the arguments name.
func (a *app) completePresets(cmd *cobra.Command) {
	// The flag was defined before: registering it cannot fail.
	_ = cmd.RegisterFlagCompletionFunc("preset", func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var out []cobra.Completion
		if cat, err := a.catalog(); err == nil && len(args) > 0 {
			if j, err := cat.Job(args[0]); err == nil {
				for _, p := range j.Presets {
					out = append(out, cobra.CompletionWithDesc(p.Name, escape(firstSentence(p.Description))))
				}
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
}

// selectFlag adds --select. What is completed is the last clause: a step of the job that the arguments name, or an asset.
func (a *app) selectFlag(cmd *cobra.Command, value *string) {
	severalFlag(cmd, value, "select", "s", "only the steps of a `SELECTION`: keys, tag:, group:, kind:, owner:, check:, key:\"a/*\", with * or + for what is above or below, and, or, not, parentheses")
	// The flag was defined a line before: registering it cannot fail.
	_ = cmd.RegisterFlagCompletionFunc("select", func(_ *cobra.Command, args []string, wrote string) ([]cobra.Completion, cobra.ShellCompDirective) {
		prefix := wrote[:strings.LastIndexAny(wrote, ",( *+")+1]
		directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if len(args) == 0 {
			if strings.HasPrefix(wrote[len(prefix):], "check:") {
				return a.checkCompletions(prefix), directive
			}
			return append(a.assetCompletions(prefix), prefix+"check:"), directive
		}
		var out []cobra.Completion
		if cat, err := a.catalog(); err == nil {
			if j, err := cat.Job(args[0]); err == nil {
				for _, n := range j.Nodes {
					out = append(out, prefix+n.Key)
				}
			}
		}
		return out, directive
	})
}
