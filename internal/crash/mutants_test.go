//go:build crashmutant

package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/mutant"
)

var page = flag.String("page", "", "a Markdown file whose table of seeded bugs is to be written anew: every campaign is run against every bug")

// A kind is a kind of campaign, as the matrix has it.
type kind struct {
	name string
	run  func(m *matrix, dir string, bug mutant.Bug) error
}

// matrix runs campaigns against one binary, which has whatever bug it is told.
type matrix struct {
	binary string
	dir    string
	golden *report
	disk   *disk // nil where there is none to be had
}

func (m *matrix) random() *rand.Rand { return rand.New(rand.NewPCG(*seed, 3)) }

// kinds are the campaigns. A campaign ends with the first violation, so it may be long for a bug; without one it is short.
var kinds = []kind{
	{"kills", func(m *matrix, dir string, bug mutant.Bug) error {
		return (&campaign{binary: m.binary, mutant: string(bug), dir: dir, random: m.random()}).run(length(bug, 20, 150))
	}},
	{"system calls", func(m *matrix, dir string, bug mutant.Bug) error {
		return (&syscalls{binary: m.binary, mutant: string(bug), dir: dir, random: m.random(), golden: m.golden}).some(length(bug, 12, 120))
	}},
	{"power cuts", func(m *matrix, dir string, bug mutant.Bug) error {
		return (&power{disk: m.disk, binary: m.binary, mutant: string(bug), dir: dir, random: m.random()}).run(length(bug, 8, 60))
	}},
	{"byte faults", func(m *matrix, dir string, bug mutant.Bug) error {
		return damageAll(dir, m.binary, string(bug), m.random())
	}},
	{"crowds", func(m *matrix, dir string, bug mutant.Bug) error {
		return crowd(dir, m.binary, string(bug), m.random(), length(bug, 4, 10))
	}},
	{"gc beside runs", func(m *matrix, dir string, bug mutant.Bug) error {
		return cleanUp(dir, m.binary, string(bug), m.random(), length(bug, 4, 16))
	}},
	{"crash states", func(_ *matrix, dir string, bug mutant.Bug) error { return crashStates(dir, bug) }},
}

// crashStates runs the test of package iomanager that enumerates what a crash may leave, with a bug.
func crashStates(dir string, bug mutant.Bug) error {
	test := filepath.Join(dir, "iomanager.test")
	if out, err := exec.Command("go", "test", "-c", "-tags", "crashmutant", "-o", test, "../../runtime/iomanager").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w %s", err, out)
	}
	cmd := exec.Command(test, "-test.run", "TestCrashStates")
	cmd.Env = append(os.Environ(), "CRASHMUTANT="+string(bug))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	_, said, _ := strings.Cut(string(out), "Messages:")
	return fmt.Errorf("I16: %s: %w", strings.TrimSpace(said), err)
}

func length(bug mutant.Bug, clean, seeded int) int {
	if bug == "" {
		return clean
	}
	return seeded
}

// caughtBy says which campaign is there for a bug; others may catch it too.
var caughtBy = map[mutant.Bug]string{
	mutant.InPlace: "kills", mutant.RecordFirst: "kills", mutant.EarlyAck: "kills", mutant.NoReap: "kills", mutant.LeakTemp: "kills", mutant.Orphan: "kills",
	mutant.WrongExit: "system calls", mutant.SwallowErr: "system calls",
	mutant.NoSync: "power cuts", mutant.NoDirSync: "crash states", mutant.LazyCommit: "power cuts",
	mutant.NoVerify: "byte faults", mutant.NoLock: "crowds", mutant.NoRunLock: "crowds", mutant.GreedyGC: "gc beside runs", mutant.LooseGC: "gc beside runs",
}

// TestMutants takes minutes and is compiled with the bugs alone (make crash). It runs campaigns against binaries with a bug seeded on purpose. Each bug must be caught by the
// campaign that is there for it; the binary of the same build without a bug must pass.
func TestMutants(t *testing.T) {
	m := newMatrix(t)
	for _, k := range kinds { // the same build without a bug passes: what is caught below is the bug
		if k.name != "power cuts" || m.disk != nil {
			require.NoError(t, k.run(m, t.TempDir(), ""), "%s, seed %d", k.name, *seed)
		}
	}
	for _, bug := range mutant.All {
		t.Run(string(bug), func(t *testing.T) {
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == caughtBy[bug] })
			require.GreaterOrEqual(t, i, 0, "no campaign is there for this bug")
			if kinds[i].name == "power cuts" && m.disk == nil {
				t.Skip("no disk that can be cut off can be had here: it takes root, mkfs.ext4 and loop devices, on Linux")
			}
			err := kinds[i].run(m, t.TempDir(), bug)
			require.Error(t, err, "seed %d: the campaign does not see this bug", *seed)
			t.Log("caught:", firstLine(err))
		})
	}
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{binary: build(t, "-tags", "crashmutant"), dir: t.TempDir()}
	var err error
	m.golden, _, err = undisturbed(m.dir, m.binary, now)
	require.NoError(t, err)
	if d, err := newDisk(t.TempDir()); err == nil {
		m.disk = d
		t.Cleanup(func() { assert.NoError(t, d.unmount()) })
	}
	return m
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// TestMatrix runs every campaign against every bug and writes down which catches which. It takes an hour, and is run with -page alone.
func TestMatrix(t *testing.T) {
	if *page == "" {
		t.Skip("it writes a page of the documentation: give -page")
	}
	m := newMatrix(t)
	require.NotNil(t, m.disk)
	var b strings.Builder
	b.WriteString("| seeded bug |")
	for _, k := range kinds {
		b.WriteString(" " + k.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(kinds)) + "\n")
	for _, bug := range append([]mutant.Bug{""}, mutant.All...) {
		name := string(bug)
		if bug == "" {
			name = "none"
		}
		b.WriteString("| " + name + " |")
		caught := bug == ""
		for _, k := range kinds {
			err := k.run(m, t.TempDir(), bug)
			if bug == "" {
				assert.NoError(t, err, k.name)
			}
			cell := "pass"
			if err != nil {
				caught = true
				cell = "caught"
				if n := invariant(err); n != "" {
					cell = "**" + n + "**"
				}
				t.Logf("%s, %s: %s", name, k.name, firstLine(err))
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
		assert.True(t, caught, "%s is caught by no campaign", bug)
		require.NoError(t, replaceTable(*page, b.String()))
	}
}

// invariant is the number of the invariant that an error is about.
func invariant(err error) string {
	for word := range strings.FieldsSeq(err.Error()) {
		if len(word) > 2 && len(word) < 5 && word[0] == 'I' && strings.HasSuffix(word, ":") {
			return strings.TrimSuffix(word, ":")
		}
	}
	return ""
}

// replaceTable puts a table between the two comments of a page that mark its place.
func replaceTable(path, table string) error {
	const begin, end = "<!-- matrix -->\n", "<!-- /matrix -->"
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, there := strings.Cut(rest, end)
	if !ok || !there {
		return fmt.Errorf("%s: it has no place for a table: want %s and %s", path, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(head+begin+table+end+tail), 0o644)
}
