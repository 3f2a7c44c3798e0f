package plan

import (
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// inJob is the target of a job in the partition that a selection says. The steps are called as they are in the job; what they are known by has the partition in it.
func (t *Target) inJob(selection string, at partition.At) (*Target, error) {
	j := t.Job
	var wrong problems
	if j.Partitions == nil {
		if selection != "" {
			wrong.add("no_partitions", "job %q has no partitions; leave out --partition, or the tag %s", j.Key, TagPartition)
		}
		return t, wrong.err()
	}
	p, err := partitionOfJob(j, selection, at)
	if err != nil {
		return nil, err
	}
	out := *t
	out.Partition = p
	out.Graph = t.Catalog.graphOf(j, dag.PartitionStep(j.Key, p.Key), &wrong)
	for i := range out.Graph.Nodes {
		out.Graph.Nodes[i].Partition = p
	}
	return &out, wrong.err()
}

// partitionOfJob is the one partition that a selection says of those of a job.
func partitionOfJob(j *dag.JobDef, selection string, at partition.At) (*dag.Partition, error) {
	var wrong problems
	space, err := j.Partitions.Resolve(at)
	if err != nil {
		wrong.add("bad_partitions", "job %q: %v", j.Key, err)
		return nil, wrong.err()
	}
	if selection == "" {
		example := "; there is none yet" + toAdd(j.Partitions, "KEY")
		if n := space.Len(); n > 0 {
			example = ": one of " + strconv.Itoa(n) + ", such as " + space.Key(space.All().First(1)[0])
		}
		wrong.add("partition_needed", "job %q has partitions (%s); say which one is meant with --partition KEY%s", j.Key, j.Partitions, example)
		return nil, wrong.err()
	}
	set, err := selectIn(space, selection)
	switch {
	case err != nil:
		wrong.add("unknown_partition", "job %q: %v%s", j.Key, err, toAdd(j.Partitions, selection))
	case set.Len() != 1:
		wrong.add("several_partitions", "a run of job %q is of one partition, and %q selects %d; a backfill of the job runs it for each: backfill launch --job %s --partition %s", j.Key, selection, set.Len(), j.Key, shellWord(selection))
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return partitionAt(space, set.First(1)[0]), nil
}

// shellWord is a selection of partitions as it is typed.
func shellWord(selection string) string {
	if strings.ContainsAny(selection, " |*[]\"'$&;<>()") {
		return "'" + strings.ReplaceAll(selection, "'", `'\''`) + "'"
	}
	return selection
}

// jobPartitions finds what is wrong with the partitions of jobs.
func (c *Catalog) jobPartitions(wrong *problems) {
	for _, j := range c.jobs {
		switch d := j.Partitions; {
		case d != nil && d.Err() != nil:
			wrong.add("bad_partitions", "job %q: its partitions are wrong: %v", j.Key, d.Err())
		case d == nil && j.ConfigFor != nil:
			wrong.add("bad_partitions", "job %q has a config for each partition, and no partitions; give it some: dag.JobOptions{Partitions: ...}", j.Key)
		}
	}
}

// Identity is what the steps of a node are known by from run to run, where it stands in no loop.
func (g *Graph) Identity(i int32) string { return g.Nodes[i].identity }
