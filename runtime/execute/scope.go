package execute

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// scope is what a step's context leads to.
type scope struct {
	dag.Scope
	step  *plan.Step
	parts []*plan.Step // of a function that is called for some of its assets: those; nil where step is all of it
	lines stepHandler

	mu     sync.Mutex
	said   remarks
	checks []*dag.TypeCheck // of each output; nil where there is none
	note   checkNote
	closed bool
}

// remarks are what a body says of its outputs: of each of them, or nil where it says nothing of any.
type remarks struct {
	metadata [][]dag.MetadataEntry
	versions []dag.DataVersion
}

func (r *remarks) metadataOf(k int) []dag.MetadataEntry {
	if r.metadata == nil {
		return nil
	}
	return r.metadata[k]
}

func (r *remarks) versionOf(k int) dag.DataVersion {
	if r.versions == nil {
		return ""
	}
	return r.versions[k]
}

// namedBy is what a data version that a step says counts for: the asset, or the step of its job.
func namedBy(s *plan.Step, def *dag.Output) string {
	if def.Asset != "" {
		if s.Partition != nil {
			return dag.PartitionStep("asset:"+def.Asset, s.Partition.Key)
		}
		return "asset:" + def.Asset
	}
	return s.Identity
}

// addMetadata records facts about an output; the empty name means the only one.
func (s *scope) addMetadata(output string, entries []dag.MetadataEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.output(output, dag.ErrMetadata, "add it", "AddMetadataTo")
	if err != nil {
		return err
	}
	if s.said.metadata == nil {
		s.said.metadata = make([][]dag.MetadataEntry, len(s.step.Op.Outputs))
	}
	for _, e := range entries {
		for _, known := range s.said.metadata[at] {
			if known.Label == e.Label {
				return fmt.Errorf("%w: label %q is used twice for output %s of step %s", dag.ErrMetadata, e.Label, s.step.Op.Outputs[at].Name, s.step.Key)
			}
		}
		s.said.metadata[at] = append(s.said.metadata[at], e)
	}
	return nil
}

// setDataVersion takes in which data an output is.
func (s *scope) setDataVersion(output string, v dag.DataVersion) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.output(output, dag.ErrDataVersion, "say it", "SetDataVersion")
	if err != nil {
		return err
	}
	if s.said.versions == nil {
		s.said.versions = make([]dag.DataVersion, len(s.step.Op.Outputs))
	}
	if known := s.said.versions[at]; known != "" {
		return fmt.Errorf("%w: output %s of step %s has %q already; say one", dag.ErrDataVersion, s.step.Op.Outputs[at].Name, s.step.Key, string(known))
	}
	s.said.versions[at] = v
	return nil
}

// output finds the output that a body means; the error wraps kind. The mutex is held.
func (s *scope) output(name string, kind error, do, with string) (at int, err error) {
	outs := s.step.Op.Outputs
	at = -1
	names := make([]string, len(outs))
	for i := range outs {
		names[i] = outs[i].Name
		if outs[i].Name == name || name == "" && len(outs) == 1 {
			at = i
		}
	}
	switch {
	case s.closed:
		return 0, fmt.Errorf("%w: step %s has ended; %s before the function returns", kind, s.step.Key, do)
	case at < 0 && name == "" && len(outs) > 1:
		return 0, fmt.Errorf("%w: step %s has several outputs; name one of %s with %s", kind, s.step.Key, strings.Join(names, ", "), with)
	case at < 0 && len(outs) == 0:
		return 0, fmt.Errorf("%w: step %s has no output", kind, s.step.Key)
	case at < 0:
		return 0, fmt.Errorf("%w: step %s has no output %q, it has %s", kind, s.step.Key, name, strings.Join(names, ", "))
	}
	return at, nil
}

// give takes in what a process said of an output where the body ran.
func (s *scope) give(output int, entries []dag.MetadataEntry, v dag.DataVersion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(entries) > 0 {
		if s.said.metadata == nil {
			s.said.metadata = make([][]dag.MetadataEntry, len(s.step.Op.Outputs))
		}
		s.said.metadata[output] = entries
	}
	if v != "" {
		if s.said.versions == nil {
			s.said.versions = make([]dag.DataVersion, len(s.step.Op.Outputs))
		}
		s.said.versions[output] = v
	}
}

// close ends what the body may say, and returns it.
func (s *scope) close() *remarks {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return &s.said
}
