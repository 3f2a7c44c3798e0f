package instance

import (
	"context"
	"errors"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Readable is [iomanager.Default.Readable] for somebody who asks where a value is. It makes the copy also where the instance was opened to be read, because nothing that is stored changes by that; on a disk that
// cannot be written it is an error.
func (i *Instance) Readable(ctx context.Context, asset string, o *storage.Output, t *dag.Type) (file string, ok bool, err error) {
	if !i.readOnly || i.root == nil {
		return i.io.Readable(ctx, asset, o, t)
	}
	temp := &tempDir{root: i.root, dir: i.dir}
	file, ok, err = iomanager.NewDefault(i.store, iomanager.NewFiles(i.root, i.dir, i.store, temp.get)).Readable(ctx, asset, o, t)
	return file, ok, errors.Join(err, temp.close())
}
