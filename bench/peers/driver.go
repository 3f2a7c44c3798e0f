package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/bench"
)

// driver runs works on systems.
type driver struct {
	self     string // this program
	checkout string // the folder of go.mod
	root     string // everything that is written
	venvs    string // the virtual environments
	python   string // the interpreter that makes them
	module   string // the pipelines
	tool     string // the generator
	rounds   int
	limit    time.Duration // for a process
	budget   time.Duration // for a cell: it gets no further round once it has had that
	saved    string        // the file to keep measurements in as they come; empty for none
	log      io.Writer

	edits  int
	digest string // what comes out of files; empty until it was computed
	spent  map[[2]string]time.Duration
	m      *bench.Measured
	wrong  []error // what went wrong with us
}

// measure runs all works on all systems, round by round.
func (d *driver) measure(ctx context.Context, all []system, list []work) error {
	d.spent = map[[2]string]time.Duration{}
	if d.m.Versions == nil {
		d.m.Versions = map[string]string{}
	}
	d.addRows(list)
	for _, s := range all {
		fmt.Fprintf(d.log, "installing %s\n", s.name)
		version, err := s.install(ctx, d)
		if err != nil {
			return fmt.Errorf("install %s: %w", s.name, err)
		}
		if err := d.installed(s.name, version); err != nil {
			return err
		}
	}
	d.inOrder(all)
	for round := range d.rounds {
		for _, w := range list {
			for i := range all { // another one begins in each round
				if err := ctx.Err(); err != nil {
					return err
				}
				s := all[(i+round)%len(all)]
				if d.has(s, w, round) {
					continue
				}
				d.turn(ctx, s, w, round)
				if d.saved != "" && ctx.Err() == nil { // what is broken off has failed, but says nothing of the system
					if err := save(d.m, d.saved); err != nil {
						return err
					}
				}
			}
		}
	}
	for _, w := range list { // every place has a figure or says why it has none
		for _, s := range all {
			for _, p := range w.phases {
				for _, row := range []string{p.row.Key, p.turn} { // either may be none
					if row == "" || d.m.Cell(row, s.name) != nil {
						continue
					}
					reason := s.cannot(w, p.name)
					if reason == "" {
						reason = "what comes before it failed"
					}
					d.m.Cells = append(d.m.Cells, bench.Cell{Row: row, System: s.name, Reason: reason})
				}
			}
		}
	}
	slices.SortStableFunc(d.m.Cells, func(a, b bench.Cell) int { return d.place(a) - d.place(b) })
	return errors.Join(d.wrong...)
}

// place is where a cell stands in the table.
func (d *driver) place(c bench.Cell) int {
	row := slices.IndexFunc(d.m.Rows, func(r bench.Row) bool { return r.Key == c.Row })
	return row*len(d.m.Systems) + slices.Index(d.m.Systems, c.System)
}

// turn does all phases of a work on a system once, in a fresh folder.
func (d *driver) turn(ctx context.Context, s system, w work, round int) {
	key := [2]string{s.name, w.key}
	if d.spent[key] >= d.budget && round > 0 || s.cannot(w, first) != "" {
		return
	}
	begun := time.Now()
	defer func() { d.spent[key] += time.Since(begun) }()
	dir, err := os.MkdirTemp(d.root, "turn-")
	if err != nil {
		d.failed(s, w, 0, err)
		return
	}
	defer os.RemoveAll(dir)
	if _, err := s.prepare(ctx, d, w, 0); err != nil {
		d.failed(s, w, 0, err)
		return
	}
	for i, p := range w.phases {
		if s.cannot(w, p.name) != "" {
			continue
		}
		var building time.Duration
		if p.name == edited {
			d.edits++
			if building, err = s.prepare(ctx, d, w, d.edits); err != nil {
				d.failed(s, w, i, err)
				return
			}
		}
		sample, err := d.sample(ctx, s, w, p, dir)
		if err != nil {
			d.failed(s, w, i, err)
			return
		}
		if p.row.Key == "" {
			continue
		}
		sample.Round = round
		fmt.Fprintf(d.log, "round %d  %-28s %-4s %10.4fs  whole %8.2fs  %5d MiB\n", round+1, s.name, p.row.Key, sample.Seconds, sample.Whole, sample.PeakKB>>10)
		d.add(s.name, p.row.Key, sample)
		if p.turn != "" {
			sample.Seconds = sample.Whole + building.Seconds()
			sample.Whole = sample.Seconds
			d.add(s.name, p.turn, sample)
		}
	}
}

