package oslock

// The commands of <sys/fcntl.h> for locks of an open file description, which golang.org/x/sys does not name.
const (
	cmdWait = 91 // F_OFD_SETLKW
	cmdTry  = 90 // F_OFD_SETLK
)
