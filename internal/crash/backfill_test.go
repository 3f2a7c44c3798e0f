package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var partitions = flag.Int("partitions", 150, "how many partitions the backfill has that is killed; at most 2000")

// TestBackfill kills a backfill at random moments, goes on with it each time, and checks that each partition is computed once. What is counted: the lines that bodies write into the ledger when they
// are entered and left. No body is entered again whose record was stored, or whose partition was reported done, when a kill had been survived. A body may be entered again only because a kill fell
// between entering it and storing its record; there can be as many of these as there are runs at once, for each kill.
func TestBackfill(t *testing.T) {
	require.LessOrEqual(t, *partitions, 2000)
	random := rand.New(rand.NewPCG(*seed, 6))
	l, err := fresh(t.TempDir(), buildOf(t, "backfilllab"), "")
	require.NoError(t, err)
	first := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	hour := func(i int) string { return first.Add(time.Duration(i) * time.Hour).Format("2006-01-02-15:04") }
	b := &backfillCampaign{lab: l, random: random, entered: map[string]int{}, stored: map[string]int{}, acked: map[string]bool{}}
	for i := range *partitions {
		b.keys = append(b.keys, hour(i))
	}
	t.Cleanup(func() {
		t.Logf("seed %d: %d partitions, %d kills, %d asked to stop; %d partitions were reported done before a kill, %d bodies were entered twice because a kill fell into them",
			*seed, *partitions, b.kills, b.stops, len(b.acked), b.repeated)
	})
	for round := 0; ; round++ {
		done, err := b.round()
		require.NoError(t, err, "seed %d, round %d", *seed, round)
		require.NoError(t, b.check(), "seed %d, round %d", *seed, round)
		if done {
			break
		}
	}
	require.NoError(t, b.finished(), "seed %d", *seed)
	require.GreaterOrEqual(t, b.kills, 3, "seed %d: it was over too early, the campaign proves nothing", *seed)
	require.NotEmpty(t, b.acked, "seed %d: no kill fell between two partitions, the campaign proves nothing", *seed)
}

// atOnce is how many runs the backfill has at once.
const atOnce = 3

type backfillCampaign struct {
	*lab
	random *rand.Rand
	keys   []string

	kills, stops, repeated int
	idle                   int // rounds since the last one that came to something: on a slow machine a kill may always come too early

	id      string          // of the backfill, once it is stored
	ended   bool            // it was shown as completed: the last kill fell between that and the end of its process
	entered map[string]int  // bodies by "asset key", how often
	stored  map[string]int  // of those that have a record: how often they had been entered when that was seen first
	acked   map[string]bool // partitions that a process reported done
}

// round goes on with the backfill, or launches it, and kills that at some time. It says whether the backfill has ended before.
func (b *backfillCampaign) round() (done bool, err error) {
	if b.id == "" {
		if err := b.find(); err != nil {
			return false, err
		}
	}
	if b.ended {
		return true, nil
	}
	args := []string{"backfill", "resume", b.id}
	if b.id == "" {
		args = []string{"backfill", "launch", "--max-runs", fmt.Sprint(atOnce), "-p", b.keys[0] + "..." + b.keys[len(b.keys)-1], "--order", []string{"oldest", "newest"}[b.random.IntN(2)]}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var said bytes.Buffer
	c := b.command(ctx, args...)
	c.Stderr = &said
	if err := c.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM}[b.random.IntN(8)]
	after := time.Duration(b.random.IntN(200+50*b.idle)) * time.Millisecond
	select {
	case err = <-ended:
	case <-time.After(after):
		_ = syscall.Kill(-c.Process.Pid, signal)
		err = <-ended
	}
	known := len(b.acked)
	for line := range strings.Lines(said.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "run" && strings.HasSuffix(line, "\n") {
			b.acked[f[1]] = true
		}
	}
	if b.idle++; len(b.acked) > known {
		b.idle = 0
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		b.kills++
		return false, nil
	case errors.As(err, &exit) && signal != syscall.SIGKILL && exit.ExitCode() == 128+int(signal):
		b.stops++
		return false, nil
	}
	return false, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, said.String())
}

func (b *backfillCampaign) find() error {
	var list struct {
		Backfills []struct {
			ID string `json:"backfill_id"`
		} `json:"backfills"`
	}
	if err := b.ask(&list, "backfill", "list", "-o", "json"); err != nil {
		return err
	}
	if len(list.Backfills) > 1 {
		return fmt.Errorf("there are %d backfills", len(list.Backfills))
	}
	if len(list.Backfills) == 1 {
		b.id = list.Backfills[0].ID
	}
	return nil
}

