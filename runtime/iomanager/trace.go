package iomanager

// A fileOp is a change of the file system that Files has made: for a test that asks what a crash may leave of a sequence of them.
type fileOp struct {
	kind fileOpKind
	name string // below root
	to   string // of a rename
	data []byte // of a write
}

type fileOpKind uint8

const (
	opCreate  fileOpKind = iota // a file, empty
	opWrite                     // all of its bytes
	opSync                      // of a file
	opRename                    // of a file
	opMkdir                     // a folder
	opSyncDir                   // of a folder: what was made in it and moved to it stays
)

// did tells of a change, once it is made.
func (f *Files) did(op fileOp) {
	if f.trace != nil {
		f.trace(op)
	}
}
