package crash

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// outlive is how long a child may live after its parent: it is told by the end of a pipe, has two seconds to put things away, and is then ended.
const outlive = 4 * time.Second

// noOrphans waits until no process works on the store any more. On systems without /proc it sees none.
func (l *lab) noOrphans() error {
	for end := time.Now().Add(outlive); ; time.Sleep(5 * time.Millisecond) {
		pids := l.processes()
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("I11: processes %v outlive their parent", pids)
		}
	}
}

// processes returns the processes of this store's binary that have its folder in their environment.
func (l *lab) processes() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// What cannot be read has ended, or is somebody else's.
		if exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err != nil || exe != l.binary {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && bytes.Contains(env, []byte("DAGSTERGEN_HOME="+l.home+"\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// reapOrphans ends what a bug has left running.
func (l *lab) reapOrphans() {
	for _, pid := range l.processes() {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
}
