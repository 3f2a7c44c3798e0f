package cache

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long things are kept. An entry that was not used for a while belongs to code that has changed since.
const (
	unusedFor  = 5 * 24 * time.Hour
	trimAfter  = 24 * time.Hour
	brokenFor  = time.Hour // what a killed process left in the making is nobody's by then
	trimmedOut = "trimmed" // its time is that of the last trim
)

// Trim removes what was not used for five days, at most once a day. Callers do it when their work is done.
func (s *Store) Trim() {
	if s != nil {
		s.trim(time.Now())
	}
}

func (s *Store) trim(now time.Time) {
	mark := filepath.Join(s.dir, trimmedOut)
	if info, err := os.Lstat(mark); err == nil && now.Sub(info.ModTime()) < trimAfter && info.ModTime().Sub(now) < trimAfter { // the clock may have been wrong
		return
	}
	// Before the work, so that of several processes one does it.
	if os.WriteFile(mark, nil, 0o600) != nil || os.Chtimes(mark, now, now) != nil {
		return
	}
	names, _ := filepath.Glob(filepath.Join(escape(s.dir), "*", "??", "*")) // the pattern is a good one
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil || !info.Mode().IsRegular() || !isEntry(filepath.Base(name)) {
			continue
		}
		age := now.Sub(info.ModTime())
		if age > unusedFor || age > brokenFor && strings.HasPrefix(filepath.Base(name), temporary) {
			_ = os.Remove(name)
		}
	}
}

// escape makes a path mean itself in a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
