package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/dagstergen/dagstergen/bench"
)

// resume takes in what an earlier run wrote to a file, if there is one: what it measured is not measured again, and stays also where it is left out now.
func (d *driver) resume(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	old, err := bench.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if old.Quick != d.m.Quick {
		return fmt.Errorf("%s has measurements of other sizes: leave out -resume, or give -quick as it was given then", path)
	}
	old.Machine = append(old.Machine, "load when it went on: "+loadAverage())
	d.m = old
	return nil
}

// installed adds a system, as it is installed now. What was measured of another version of it cannot stand beside what is measured now.
func (d *driver) installed(name, version string) error {
	if slices.Contains(d.m.Systems, name) {
		if was := d.m.Versions[name]; was != version {
			return fmt.Errorf("%s was measured as %q and is %q now: begin anew without -resume", name, was, version)
		}
		return nil
	}
	d.m.Systems = append(d.m.Systems, name)
	if version != "" {
		d.m.Versions[name] = version
	}
	return nil
}

// inOrder puts systems and rows into the order of the tables.
func (d *driver) inOrder(all []system) {
	order := append(names(systems()), names(all)...)
	slices.SortStableFunc(d.m.Systems, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	table := rows(works(full))
	at := func(r bench.Row) int {
		return slices.IndexFunc(table, func(t bench.Row) bool { return t.Key == r.Key })
	}
	slices.SortStableFunc(d.m.Rows, func(a, b bench.Row) int { return at(a) - at(b) })
}

// addRows adds the rows of works that are not there.
func (d *driver) addRows(list []work) {
	for _, r := range rows(list) {
		if !slices.ContainsFunc(d.m.Rows, func(o bench.Row) bool { return o.Key == r.Key }) {
			d.m.Rows = append(d.m.Rows, r)
		}
	}
}

// has reports whether a turn was taken already: each row of it has a figure of the round, or a reason why there is none.
func (d *driver) has(s system, w work, round int) bool {
	for _, p := range w.phases {
		for _, row := range []string{p.row.Key, p.turn} {
			if row == "" || s.cannot(w, p.name) != "" {
				continue
			}
			c := d.m.Cell(row, s.name)
			if c == nil || c.Reason == "" && !slices.ContainsFunc(c.Samples, func(s bench.Sample) bool { return s.Round == round }) {
				return false
			}
			if c.Reason != "" {
				return true // those after it were not reached
			}
		}
	}
	return true
}

// names returns what systems are called.
func names(all []system) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.name)
	}
	return out
}

// save writes the measurements to a file as they are, whole or not at all.
func save(m *bench.Measured, path string) error {
	data, err := m.JSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
