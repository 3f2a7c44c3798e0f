package instance

import (
	"context"

	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Usage says what an instance holds and what that takes.
type Usage struct {
	Dir      string `json:"dir"`
	Database int64  `json:"database_bytes"` // with small outputs in it
	Records  int    `json:"records"`        // that a version can find
	Objects  int    `json:"objects"`        // outputs that are files
	Bytes    int64  `json:"object_bytes"`
	Running  int    `json:"running_runs"`
}

// Usage counts what is there; it reads records and looks at files, but not into them.
func (i *Instance) Usage(ctx context.Context) (*Usage, error) {
	u := &Usage{Dir: i.Dir()}
	if i.runs == nil {
		return u, nil
	}
	files, err := i.io.Files()
	if err != nil {
		return nil, err
	}
	if err := files.Objects(ctx, func(o iomanager.StoredObject) error {
		u.Objects++
		u.Bytes += o.Size
		return nil
	}); err != nil {
		return nil, err
	}
	living, err := i.livingRuns()
	if err != nil {
		return nil, err
	}
	u.Running = len(living)
	up, ok := i.store.(storage.Upkeeper)
	if !ok {
		return u, nil
	}
	if u.Database, err = up.Size(); err != nil {
		return nil, err
	}
	return u, up.ScanRecords(ctx, 0, func(rec *storage.ScannedRecord) error {
		if rec.Usable && rec.Found {
			u.Records++
		}
		return nil
	})
}
