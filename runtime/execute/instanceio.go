package execute

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/plugin"
)

// The IO manager that dagstergen.yaml names stores what ops compute that name none. For plans, steps and their children it is a resource like that of io=, under a key that no resource of
// a package can have.

// ofInstance begins the keys of such IO managers, as they stand in records and messages.
const ofInstance = instance.ConfigFile + ":"

// An instanceIO is what dagstergen.yaml says of the IO manager.
type instanceIO struct {
	Choice plugin.Choice `json:"choice"`
	Dir    string        `json:"dir"` // of the instance
}

// ioOfInstance returns the IO manager that an instance names; nil for its own store.
func ioOfInstance(inst *instance.Instance) (*instanceIO, error) {
	if inst == nil || inst.Dir() == "" {
		return nil, nil
	}
	choice := inst.Choice("io_manager")
	if choice.Name == "" || choice.Name == instance.OwnStore {
		return nil, nil
	}
	return &instanceIO{choice, inst.Dir()}, nil
}

// key is what records have of it; empty for nil.
func (i *instanceIO) key() string {
	if i == nil {
		return ""
	}
	return ofInstance + i.Choice.Name
}

// open makes the IO manager, once for a run or a child. One that is an io.Closer is closed when that ends.
func (i *instanceIO) open(ctx context.Context) (any, func(), error) {
	m, err := instance.IOManagers.Make(plugin.Context{Context: ctx, Folder: i.Dir}, i.Choice, "")
	switch {
	case err != nil:
		return nil, nil, err
	case m == nil:
		return nil, nil, fmt.Errorf("the plug-in of the IO manager %q made none", i.Choice.Name)
	}
	closer, ok := m.(io.Closer)
	if !ok {
		return m, nil, nil
	}
	return m, func() {
		if err := closer.Close(); err != nil {
			panic(fmt.Sprintf("close: %v", err)) // as any clean-up says that it has failed
		}
	}, nil
}

// managed are resources with the IO manager of the instance among them.
func managed(defs definedResources, io *instanceIO) definedResources {
	return &managedResources{defs, io}
}

type managedResources struct {
	definedResources
	io *instanceIO
}

// Resource implements definedResources.
func (m *managedResources) Resource(key string) (*dag.Resource, bool) {
	name, ok := strings.CutPrefix(key, ofInstance)
	switch {
	case !ok:
		return m.definedResources.Resource(key)
	case key == m.io.key():
		return &dag.Resource{Key: key, Open: func(ctx context.Context, _ *dag.Call) (any, func(), error) { return m.io.open(ctx) }}, true
	}
	return &dag.Resource{Key: key, Open: func(context.Context, *dag.Call) (any, func(), error) {
		return nil, nil, fmt.Errorf("the output was stored by the IO manager %q, which %s does not name any more: name it again to read it", name, instance.ConfigFile)
	}}, true
}

// io is the IO manager of an op.
func (s *stepServer) io(op *dag.Op) string { return plan.IOOf(op, s.ref.IO.key()) }
