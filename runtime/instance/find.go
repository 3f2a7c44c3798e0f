package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// HomeVariable is the environment variable that names the folder of the instance.
const HomeVariable = "DAGSTERGEN_HOME"

// folder is the name of an instance beside a go.mod.
const folder = ".dagstergen"

// ErrNoHome is wrapped by the error of [Find] when nothing says where the instance is.
var ErrNoHome = errors.New("no folder to remember runs in")

// Find returns the absolute path of the instance's folder, which need not exist yet: $DAGSTERGEN_HOME, otherwise .dagstergen beside the
// go.mod found in dir or the nearest folder above it.
func Find(dir string) (string, error) {
	if home := os.Getenv(HomeVariable); home != "" {
		return filepath.Abs(home)
	}
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := start; ; at = filepath.Dir(at) {
		info, err := os.Stat(filepath.Join(at, "go.mod"))
		switch {
		case err == nil && info.Mode().IsRegular():
			return filepath.Join(at, folder), nil
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
			return "", err
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%w: there is no go.mod in %s or above; set %s to a folder, which is made if it does not exist", ErrNoHome, start, HomeVariable)
		}
	}
}
