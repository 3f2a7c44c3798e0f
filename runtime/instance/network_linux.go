package instance

import (
	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// networkTypes are the file systems whose locks or shared memory do not, or not always, reach other machines or last as a disk does.
var networkTypes = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CIFS_SUPER_MAGIC: "CIFS",
	unix.V9FS_MAGIC:       "9P",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.CODA_SUPER_MAGIC: "Coda",
	unix.CEPH_SUPER_MAGIC: "Ceph",
	0x0bd00bd0:            "Lustre",
	0x47504653:            "GPFS",
}

// refuseNetwork returns an error if dir is on a network file system.
func refuseNetwork(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return storage.FileError("open", dir, err)
	}
	if kind, ok := networkTypes[uint32(s.Type)]; ok {
		return networkError(dir, kind)
	}
	return nil
}
