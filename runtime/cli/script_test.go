package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The words that our scripts have beside those of testscript:
//
//	exits CODE PROGRAM ARG...               run it; its exit code must be CODE
//	interrupt SIGNAL,... CODE PROGRAM ARG...    start it, send the signals once the file "waiting" is there; its exit code must be CODE
//	damage FOLDER                           spoil all files below it
//	json PATH [WANT]                        stdout is one JSON document and nothing else, with WANT as JSON at the dotted path

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt SIGNAL CODE PROGRAM ARG...")
	}
	names := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	c := exec.Command(path, args[3:]...)
	c.Dir, c.Stdout, c.Stderr = ts.MkAbs("."), ts.Stdout(), ts.Stderr()
	c.Env = append(os.Environ(), "DAGSTERGEN_HOME="+ts.Getenv("DAGSTERGEN_HOME"))
	ts.Check(c.Start())
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs("waiting")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			_ = c.Process.Kill()
			_ = c.Wait()
			ts.Fatalf("it never waited")
		}
	}
	for i, name := range strings.Split(args[0], ",") {
		if i > 0 {
			time.Sleep(200 * time.Millisecond) // two signals that are too close are one
		}
		ts.Check(c.Process.Signal(names[name]))
	}
	_ = c.Wait()
	if got := strconv.Itoa(c.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("exit code %s, want %s", got, args[1])
	}
	ts.Check(os.Remove(ts.MkAbs("waiting")))
}

func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	if len(args) == 0 {
		return
	}
	for _, key := range strings.Split(args[0], ".") {
		switch v := doc.(type) {
		case map[string]any:
			sub, ok := v[key]
			if !ok {
				ts.Fatalf("no %q at %s", key, args[0])
			}
			doc = sub
		case []any:
			if i, err := strconv.Atoi(key); err == nil && i < len(v) {
				doc = v[i]
				continue
			}
			// of a list of objects: that of each
			var all []any
			for _, e := range v {
				all = append(all, e.(map[string]any)[key])
			}
			doc = slices.Clip(all)
		default:
			ts.Fatalf("nothing below %s", args[0])
		}
	}
	if len(args) == 1 {
		return
	}
	got, err := json.Marshal(doc)
	ts.Check(err)
	if (string(got) == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s (negated: %t)", args[0], got, args[1], neg)
	}
}

// capture sets a variable to the text at a path of the JSON document in stdout.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	for _, key := range strings.Split(args[1], ".") {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			doc = v[i]
		}
	}
	text, ok := doc.(string)
	if !ok {
		ts.Fatalf("%s is %v", args[1], doc)
	}
	ts.Setenv(args[0], text)
}

// await waits until a file is there, and removes it.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if err := os.Remove(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Since(start) > 20*time.Second {
			ts.Fatalf("%s never came", args[0])
		}
	}
}

// damage spoils all files below a folder.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return errors.Join(os.Remove(path), os.WriteFile(path, []byte("damaged"), 0o600))
	}))
}
