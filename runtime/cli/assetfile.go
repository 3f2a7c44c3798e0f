package cli

import (
	"context"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// filePath is where the file of an asset can be read: the copy for people, made now where a run left it out, or the object where none can be made. A file that is
// damaged or gone has no path worth showing; the next run makes it again.
func filePath(ctx context.Context, inst *instance.Instance, asset, partition string, out *storage.Output, typ *dag.Type) string {
	if partition != "" {
		asset = dag.PartitionStep(asset, dag.PartitionKey(partition))
	}
	path, ok, err := inst.Readable(ctx, asset, out, typ)
	switch {
	case err == nil && ok:
		return path
	case out.Codec != iomanager.CodecFile || out.IO != "":
		return ""
	}
	if v, err := inst.IO().Load(ctx, out, dag.TypeOf[dag.File]("dag.File")); err == nil {
		return v.(dag.File).Path()
	}
	return ""
}
