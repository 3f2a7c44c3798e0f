package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func (a *app) partitionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "partitions",
		Short: "List, add and delete the keys of dynamic partitions",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.group,
	}
	list := &cobra.Command{
		Use:               "list [NAME]",
		Short:             "Show which dynamic partitions there are, or the keys of one, in the order in which they were added",
		Args:              arguments("NAME"),
		ValidArgsFunction: a.completeDynamic,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listDynamic(cmd)
			}
			return a.listKeys(cmd, args[0])
		},
	}
	add := &cobra.Command{
		Use:               "add NAME KEY...",
		Short:             "Add keys to dynamic partitions; those that are there stay where they are",
		Args:              keysOf,
		ValidArgsFunction: a.completeDynamic,
		RunE:              a.addKeys,
	}
	remove := &cobra.Command{
		Use:   "delete NAME KEY...",
		Short: "Delete keys of dynamic partitions; those that are not there are no error",
		Long: "Delete keys of dynamic partitions; those that are not there are no error. What is stored of them stays, and is found again when a key is added again; " +
			"`assets wipe` forgets it.",
		Args:              keysOf,
		ValidArgsFunction: a.completeDynamic,
		RunE:              a.deleteKeys,
	}
	cmd.AddCommand(list, add, remove)
	return cmd
}

// keysOf wants a name and at least one key.
func keysOf(cmd *cobra.Command, args []string) error {
	if len(args) < 2 {
		return usage(cmd, fmt.Errorf("%s needs the name of dynamic partitions, and a key", cmd.CommandPath()))
	}
	return nil
}

// A dynamicName is a name of dynamic partitions, and which assets have them.
type dynamicName struct {
	Name   string   `json:"name"`
	Keys   int      `json:"keys"`
	Assets []string `json:"assets"` // sorted; none where no definition has the name any more
}

// dynamicNames are those that the definitions have, sorted.
func dynamicNames(cat *plan.Catalog) []dynamicName {
	byName := map[string]*dynamicName{}
	var names []string
	for _, op := range cat.Ops() {
		if op.Partitions == nil || op.Check != nil {
			continue
		}
		for _, name := range op.Partitions.DynamicNames() {
			if byName[name] == nil {
				byName[name] = &dynamicName{Name: name, Assets: []string{}}
				names = append(names, name)
			}
			byName[name].Assets = append(byName[name].Assets, op.Key)
		}
	}
	slices.Sort(names)
	out := []dynamicName{}
	for _, name := range names {
		out = append(out, *byName[name])
	}
	return out
}

func (a *app) listDynamic(cmd *cobra.Command) error {
	cat, err := a.catalog()
	if err != nil {
		return err
	}
	inst, err := a.openReadOnly(cmd.Context())
	if err != nil {
		return err
	}
	all := dynamicNames(cat)
	err = func() error {
		stored, err := inst.DynamicPartitionNames(cmd.Context())
		if err != nil {
			return err
		}
		for _, name := range stored {
			if !slices.ContainsFunc(all, func(d dynamicName) bool { return d.Name == name }) {
				all = append(all, dynamicName{Name: name, Assets: []string{}})
			}
		}
		for i := range all {
			keys, err := inst.GetDynamicPartitions(cmd.Context(), all[i].Name)
			if err != nil {
				return err
			}
			all[i].Keys = len(keys)
		}
		return nil
	}()
	if err = closed(err, inst); err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y dynamicName) int { return strings.Compare(x.Name, y.Name) })
	return a.result(all, func(l look) []string {
		if len(all) == 0 {
			return []string{"no asset has dynamic partitions; see partition.Dynamic in docs/partitions.md"}
		}
		t := &table{columns: []column{{title: "NAME"}, {title: "KEYS", right: true}, {title: "ASSETS", wrap: true}}}
		for _, d := range all {
			t.add(text(d.Name), text(group(int64(d.Keys))), text(strings.Join(d.Assets, ", ")))
		}
		return t.render(l)
	})
}

// dynamicKeys are the keys of dynamic partitions, in the order in which they were added.
type dynamicKeys struct {
	Name string   `json:"name"`
	Keys []string `json:"keys"`
}

func (a *app) listKeys(cmd *cobra.Command, name string) error {
	inst, err := a.openReadOnly(cmd.Context())
	if err != nil {
		return err
	}
	v := &dynamicKeys{Name: name}
	err = func() error {
		if err := a.knownDynamic(cmd, inst, name); err != nil {
			return err
		}
		v.Keys, err = inst.GetDynamicPartitions(cmd.Context(), name)
		return err
	}()
	if err = closed(err, inst); err != nil {
		return err
	}
	if v.Keys == nil {
		v.Keys = []string{}
	}
	return a.result(v, func(look) []string {
		lines := make([]string, len(v.Keys))
		for i, key := range v.Keys {
			lines[i] = escape(key)
		}
		return lines
	})
}

