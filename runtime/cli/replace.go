package cli

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// replaceFile makes path a file with what write writes: aside, synced, renamed. Whatever happens, there is the old file or the whole new one, and nothing else is
// left. An error of the file system is an [outputError].
func replaceFile(path string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	temp := filepath.Join(dir, ".dagstergen-"+rand.Text())
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return &outputError{err}
	}
	w := &keptError{w: f}
	wrote := write(w)
	if w.err == nil && wrote == nil {
		w.err = f.Sync()
	}
	if err := f.Close(); w.err == nil && wrote == nil {
		w.err = err
	}
	if w.err == nil && wrote == nil {
		w.err = os.Rename(temp, path)
	}
	switch {
	case w.err != nil:
		return &outputError{errors.Join(w.err, os.Remove(temp))}
	case wrote != nil:
		return errors.Join(wrote, os.Remove(temp))
	}
	d, err := os.Open(dir)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// keptError tells what a file refused from what there was to write.
type keptError struct {
	w   io.Writer
	err error
}

// Write writes p.
func (k *keptError) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	if err != nil && k.err == nil {
		k.err = err
	}
	return n, err
}
