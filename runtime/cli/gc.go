package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/instance"
)

func (a *app) gcCommand() *cobra.Command {
	var rule instance.Retention
	var dry bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove stored outputs that nothing needs any more",
		Long: "Remove what no record needs: files and values that were left behind, and records that were found damaged.\n" +
			"With a limit, records go too, the oldest first; their steps are computed again when something needs them.\n" +
			"The newest record of each asset, and of each step of a job, stays; but where it takes that to keep --max-size.\n\n" +
			"What a running run may use stays until it has ended. gc may run beside runs, and be killed at any time.",
		Args: arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("keep") && rule.Keep < 1 {
				return usage(cmd, fmt.Errorf("--keep is %d; it must be at least 1", rule.Keep))
			}
			return a.gc(cmd, rule, dry)
		},
	}
	f := cmd.Flags()
	f.Var((*ageFlag)(&rule.OlderThan), "older-than", "also records computed longer ago than `AGE`, such as 30d or 12h")
	f.IntVar(&rule.Keep, "keep", 0, "also records beyond the newest `N` of each asset and step")
	f.Var((*bytesFlag)(&rule.MaxSize), "max-size", "also the oldest records, until stored outputs take at most `SIZE`, such as 500MiB or 10GiB")
	f.BoolVarP(&dry, "dry-run", "n", false, "say what would be removed, and remove nothing")
	for _, name := range []string{"older-than", "keep", "max-size"} {
		complete(cmd, name)
	}
	return cmd
}

func (a *app) gc(cmd *cobra.Command, rule instance.Retention, dry bool) error {
	ctx := cmd.Context()
	open := a.openThere
	if dry {
		open = a.openReadOnly
	}
	inst, err := open(ctx)
	if err != nil {
		return err
	}
	c, err := inst.Collect(ctx, rule, dry)
	if err = closed(err, inst); err != nil {
		return err
	}
	return a.result(&collected{c.Records, c.Objects, c.Blobs, c.Bytes, c.Printed, c.Waiting, c.InUse, c.Living, dry},
		func(l look) []string { return collectedView(c, dry) })
}

// collected is what gc did as JSON has it.
type collected struct {
	Records int   `json:"records"`
	Objects int   `json:"objects"`
	Blobs   int   `json:"blobs"`
	Bytes   int64 `json:"bytes"`
	Printed int   `json:"printed"`
	Waiting int   `json:"waiting"`
	InUse   int   `json:"in_use"`
	Living  int   `json:"running_runs"`
	DryRun  bool  `json:"dry_run"`
}

func collectedView(c *instance.Collected, dry bool) []string {
	did := "removed"
	if dry {
		did = "would remove"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Records, "record"}, {c.Objects, "file"}, {c.Blobs, "small output"}} {
		if p.n > 0 {
			parts = append(parts, plural(p.n, p.what))
		}
	}
	if c.Printed > 0 {
		parts = append(parts, "what "+plural(c.Printed, "deleted run")+" printed")
	}
	var out []string
	if len(parts) == 0 {
		out = append(out, did+" nothing")
	} else {
		out = append(out, fmt.Sprintf("%s %s, %s", did, strings.Join(parts, ", "), size(c.Bytes)))
	}
	if dry && c.Living > 0 {
		out = append(out, plural(c.Living, "run")+" in progress: what "+theyUse(c.Living)+" would stay until the next gc")
	}
	if c.Waiting+c.InUse > 0 {
		out = append(out, fmt.Sprintf("left %s and %s that %s in progress may use, for the next gc", plural(c.Waiting, "record"), plural(c.InUse, "file"), plural(c.Living, "run")))
	}
	return out
}

func theyUse(runs int) string {
	if runs == 1 {
		return "it uses"
	}
	return "they use"
}

// ageFlag is a duration that may be given in days.
type ageFlag time.Duration

// String writes the duration as Go does; empty for none.
func (f *ageFlag) String() string {
	if f == nil || *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

// Set takes "30d" and what Go takes for a duration.
func (f *ageFlag) Set(s string) error {
	var d time.Duration
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n*24 > float64(maxDuration/time.Hour) {
			return errors.New("want an age such as 30d or 12h")
		}
		d = time.Duration(n * float64(24*time.Hour))
	} else {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			return errors.New("want an age such as 30d or 12h")
		}
	}
	if d <= 0 {
		return errors.New("want more than nothing")
	}
	*f = ageFlag(d)
	return nil
}

const maxDuration = time.Duration(1<<63 - 1)

// Type names the value in the help.
func (f *ageFlag) Type() string { return "AGE" }

// bytesFlag is a number of bytes with a unit.
type bytesFlag int64

// String writes the number of bytes; empty for none.
func (f *bytesFlag) String() string {
	if f == nil || *f == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*f), 10)
}

// Set takes a number with a unit: 500MiB, 10GB, 1024.
func (f *bytesFlag) Set(s string) error {
	units := []struct {
		name string
		n    float64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n*u.n >= 1<<62 || !(n > 0) {
			break
		}
		*f = bytesFlag(n * u.n)
		return nil
	}
	return errors.New("want a size such as 500MiB or 10GiB")
}

// Type names the value in the help.
func (f *bytesFlag) Type() string { return "SIZE" }
