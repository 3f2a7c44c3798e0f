package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the database that the floor of commits is measured with
)

// floors are what no system can be faster than, unless it does less: name, and what a step is.
var floors = []struct {
	name string
	step func(dir string) (call func(int) (int, error), end func() error, err error)
}{
	{"plain Go", plainCall},
	{"SQLite commits", commits},
	{"files and SHA-256", hashedFiles},
	{"fork+exec", processes},
}

// add is the trivial step. It is called through a variable, so that the compiler does not see through it.
var add = func(x int) int { return x + 1 }

func plainCall(string) (func(int) (int, error), func() error, error) {
	return func(x int) (int, error) { return add(x), nil }, func() error { return nil }, nil
}

// commits stores each step in a transaction of its own, which is on disk before the next one begins.
func commits(dir string) (func(int) (int, error), func() error, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "floor.db")+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE step (id INTEGER PRIMARY KEY, value BLOB)"); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	insert, err := db.Prepare("INSERT INTO step (value) VALUES (?)")
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return func(x int) (int, error) {
		y := add(x)
		_, err := insert.Exec([]byte(strconv.Itoa(y)))
		return y, err
	}, db.Close, nil
}

// hashedFiles stores each step as a file named by its digest.
func hashedFiles(dir string) (func(int) (int, error), func() error, error) {
	return func(x int) (int, error) {
		y := add(x)
		return y, writeHashed(dir, []byte(strconv.Itoa(y)))
	}, func() error { return nil }, nil
}

// processes starts this program for each step.
func processes(string) (func(int) (int, error), func() error, error) {
	self, err := os.Executable()
	return func(x int) (int, error) {
		out, err := exec.Command(self, "add", strconv.Itoa(x)).Output()
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSpace(string(out)))
	}, func() error { return nil }, err
}

// writeHashed writes a file under its digest so that it survives a power cut: aside, synced, renamed, the folder synced.
func writeHashed(dir string, data []byte) error {
	sum := sha256.Sum256(data)
	f, err := os.CreateTemp(dir, "floor-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, hex.EncodeToString(sum[:]))); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// floor does a work as the floor with this name does, in a folder.
func floor(name string, w work, dir string) (seconds float64, answer string, err error) {
	for _, f := range floors {
		if f.name != name {
			continue
		}
		if w.key == "files" {
			return floorFiles(w, dir, name == "files and SHA-256")
		}
		call, end, err := f.step(dir)
		if err != nil {
			return 0, "", err
		}
		begun := time.Now()
		x, sum := 0, 0
		for i := range w.size {
			if w.key != "chain" {
				x = i
			}
			if x, err = call(x); err != nil {
				return 0, "", errors.Join(err, end())
			}
			sum += x
		}
		seconds := time.Since(begun).Seconds()
		if w.key == "chain" {
			sum = x
		}
		return seconds, strconv.Itoa(sum), end()
	}
	return 0, "", fmt.Errorf("no floor %q", name)
}

// floorFiles puts parts through the stages, and writes what each gives if asked to.
func floorFiles(w work, dir string, write bool) (seconds float64, answer string, err error) {
	begun := time.Now()
	all := sha256.New()
	for i := range w.size {
		var part []byte
		for k := range w.stages {
			if k == 0 {
				part = w.part(i)
			} else {
				part = stage(part, k)
			}
			if write {
				if err := writeHashed(dir, part); err != nil {
					return 0, "", err
				}
			}
		}
		done := time.Since(begun).Seconds()
		sum := sha256.Sum256(part) // for the answer, which is not measured
		all.Write(sum[:])
		seconds += done
		begun = time.Now()
	}
	return seconds, hex.EncodeToString(all.Sum(nil)), nil
}
