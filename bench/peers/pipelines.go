package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const modulePath = "github.com/dagstergen/dagstergen"

// building is how long a step of building may take.
const building = 10 * time.Minute

// goModule makes the module of the pipelines, and the tool, unless they are there.
func (d *driver) goModule(ctx context.Context) error {
	if d.tool != "" {
		return nil
	}
	d.module = filepath.Join(d.root, "module")
	if err := os.MkdirAll(d.module, 0o755); err != nil {
		return err
	}
	gomod, err := os.ReadFile(filepath.Join(d.checkout, "go.mod"))
	if err != nil {
		return err
	}
	// The pipelines need what the checkout needs, in the same versions, so nothing is looked up.
	text := strings.Replace(string(gomod), "module "+modulePath, "module example.com/bench", 1)
	text += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", modulePath, d.checkout)
	if err := os.WriteFile(filepath.Join(d.module, "go.mod"), []byte(text), 0o644); err != nil {
		return err
	}
	gosum, err := os.ReadFile(filepath.Join(d.checkout, "go.sum"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.module, "go.sum"), gosum, 0o644); err != nil {
		return err
	}
	tool := filepath.Join(d.root, "dagstergen")
	if _, _, err := (command{dir: d.checkout, args: []string{"go", "build", "-o", tool, "./cmd/dagstergen"}}).run(ctx, building); err != nil {
		return err
	}
	d.tool = tool
	return nil
}

// build writes, generates and builds the pipeline of a work, as it is after an edit; how long generating and building took is returned.
func (d *driver) build(ctx context.Context, w work, edit int) (time.Duration, error) {
	dir := filepath.Join(d.module, w.key)
	source := []byte(w.goSource(edit))
	file := filepath.Join(dir, "main.go")
	if w.key == "define" { // it is generated while it is measured, from nothing
		if err := os.RemoveAll(dir); err != nil {
			return 0, err
		}
	} else if old, err := os.ReadFile(file); err == nil && string(old) == string(source) {
		return 0, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return 0, err
	}
	if w.key == "define" {
		return 0, nil
	}
	begun := time.Now()
	env := []string{"DAGSTERGEN_CACHE=" + filepath.Join(d.root, "cache"), "GOFLAGS=-mod=mod -buildvcs=false"}
	for _, args := range [][]string{{d.tool, "./" + w.key}, {"go", "build", "-o", d.binary(w), "./" + w.key}} {
		if _, _, err := (command{dir: d.module, env: env, args: args}).run(ctx, building); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// binary is where the program of a work is.
func (d *driver) binary(w work) string { return filepath.Join(d.root, "pipeline-"+w.key) }
