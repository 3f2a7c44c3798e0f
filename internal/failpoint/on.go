//go:build crashmutant

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	at, how, when = parse(os.Getenv("FAILPOINT"))

	mu      sync.Mutex
	reached = map[Point]int{}
)

func parse(s string) (at Point, how string, when int) {
	name, how, _ := strings.Cut(s, "=")
	how, nth, _ := strings.Cut(how, "@")
	when, _ = strconv.Atoi(nth)
	return Point(name), how, max(1, when)
}

// Hit says that a point is reached, and does what FAILPOINT wants there: "kill" ends the process at once, "panic" panics, "term" sends the process
// a SIGTERM and waits a little, "error" returns an error of the disk.
func Hit(p Point) error {
	mu.Lock()
	reached[p]++
	n := reached[p]
	mu.Unlock()
	if n == 1 {
		note(p)
	}
	if p != at || n != when {
		return nil
	}
	switch how {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "panic":
		panic("failpoint " + string(p))
	case "term":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(30 * time.Millisecond)
	case "error":
		return fmt.Errorf("failpoint %s: %w", p, syscall.EIO)
	}
	return nil
}

func note(p Point) {
	name := os.Getenv("FAILPOINT_LOG")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(string(p) + "\n")
	_ = f.Close()
}