// ask runs a command that only looks, and reads its JSON.
func (b *backfillCampaign) ask(into any, args ...string) error {
	stdout, stderr, err := b.lab.run(args...)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, stderr)
	}
	return json.Unmarshal([]byte(stdout), into)
}

// shown is what `backfill show` says.
type shown struct {
	Status  string `json:"status"`
	Live    bool   `json:"live"`
	Counts  struct{ Total, Done, Reused, Failed, Running, Left int }
	LeftAre []string `json:"left_are"`
}

// check holds what is stored and what is shown against the ledger, while no process lives.
func (b *backfillCampaign) check() error {
	if err := b.read(); err != nil {
		return err
	}
	if err := b.find(); err != nil || b.id == "" {
		return err
	}
	stored := map[string]bool{} // keys with all their records
	for _, asset := range []string{"reading", "mean"} {
		var parts struct {
			StoredAre []string `json:"stored_are"`
		}
		if err := b.ask(&parts, "assets", "partitions", asset, "-o", "json"); err != nil {
			return err
		}
		stored = b.expand(parts.StoredAre)
		for key := range stored {
			body := asset + " " + key
			if before, known := b.stored[body]; !known {
				b.stored[body] = b.entered[body]
			} else if b.entered[body] != before {
				return fmt.Errorf("%s was computed again although its record was stored", body)
			}
		}
	}
	var s shown
	if err := b.ask(&s, "backfill", "show", b.id, "-o", "json"); err != nil {
		return err
	}
	b.ended = s.Status == "COMPLETED_SUCCESS"
	left := b.expand(s.LeftAre)
	for key := range b.acked {
		if !stored[key] || left[key] {
			return fmt.Errorf("%s was reported done and is lost: stored %v, left %v", key, stored[key], left[key])
		}
	}
	switch c := s.Counts; {
	case s.Live || c.Running > 0:
		return fmt.Errorf("it reads as in progress and no process lives: %+v", s)
	case c.Total != len(b.keys), c.Done+c.Reused+c.Failed+c.Left != c.Total, c.Failed > 0:
		return fmt.Errorf("it does not add up: %+v", s)
	}
	return nil
}

// expand lists the keys of ranges.
func (b *backfillCampaign) expand(terms []string) map[string]bool {
	out := map[string]bool{}
	for _, term := range terms {
		from, to, ranged := strings.Cut(term, "...")
		if !ranged {
			to = from
		}
		for _, key := range b.keys {
			if from <= key && key <= to {
				out[key] = true
			}
		}
	}
	return out
}

// read counts the bodies of the ledger. A line that a kill tore cannot be: each is one write.
func (b *backfillCampaign) read() error {
	text, err := os.ReadFile(b.ledger)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	clear(b.entered)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return fmt.Errorf("a torn line in the ledger: %q", line)
		}
		if f[0] == "START" {
			b.entered[f[1]+" "+f[2]]++
		}
	}
	return nil
}

// finished checks a backfill that has ended.
func (b *backfillCampaign) finished() error {
	var s shown
	if err := b.ask(&s, "backfill", "show", b.id, "-o", "json"); err != nil {
		return err
	}
	if s.Status != "COMPLETED_SUCCESS" || s.Counts.Done+s.Counts.Reused != len(b.keys) {
		return fmt.Errorf("it has not ended well: %+v", s)
	}
	if n := len(b.entered); n != 2*len(b.keys) {
		return fmt.Errorf("%d bodies were entered, not %d", n, 2*len(b.keys))
	}
	for _, n := range b.entered {
		b.repeated += n - 1
	}
	if most := (b.kills + b.stops) * atOnce; b.repeated > most {
		return fmt.Errorf("%d bodies were entered again, which %d kills explain %d of", b.repeated, b.kills, most)
	}
	if keys := slices.Sorted(maps.Keys(b.stored)); len(keys) != 2*len(b.keys) {
		return fmt.Errorf("%d records are stored, not %d", len(keys), 2*len(b.keys))
	}
	if _, stderr, err := b.lab.run("gc"); err != nil { // the last process may have been killed after the end, with its lock
		return fmt.Errorf("gc: %w\n%s", err, stderr)
	}
	locks, err := filepath.Glob(filepath.Join(b.home, "locks", "backfill-*"))
	if err == nil && len(locks) > 0 {
		err = fmt.Errorf("left lying about: %v", locks)
	}
	return err
}
