package instance

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// leftovers removes what runs have printed that are deleted: a process that dies between deleting a run and removing its files leaves them. A dry one only counts.
// A run has a row before it prints, so what has no row and no process is nobody's.
func (c *collection) leftovers(ctx context.Context, dry bool) error {
	ids, err := c.inst.printedRuns()
	if err != nil {
		return err
	}
	for _, id := range ids {
		gone, err := c.inst.isDeleted(ctx, id)
		if err != nil {
			return err
		}
		if !gone {
			continue
		}
		size, err := c.inst.printedSize(id)
		if err != nil {
			return err
		}
		if !dry {
			if gone, err = c.removePrinted(ctx, id); err != nil {
				return err
			}
		}
		if gone {
			c.out.Printed++
			c.out.Bytes += size
		}
	}
	return nil
}

// removePrinted removes what a deleted run has printed, unless a new one has taken its id meanwhile.
func (c *collection) removePrinted(ctx context.Context, id string) (done bool, err error) {
	lock, err := c.inst.runs.lock(id)
	if errors.Is(err, errTaken) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Release()
	if gone, err := c.inst.isDeleted(ctx, id); err != nil || !gone {
		return false, err
	}
	return true, errors.Join(c.inst.removeLaunchOutput(id), c.inst.logs.Delete(ctx, id))
}

// isDeleted reports whether no run with an id is stored.
func (i *Instance) isDeleted(ctx context.Context, id string) (bool, error) {
	_, err := i.store.Run(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// printedRuns returns the ids of the runs of which there is something in the instance's folder that was printed.
func (i *Instance) printedRuns() (ids []string, err error) {
	for _, p := range i.printedIn() {
		entries, err := fs.ReadDir(i.root.FS(), p.folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, storage.FileError("read", filepath.Join(i.dir, p.folder), err)
		}
		for _, e := range entries {
			id, ok := strings.CutSuffix(e.Name(), p.suffix)
			if ok && e.IsDir() == (p.suffix == "") && checkRunID(id) == nil {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// printedSize is how many bytes a run has printed there.
func (i *Instance) printedSize(id string) (size int64, err error) {
	for _, p := range i.printedIn() {
		name := path.Join(p.folder, id+p.suffix)
		err := fs.WalkDir(i.root.FS(), name, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err == nil {
				size += info.Size()
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, storage.FileError("read", filepath.Join(i.dir, name), err)
		}
	}
	return size, nil
}

// A printedPlace is where the instance's folder has what runs print: FOLDER/ID with a suffix, or a folder of that name.
type printedPlace struct{ folder, suffix string }

func (i *Instance) printedIn() []printedPlace {
	places := []printedPlace{{launched, launchSuffix}}
	if i.logFolder != "" {
		places = append(places, printedPlace{i.logFolder, ""})
	}
	return places
}
