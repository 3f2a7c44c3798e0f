package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/bench"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "add": // what the floor of processes starts
		x, err := strconv.Atoi(args[1])
		fmt.Println(add(x))
		return err
	case len(args) == 3 && args[0] == "digest":
		size, err := strconv.Atoi(args[1])
		mib, err2 := strconv.Atoi(args[2])
		fmt.Println(work{size: size, stages: stages, mib: mib}.digest())
		return errors.Join(err, err2)
	case len(args) == 6 && args[0] == "floor":
		return runFloor(args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	isQuick := f.Bool("quick", false, "small sizes, for development")
	rounds := f.Int("rounds", 5, "how often each system has its turn")
	limit := f.Duration("limit", time.Hour, "what takes longer than this is not measured")
	budget := f.Duration("budget", 5*time.Minute, "no further round for what has taken this long")
	only := f.String("systems", "", "regular expression of the systems to measure")
	some := f.String("works", "", "regular expression of the works to measure: chain, wide, mapping, partitions, files, start, define")
	python := f.String("python", "python3", "the interpreter for the peers")
	venvs := f.String("venvs", "", "keep the virtual environments in this folder, and use those that are there")
	raw := f.String("json", "", "write the measurements to this file, as they come")
	goOn := f.Bool("resume", false, "go on with the measurements in the file of -json: what is there is not measured again, and systems and works that are left out now stay")
	from := f.String("from", "", "measure nothing: read the measurements from this file")
	page := f.String("page", "", "the page to write the figures into, and the chart beside it; otherwise they are printed")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *page != "" { // before hours of measuring
		if _, err := replaced(*page, ""); err != nil {
			return err
		}
	}
	if *from != "" {
		data, err := os.ReadFile(*from)
		if err != nil {
			return err
		}
		m, err := bench.Parse(data)
		if err != nil {
			return err
		}
		return write(m, "", *page)
	}
	d, err := newDriver(*isQuick, *python, *venvs)
	if err != nil {
		return err
	}
	defer os.RemoveAll(d.root)
	d.rounds, d.limit, d.budget, d.log, d.saved = *rounds, *limit, *budget, os.Stderr, *raw
	if *goOn {
		if err := d.resume(*raw); err != nil {
			return err
		}
	}
	list, all, err := chosen(*isQuick, *some, *only)
	if err != nil {
		return err
	}
	err = d.measure(ctx, all, list)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.m.Machine = append(d.m.Machine, "load when it ended: "+loadAverage())
	return errors.Join(err, write(d.m, *raw, *page))
}

// chosen returns the works and systems whose names match.
func chosen(isQuick bool, some, only string) ([]work, []system, error) {
	wanted, err := regexp.Compile(some)
	if err != nil {
		return nil, nil, err
	}
	named, err := regexp.Compile(only)
	if err != nil {
		return nil, nil, err
	}
	s := full
	if isQuick {
		s = quick
	}
	list := slices.DeleteFunc(works(s), func(w work) bool { return !wanted.MatchString(w.key) })
	all := slices.DeleteFunc(systems(), func(s system) bool { return !named.MatchString(s.name) })
	if len(list) == 0 || len(all) == 0 {
		return nil, nil, errors.New("nothing is left to measure: look at -systems and -works")
	}
	return list, all, nil
}

func newDriver(isQuick bool, python, venvs string) (*driver, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	checkout, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "dagstergen-peers-")
	if err != nil {
		return nil, err
	}
	if venvs == "" {
		venvs = filepath.Join(root, "venvs")
	}
	venvs, err = filepath.Abs(venvs)
	return &driver{self: self, checkout: checkout, root: root, venvs: venvs, python: python,
		m: &bench.Measured{Date: time.Now().UTC().Format(time.DateOnly), Quick: isQuick, Machine: machine()}}, err
}

// write writes measurements as they are, and what is read of them: into a page, or to the standard output.
func write(m *bench.Measured, raw, page string) error {
	if raw != "" {
		if err := save(m, raw); err != nil {
			return err
		}
	}
	if page == "" {
		fmt.Print(m.Section("benchmarks.svg"))
		return nil
	}
	text, err := replaced(page, m.Section("benchmarks.svg"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(page), "benchmarks.svg"), []byte(m.Chart()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

// replaced returns a page with another section.
func replaced(page, section string) (string, error) {
	old, err := os.ReadFile(page)
	if err != nil {
		return "", err
	}
	text, err := bench.Replace(string(old), section)
	if err != nil {
		return "", fmt.Errorf("%s: %w", page, err)
	}
	return text, nil
}

// runFloor is the process of a floor: NAME WORK SIZE MIB FOLDER.
func runFloor(args []string) error {
	size, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	mib, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	if args[1] == "start" {
		return os.WriteFile(os.Getenv("FIRST_LINE"), []byte(strconv.FormatInt(time.Now().UnixNano(), 10)), 0o600)
	}
	seconds, answer, err := floor(args[0], work{key: args[1], size: size, stages: stages, mib: mib}, args[4])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(reported{Seconds: seconds, Answer: answer, Ran: size})
}
