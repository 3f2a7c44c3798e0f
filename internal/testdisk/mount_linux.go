package testdisk

import (
	"strings"
	"syscall"
)

// mount mounts a file system in memory, or changes one with the option "remount".
func mount(dir, options string) error {
	var flags uintptr
	var rest []string
	for o := range strings.SplitSeq(options, ",") {
		switch o {
		case "remount":
			flags |= syscall.MS_REMOUNT
		case "ro":
			flags |= syscall.MS_RDONLY
		default:
			rest = append(rest, o)
		}
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, strings.Join(rest, ","))
}

func unmount(dir string) error { return syscall.Unmount(dir, 0) }
