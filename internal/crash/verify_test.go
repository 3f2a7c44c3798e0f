package crash

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/dagstergen/dagstergen/runtime/storage/sqlite"
)

// verify checks a store that no process works on.
func verify(l *lab) error {
	var problems []string
	s, err := sqlite.Open(context.Background(), filepath.Join(l.home, "dagstergen.db"))
	if err != nil {
		return err
	}
	if err := s.Verify(context.Background(), func(p string) { problems = append(problems, p) }); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("the store does not verify: %q", problems)
	}
	return nil
}
