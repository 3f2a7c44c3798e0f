// Command oracle runs the campaigns of internal/oracle on real projects and prints what they found as Markdown tables.
//
// Stage: beside everything, for CI and for those who change versionhash. It imports internal/oracle alone.
//
// Exit codes: 0 nothing was missed, 1 something was or a campaign could not run, 2 usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/oracle"
)

const usage = `usage: oracle mutate|neutral|cover|flip|history [flags] [project ...]

A project is a word of a known module path, or module@version. Without projects: the large ones.
  mutate   random edits that change the meaning: every function that depends on what was edited must get another version
  neutral  whole projects rewritten without a change of meaning: no version may change
  cover    tests run alone under coverage: every function that ran must be in the closure of its test
  flip     random edits, and the tests before and after: a test that ends in another way must get another version
  history  releases of a module: how many functions keep their version
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

type flags struct {
	page  string
	seed  uint64
	edits int
	tests int
	last  int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	set := flag.NewFlagSet("oracle "+args[0], flag.ContinueOnError)
	set.SetOutput(stderr)
	var f flags
	set.Uint64Var(&f.seed, "seed", uint64(time.Now().UnixNano()), "of the random choices")
	set.IntVar(&f.edits, "edits", 600, "mutate, flip: edits that compile, for each project")
	set.IntVar(&f.tests, "tests", 0, "cover: how many tests of each project, chosen by the seed; 0 is all")
	set.StringVar(&f.page, "page", "", "the page whose section of the command takes what is printed")
	set.IntVar(&f.last, "last", 10, "history: how many releases")
	command, ok := map[string]func(context.Context, string, flags, []oracle.Project, io.Writer, io.Writer) error{
		"mutate": mutate, "neutral": neutral, "cover": cover, "flip": flip, "history": history,
	}[args[0]]
	if !ok {
		return errUsage
	}
	if err := set.Parse(args[1:]); err != nil {
		return errors.Join(errUsage, err)
	}
	projects, err := oracle.Named(set.Args())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(stderr, "seed %d\n", f.seed)
	var out strings.Builder
	err = command(ctx, dir, f, projects, io.MultiWriter(stdout, &out), stderr)
	if err != nil || f.page == "" {
		return err
	}
	return write(f.page, args[0], called(args[0], f, set.Args()), out.String())
}

// called is the command line that prints the same again.
func called(command string, f flags, projects []string) string {
	words := []string{"oracle", command}
	for _, w := range map[string][]string{
		"mutate": {fmt.Sprint("-seed=", f.seed), fmt.Sprint("-edits=", f.edits)}, "flip": {fmt.Sprint("-seed=", f.seed), fmt.Sprint("-edits=", f.edits)},
		"neutral": {fmt.Sprint("-seed=", f.seed)}, "cover": {fmt.Sprint("-seed=", f.seed), fmt.Sprint("-tests=", f.tests)}, "history": {fmt.Sprint("-last=", f.last)},
	}[command] {
		if w != "-tests=0" {
			words = append(words, w)
		}
	}
	return strings.Join(append(words, projects...), " ")
}

// write puts what a campaign printed into its section of a page.
func write(page, command, line, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	updated, err := oracle.WriteSection(string(old), command, line, text)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(updated), 0o644)
}

func mutate(ctx context.Context, dir string, f flags, projects []oracle.Project, stdout, stderr io.Writer) error {
	var all []*oracle.Mutation
	missed := 0
	for _, p := range projects {
		at, err := oracle.Fetch(ctx, dir, p)
		if err != nil {
			return err
		}
		m, err := oracle.Mutate(ctx, at, oracle.MutateOptions{Seed: f.seed, Edits: f.edits})
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "%s: %d edits, %d dependents, %d missed, %.0f s\n", p, m.Edits, m.Dependents, len(m.Misses), m.Elapsed.Seconds())
		for i, miss := range m.Misses {
			if i < 50 {
				fmt.Fprintf(stderr, "  the version of %s stayed: %s\n", miss.Symbol, miss.Edit)
			}
		}
		missed += len(m.Misses)
		all = append(all, m)
	}
	fmt.Fprint(stdout, oracle.MutationTables(projects, all))
	if missed > 0 {
		return fmt.Errorf("oracle: %d versions stayed though what they depend on was edited", missed)
	}
	return ctx.Err()
}

func neutral(ctx context.Context, dir string, f flags, projects []oracle.Project, stdout, stderr io.Writer) error {
	var all []*oracle.Neutrality
	changed := 0
	for _, p := range projects {
		at, err := oracle.Fetch(ctx, dir, p)
		if err != nil {
			return err
		}
		n, err := oracle.Neutral(ctx, at, f.seed, oracle.Default)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "%s: %d functions, %d changed, %.0f s\n", p, n.Functions, len(n.Changed), n.Elapsed.Seconds())
		for i, s := range n.Changed {
			if i < 50 {
				fmt.Fprintf(stderr, "  the version of %s changed\n", s)
			}
		}
		changed += len(n.Changed)
		all = append(all, n)
	}
	fmt.Fprint(stdout, oracle.NeutralTable(projects, all))
	if changed > 0 {
		return fmt.Errorf("oracle: %d versions changed though nothing that counts did", changed)
	}
	return nil
}

func cover(ctx context.Context, dir string, f flags, projects []oracle.Project, stdout, stderr io.Writer) error {
	used := slices.DeleteFunc(slices.Clone(projects), func(p oracle.Project) bool { return len(p.Cover) == 0 })
	all, errs := make([]*oracle.Coverage, len(used)), make([]error, len(used))
	var wg sync.WaitGroup
	for i, p := range used { // most of the time a test waits
		at, err := oracle.Fetch(ctx, dir, p)
		if err != nil {
			return err
		}
		wg.Go(func() {
			all[i], errs[i] = oracle.Cover(ctx, at, oracle.CoverOptions{Packages: p.Cover, Tests: f.tests, Seed: f.seed})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	missed := 0
	for i, c := range all {
		fmt.Fprintf(stderr, "%s: %d tests, %d pairs, %d missed, %d by chance, %.0f s\n", used[i], c.Tests, c.Pairs, len(c.Misses), c.Noise, c.Elapsed.Seconds())
		for i, m := range c.Misses {
			if i < 50 {
				fmt.Fprintf(stderr, "  %s ran %s\n", m.Test, m.Function)
			}
		}
		missed += len(c.Misses)
	}
	fmt.Fprint(stdout, oracle.CoverageTable(used, all))
	if missed > 0 {
		return fmt.Errorf("oracle: %d functions ran that are not in the closure of the test", missed)
	}
	return nil
}

func flip(ctx context.Context, dir string, f flags, projects []oracle.Project, stdout, stderr io.Writer) error {
	var used []oracle.Project
	var all []*oracle.Flips
	missed := 0
	for _, p := range projects {
		if len(p.Cover) == 0 {
			continue
		}
		at, err := oracle.Fetch(ctx, dir, p)
		if err != nil {
			return err
		}
		r, err := oracle.Flip(ctx, at, oracle.FlipOptions{Packages: p.Cover, Seed: f.seed, Edits: f.edits})
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "%s: %d edits, %d of them told by tests, %d tests ended in another way, %d missed, %.0f s\n", p, r.Edits, r.Telling, r.Flipped, len(r.Misses), r.Elapsed.Seconds())
		for i, m := range r.Misses {
			if i < 50 {
				fmt.Fprintf(stderr, "  %s: %s, then %s; the version stayed: %s\n", m.Test, m.Was, m.Now, m.Edit)
			}
		}
		missed += len(r.Misses)
		used, all = append(used, p), append(all, r)
	}
	fmt.Fprint(stdout, oracle.FlipTable(used, all))
	if missed > 0 {
		return fmt.Errorf("oracle: %d tests end in another way and keep their version", missed)
	}
	return nil
}

func history(ctx context.Context, dir string, f flags, projects []oracle.Project, stdout, stderr io.Writer) error {
	for _, p := range projects {
		releases, err := oracle.Releases(ctx, dir, p.Module, f.last)
		if err != nil {
			return err
		}
		steps, err := oracle.History(ctx, dir, p.Module, releases, func(s oracle.Step) {
			fmt.Fprintf(stderr, "%s %s to %s: %d of %d keep their version\n", p.Module, s.From, s.To, s.Version, s.Functions)
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, oracle.HistoryTable(p.Module, steps))
	}
	return nil
}
