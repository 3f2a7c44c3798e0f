package load

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// lookPath is exec.LookPath for a PATH that is not this process's own.
func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue // a program of the current folder is never meant
		}
		file, err := exec.LookPath(filepath.Join(dir, name)) // adds .exe where the system wants it
		if err == nil {
			return file, nil
		}
	}
	return "", &os.PathError{Op: "look for", Path: name, Err: fs.ErrNotExist}
}
