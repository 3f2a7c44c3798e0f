package oslock

import "golang.org/x/sys/unix"

const (
	cmdWait = unix.F_OFD_SETLKW
	cmdTry  = unix.F_OFD_SETLK
)
