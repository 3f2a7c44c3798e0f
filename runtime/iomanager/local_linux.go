package iomanager

import "golang.org/x/sys/unix"

// localTypes are file systems whose times of change can be relied on.
var localTypes = map[uint32]bool{
	unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true, unix.F2FS_SUPER_MAGIC: true,
	unix.TMPFS_MAGIC: true, unix.OVERLAYFS_SUPER_MAGIC: true, 0x2fc12fc1 /* ZFS */ : true,
}

func isLocal(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && localTypes[uint32(s.Type)]
}
