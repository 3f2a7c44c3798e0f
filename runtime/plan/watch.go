package plan

import "github.com/dagstergen/dagstergen/runtime/dag"

// A Sight names one observation: of the source at a place, of a partition where it has any.
type Sight struct {
	Place     int32
	Partition dag.PartitionKey // empty for a source without partitions
}

// A Watch is an observation that a run needs before it is planned.
type Watch struct {
	Place     int32
	Partition *dag.Partition // nil for a source without partitions
}

// Sight is what the observation is called.
func (w Watch) Sight() Sight { return sightOf(w.Place, w.Partition) }

// Sight is what the observation of a step of a source is called.
func (s *Step) Sight() Sight { return sightOf(s.Place, s.Partition) }

func sightOf(place int32, p *dag.Partition) Sight {
	if p == nil {
		return Sight{Place: place}
	}
	return Sight{Place: place, Partition: p.Key}
}

// Watches are the observations that a run of t needs: one of each source, and of one with partitions one for each partition that is computed or taken.
func (t *Target) Watches() []Watch {
	all := make([]Watch, 0, len(t.Sources))
	for _, i := range t.Sources {
		all = append(all, Watch{Place: i, Partition: t.Graph.Nodes[i].Partition})
	}
	return all
}