// knownDynamic is an error for a name that no definition has and that has no keys; it names the nearest one. inst may be nil.
func (a *app) knownDynamic(cmd *cobra.Command, inst *instance.Instance, name string) error {
	cat, err := a.catalog()
	if err != nil {
		return err
	}
	var names []string
	for _, d := range dynamicNames(cat) {
		names = append(names, d.Name)
	}
	if inst != nil {
		stored, err := inst.DynamicPartitionNames(cmd.Context())
		if err != nil {
			return err
		}
		names = append(names, stored...)
	}
	if slices.Contains(names, name) {
		return nil
	}
	return usage(cmd, fmt.Errorf("no dynamic partitions %q%s", name, nearest.Hint(name, names)))
}

// keyChanges says what became of keys.
type keyChanges struct {
	Name string      `json:"name"`
	Keys []keyChange `json:"keys"`
}

type keyChange struct {
	Key    string `json:"key"`
	Status string `json:"status"` // "added", "there already", "deleted" or "not there"
}

func (v *keyChanges) view(l look) []string {
	lines := make([]string, len(v.Keys))
	for i, k := range v.Keys {
		st := yellow
		if strings.Contains(k.Status, "there") {
			st = dim
		}
		lines[i] = escape(k.Key) + " " + l.paint(k.Status, st)
	}
	return lines
}

func (a *app) addKeys(cmd *cobra.Command, args []string) error {
	name := args[0]
	check := func() error {
		var errs []error
		for _, key := range args[1:] {
			if err := partition.CheckKey(key); err != nil {
				errs = append(errs, usage(cmd, err))
			}
		}
		return errors.Join(errs...)
	}
	inst, err := a.open(cmd.Context(), func() error { return errors.Join(a.knownDynamic(cmd, nil, name), check()) })
	if err != nil {
		return err
	}
	v, err := changeKeys(cmd.Context(), inst, args, "there already", "added", func(keys []string) error {
		if err := errors.Join(a.knownDynamic(cmd, inst, name), check()); err != nil {
			return err
		}
		return inst.AddDynamicPartitions(cmd.Context(), name, keys...)
	})
	if err = closed(err, inst); err != nil {
		return err
	}
	return a.result(v, v.view)
}

func (a *app) deleteKeys(cmd *cobra.Command, args []string) error {
	inst, err := a.openThere(cmd.Context())
	if err != nil {
		return err
	}
	v, err := changeKeys(cmd.Context(), inst, args, "deleted", "not there", func(keys []string) error {
		if err := a.knownDynamic(cmd, inst, args[0]); err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(key string) bool { // an instance that is not there yet has none, and cannot be written
			has, err := inst.HasDynamicPartition(cmd.Context(), args[0], key)
			return err == nil && !has
		})
		return inst.DeleteDynamicPartition(cmd.Context(), args[0], keys...)
	})
	if err = closed(err, inst); err != nil {
		return err
	}
	return a.result(v, v.view)
}

// changeKeys looks which keys are there, then changes them.
func changeKeys(ctx context.Context, inst *instance.Instance, args []string, there, notThere string, change func(keys []string) error) (*keyChanges, error) {
	v := &keyChanges{Name: args[0]}
	var keys []string
	for _, key := range args[1:] {
		if slices.Contains(keys, key) {
			continue
		}
		keys = append(keys, key)
		has, err := inst.HasDynamicPartition(ctx, args[0], key)
		if err != nil {
			return nil, err
		}
		status := notThere
		if has {
			status = there
		}
		v.Keys = append(v.Keys, keyChange{key, status})
	}
	return v, change(keys)
}

// completeDynamic offers the names of dynamic partitions, then the keys of the one that was named.
func (a *app) completeDynamic(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	cat, err := a.catalog()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if len(args) == 0 {
		for _, d := range dynamicNames(cat) {
			out = append(out, cobra.CompletionWithDesc(d.Name, "of "+strings.Join(d.Assets, ", ")))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	if cmd.Name() != "delete" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	inst, err := a.openReadOnly(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	keys, err := inst.GetDynamicPartitions(cmd.Context(), args[0])
	if closed(err, inst) == nil {
		out = keys
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
