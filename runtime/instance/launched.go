package instance

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// launched is the folder for what processes print that execute a run on their own.
const launched = "launched"

const launchSuffix = ".log"

func launchName(id string) string { return path.Join(launched, id+launchSuffix) }

// LaunchOutput is the file with what the process printed that executed a run on its own; empty where there is none.
func (i *Instance) LaunchOutput(id string) string {
	if i.root == nil || i.ephemeralFiles != nil || checkRunID(id) != nil {
		return ""
	}
	if info, err := i.root.Lstat(launchName(id)); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return filepath.Join(i.dir, filepath.FromSlash(launchName(id)))
}

// CreateLaunchOutput makes the file of LaunchOutput. Only its user can read it.
func (i *Instance) CreateLaunchOutput(id string) (*os.File, error) {
	if err := checkRunID(id); err != nil {
		return nil, err
	}
	if err := i.writable(); err != nil {
		return nil, err
	}
	if i.root == nil || i.ephemeralFiles != nil {
		return nil, errors.New("an instance in memory has no process of its own")
	}
	if err := i.root.Mkdir(launched, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, storage.FileError("create", filepath.Join(i.dir, launched), err)
	}
	f, err := i.root.OpenFile(launchName(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, storage.FileError("create", filepath.Join(i.dir, launchName(id)), err)
	}
	return f, nil
}

// removeLaunchOutput removes what is there of a deleted run.
func (i *Instance) removeLaunchOutput(id string) error {
	if i.root == nil || checkRunID(id) != nil {
		return nil
	}
	if err := i.root.Remove(launchName(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage.FileError("remove", filepath.Join(i.dir, launchName(id)), err)
	}
	return nil
}
