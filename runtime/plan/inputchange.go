package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An inputChange is one way in which what a step takes differs from what a record was made from.
type inputChange struct {
	entry int    // of Versions and Data; -1 for one that is gone
	wired bool   // it takes something else, or under another name; else it takes other data
	from  string // the asset or step that is meant; empty for a value
	text  string
}

// compareInputs lists how what s takes differs from what a record was made from.
func (b *builder) compareInputs(s *Step, was *storage.Record) {
	for _, c := range b.inputChanges(s, s.Data, was) {
		s.because(ReasonInput, "%s", c.text)
	}
}

// inputChanges compares the data versions of what s takes, zero where one is not known, with those of a record: in the order of the
// parameters, new ones after the others and what is gone last.
func (b *builder) inputChanges(s *Step, data []canon.Digest, was *storage.Record) (changes []inputChange) {
	old := map[string]*storage.Input{}
	for i := range was.Inputs {
		old[was.Inputs[i].Name] = &was.Inputs[i]
	}
	add := func(entry int, wired bool, from, format string, args ...any) {
		changes = append(changes, inputChange{entry, wired, from, fmt.Sprintf(format, args...)})
	}
	var news []int
	for k := range data {
		name := s.InputName(k)
		o := old[name]
		delete(old, name)
		from := s.InputFrom(b.plan, k)
		switch {
		case o == nil:
			news = append(news, k)
		case o.From == from && o.Partitions != s.InputPartitions(b.plan, k):
			add(k, true, from, "input %s is made from partitions %s of %q now, from %s before", name, partitionText(s.InputPartitions(b.plan, k)), from, partitionText(o.Partitions))
		case data[k].IsZero() || data[k] == o.DataVersion:
		case from == "":
			add(k, false, "", "input %s: another value is passed", name)
		case o.From != from:
			add(k, true, from, "input %s comes from %q now, from %s before", name, from, cmp.Or(quoted(o.From), "a value"))
		default:
			add(k, false, from, "input %s: upstream %q has new data%s", name, from, b.renewed(s, k, was))
		}
	}
	for _, k := range news {
		renamed := ""
		for _, name := range slices.Sorted(maps.Keys(old)) {
			if renamed == "" && old[name].DataVersion == data[k] {
				renamed = name
			}
		}
		if renamed != "" {
			delete(old, renamed)
			add(k, true, s.InputFrom(b.plan, k), "input %s was called %s before", s.InputName(k), renamed)
		} else {
			add(k, true, s.InputFrom(b.plan, k), "input %s is new", s.InputName(k))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		add(-1, true, old[name].From, "input %s is gone", name)
	}
	return changes
}

// partitionText is a selection of partitions for people.
func partitionText(terms string) string {
	if terms == "" {
		return "its own"
	}
	return clip(strings.ReplaceAll(terms, ",", ", "))
}
