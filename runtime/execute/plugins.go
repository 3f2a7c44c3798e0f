package execute

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plugin"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// RunLaunchers are what the key run_launcher of dagstergen.yaml can name.
var RunLaunchers = plugin.NewKind[RunLauncher]("run_launcher")

// RunCoordinators are what the key run_coordinator of dagstergen.yaml can name. One that has a Launcher of its own to fill in is made by a plug-in that asks for the
// instance's, see [LauncherOf].
var RunCoordinators = plugin.NewKind[RunCoordinator]("run_coordinator")

func init() {
	plugin.Register(RunLaunchers, "detached", func(plugin.Context, struct{}) (RunLauncher, error) { return DetachedProcess{}, nil })
	plugin.Register(RunCoordinators, "at_once", func(plugin.Context, struct{}) (RunCoordinator, error) { return StartAtOnce{}, nil })
}

// LauncherOf returns the launcher that an instance's dagstergen.yaml names, a [DetachedProcess] where it names none.
func LauncherOf(ctx context.Context, inst *instance.Instance) (RunLauncher, error) {
	l, err := RunLaunchers.Make(plugin.Context{Context: ctx, Folder: inst.Dir()}, inst.Choice("run_launcher"), "detached")
	return l, settingError(inst, err)
}

// CoordinatorOf returns the coordinator that an instance's dagstergen.yaml names, [StartAtOnce] where it names none.
func CoordinatorOf(ctx context.Context, inst *instance.Instance) (RunCoordinator, error) {
	c, err := RunCoordinators.Make(plugin.Context{Context: ctx, Folder: inst.Dir()}, inst.Choice("run_coordinator"), "at_once")
	return c, settingError(inst, err)
}

// settingError says where a wrong setting stands.
func settingError(inst *instance.Instance, err error) error {
	if err == nil {
		return nil
	}
	return &instance.ConfigError{Path: filepath.Join(inst.Dir(), instance.ConfigFile), Err: err}
}

// withDefaultExecutor puts the executor that the instance names below the run config, where neither an option nor run config nor the job chooses one.
func withDefaultExecutor(jobs string, o *Options) (*runconfig.Document, error) {
	if o.Instance == nil || o.Executor != "" || o.fallback != "" || jobs != "" || o.Config.Has("execution") {
		return o.Config, nil
	}
	choice := o.Instance.Choice("executor")
	if choice.Name == "" {
		return o.Config, nil
	}
	if names := Executors(); !slices.Contains(names, choice.Name) {
		return nil, settingError(o.Instance, fmt.Errorf("line %d: executor: %q is not registered; there is %s", choice.Line, choice.Name, strings.Join(names, ", ")))
	}
	config, err := choice.Value()
	if err != nil {
		return nil, settingError(o.Instance, fmt.Errorf("executor.%s: %w", choice.Name, err))
	}
	if config == nil {
		config = map[string]any{}
	}
	below, err := runconfig.FromValue(map[string]any{"execution": map[string]any{"config": map[string]any{choice.Name: config}}})
	if err != nil {
		return nil, settingError(o.Instance, err)
	}
	return below.Merge(o.Config), nil
}