// sample does one phase and checks what came out.
func (d *driver) sample(ctx context.Context, s system, w work, p phase, dir string) (bench.Sample, error) {
	c := s.command(d, w, p.name, dir)
	if w.key == "start" {
		line := filepath.Join(dir, "first-line")
		c.env = append(c.env, "FIRST_LINE="+line)
		begun := time.Now()
		_, sample, err := c.run(ctx, d.limit)
		if err != nil {
			return sample, err
		}
		at, err := os.ReadFile(line)
		if err != nil {
			return sample, err
		}
		ns, err := strconv.ParseInt(string(at), 10, 64)
		sample.Seconds = time.Unix(0, ns).Sub(begun).Seconds()
		return sample, err
	}
	if slices.Contains(s.whole, w.key) {
		if p.name == again { // files that were written just now are read twice before their times are believed
			for range 2 {
				if _, _, err := c.run(ctx, d.limit); err != nil {
					return bench.Sample{}, err
				}
			}
		}
		_, sample, err := c.run(ctx, d.limit)
		sample.Seconds = sample.Whole
		return sample, err
	}
	r, sample, err := c.measure(ctx, d.limit)
	if err != nil {
		return sample, err
	}
	want, err := d.answer(ctx, w, p.name)
	if err != nil {
		return sample, err
	}
	if r.Answer != want {
		return sample, fmt.Errorf("wrong answer %q instead of %q", r.Answer, want)
	}
	if most := map[string]int{again: 0, edited: 1}; p.name != first && r.Ran > most[p.name] {
		return sample, fmt.Errorf("it called %d functions where %d were to be called", r.Ran, most[p.name])
	}
	return sample, nil
}

// answer returns what comes out of a phase of a work. What comes out of files is computed by a process: the peak memory of a process that we start is
// never less than ours, so we stay small.
func (d *driver) answer(ctx context.Context, w work, phase string) (string, error) {
	switch {
	case w.key == "files":
	case w.key == "partitions":
		return w.standing(phase), nil
	case phase == edited:
		return w.answer(d.edits), nil
	default:
		return w.answer(0), nil
	}
	if d.digest == "" {
		out, _, err := command{args: []string{d.self, "digest", strconv.Itoa(w.size), strconv.Itoa(w.mib)}}.run(ctx, d.limit)
		if err != nil {
			return "", err
		}
		d.digest = strings.TrimSpace(string(out))
	}
	return d.digest, nil
}

// add adds a sample to a cell.
func (d *driver) add(system, row string, s bench.Sample) {
	c := d.m.Cell(row, system)
	if c == nil {
		d.m.Cells = append(d.m.Cells, bench.Cell{Row: row, System: system})
		c = &d.m.Cells[len(d.m.Cells)-1]
	}
	c.Samples = append(c.Samples, s)
}

// failed notes why a system gives no figure for a phase of a work, or for the first after it that has a row. A peer that fails leaves its place empty; that we fail is an error of the whole.
func (d *driver) failed(s system, w work, phase int, err error) {
	row := w.shown(phase).Key
	fmt.Fprintf(d.log, "%s, %s: %v\n", s.name, row, err)
	if strings.HasPrefix(s.name, bench.Ours) || s.command(d, work{key: "chain"}, first, "").args[0] == d.self {
		d.wrong = append(d.wrong, fmt.Errorf("%s, %s: %w", s.name, row, err))
	}
	failed := bench.Cell{Row: row, System: s.name, Reason: "it failed: " + lastWords(err)}
	switch {
	case !errors.Is(err, errLimit):
	case w.phases[phase].row.Key == "":
		failed.Reason = "what it is about was not stored after " + d.limit.String()
	default:
		failed.Reason, failed.Over = "not done after "+d.limit.String(), d.limit.Seconds()
	}
	if c := d.m.Cell(row, s.name); c != nil {
		*c = failed // figures of a system that fails now and then are none
		return
	}
	d.m.Cells = append(d.m.Cells, failed)
}

// lastWords is what a process said last before it failed: the rest is in the log, with the paths of the machine. Other errors stand as they are.
func lastWords(err error) string {
	var exit *exitError
	if errors.As(err, &exit) && exit.last() != "" {
		return exit.last()
	}
	return err.Error()
}
