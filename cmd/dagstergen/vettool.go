package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// A vetUnit is the part that matters here of what the go command tells a vet tool about one package.
type vetUnit struct {
	ID          string
	Dir         string
	ImportPath  string
	GoFiles     []string // absolute, or relative to Dir
	NonGoFiles  []string
	Standard    map[string]bool
	PackageVetx map[string]string // what was written for the packages that it imports
	VetxOnly    bool              // another package is asked about
	VetxOutput  string            // where to write for them
	Stdout      string            // where to write JSON, instead of stdout; before Go 1.26 empty
}

// vetTool speaks the protocol of go vet -vettool; ok is false where args are not part of it. The go command calls the tool once for each package, and remembers that one
// is fine until its inputs change. Calls are followed through other packages, so what is written for each package, and read for those that import
// it, is a digest of its sources.
func (t *tool) vetTool(ctx context.Context, args []string) (ok bool, err error) {
	switch last := len(args) - 1; {
	case len(args) == 1 && args[0] == "-V=full":
		return true, t.printToolID()
	case len(args) == 1 && args[0] == "-flags":
		return true, t.printToolFlags()
	case last >= 0 && filepath.Base(args[last]) == "vet.cfg":
		return true, t.vetPackage(ctx, args[:last], args[last])
	}
	return false, nil
}

// printToolID prints what the go command takes for the identity of this program: a digest of itself.
func (t *tool) printToolID() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := os.Open(exe)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.stdout, "dagstergen version devel buildID=%x\n", h.Sum(nil))
	return err
}

// toolFlags are the flags of vet that go vet passes on; tags are among the go command's own.
func (t *tool) toolFlags() *pflag.FlagSet {
	all := pflag.NewFlagSet("vet", pflag.ContinueOnError)
	t.loading(all)
	all.BoolVar(&t.flags.json, "json", false, "print JSON")
	some := pflag.NewFlagSet("vet", pflag.ContinueOnError)
	some.SetOutput(io.Discard)
	all.VisitAll(func(f *pflag.Flag) {
		if f.Name != "tags" {
			some.AddFlag(f)
		}
	})
	return some
}

func (t *tool) printToolFlags() error {
	type flag struct {
		Name  string
		Bool  bool
		Usage string
	}
	flags := []flag{}
	t.toolFlags().VisitAll(func(f *pflag.Flag) {
		flags = append(flags, flag{f.Name, f.Value.Type() == "bool", f.Usage})
	})
	return json.NewEncoder(t.stdout).Encode(flags)
}

func (t *tool) vetPackage(ctx context.Context, flags []string, config string) error {
	set := t.toolFlags()
	for i, f := range flags {
		flags[i] = "--" + strings.TrimLeft(f, "-")
	}
	if err := set.Parse(flags); err != nil {
		return usagef("%w", err)
	}
	data, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	var u vetUnit
	if err := json.Unmarshal(data, &u); err != nil {
		return inputf("%s: %w", config, err)
	}
	annotated, err := u.write()
	if err != nil || u.VetxOnly || !annotated {
		return err
	}
	t.dir = u.Dir
	c, err := t.config([]string{"."})
	if err != nil {
		return err
	}
	found, diags, err := gen.Vet(ctx, c)
	if err != nil {
		return err
	}
	for _, f := range found {
		diags = append(diags, f.Diagnostic)
	}
	for i := range diags { // the go command shortens whole paths
		diags[i].Pos.Filename = t.inDir(diags[i].Pos.Filename)
		diags[i].Related = slices.Clone(diags[i].Related)
		for j := range diags[i].Related {
			diags[i].Related[j].Pos.Filename = t.inDir(diags[i].Related[j].Pos.Filename)
		}
	}
	if t.flags.json {
		return u.printJSON(t.stdout, diags)
	}
	if err := (diag.Printer{Max: -1}).Print(t.stderr, diags); err != nil {
		return err
	}
	if len(diags) > 0 {
		return exitError(exitInput)
	}
	return nil
}

// A unitDiagnostic is a diagnostic as the go command reads it.
type unitDiagnostic struct {
	Category string        `json:"category,omitempty"`
	Posn     string        `json:"posn"`
	End      string        `json:"end,omitempty"`
	Message  string        `json:"message"`
	Related  []unitRelated `json:"related,omitempty"`
}

type unitRelated struct {
	Posn    string `json:"posn"`
	Message string `json:"message"`
}

// printJSON writes the diagnostics by package and analyzer, as go vet wants them; nothing where there are none.
func (u *vetUnit) printJSON(stdout io.Writer, diags diag.List) error {
	if len(diags) == 0 {
		return nil
	}
	var out []unitDiagnostic
	for _, d := range diags.Sorted() {
		one := diag.Diagnostic{Code: d.Code, Severity: d.Severity, Message: d.Message, Hint: d.Hint}
		v := unitDiagnostic{Category: d.Code, Posn: d.Pos.String(), Message: diag.Clean(strings.TrimPrefix(one.String(), "-: "))}
		if d.End.IsValid() {
			d.End.Filename = d.Pos.Filename
			v.End = d.End.String()
		}
		for _, r := range d.Related {
			v.Related = append(v.Related, unitRelated{r.Pos.String(), diag.Clean(r.Message)})
		}
		out = append(out, v)
	}
	text, err := json.MarshalIndent(map[string]any{u.ID: map[string]any{"dagstergen": out}}, "", "\t")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if u.Stdout != "" {
		return os.WriteFile(u.Stdout, text, 0o666)
	}
	_, err = stdout.Write(text)
	return err
}

// write writes the digest of the package and of all that it imports, and reports whether a file of it, other than a test, has a directive.
func (u *vetUnit) write() (annotated bool, err error) {
	h := sha256.New()
	if !u.Standard[u.ImportPath] {
		for _, name := range slices.Concat(u.GoFiles, u.NonGoFiles) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(u.Dir, name)
			}
			src, err := os.ReadFile(name)
			if err != nil {
				return false, err
			}
			fmt.Fprintf(h, "%s %x\n", filepath.Base(name), sha256.Sum256(src))
			annotated = annotated || !strings.HasSuffix(name, "_test.go") && strings.Contains(string(src), "//dag:")
		}
		var paths []string
		for p := range u.PackageVetx {
			paths = append(paths, p)
		}
		slices.Sort(paths)
		for _, p := range paths {
			src, err := os.ReadFile(u.PackageVetx[p])
			if err != nil {
				return false, err
			}
			fmt.Fprintf(h, "%s %x\n", p, sha256.Sum256(src))
		}
	}
	if u.VetxOutput == "" {
		return annotated, nil
	}
	return annotated, os.WriteFile(u.VetxOutput, fmt.Appendf(nil, "dagstergen %x\n", h.Sum(nil)), 0o666)
}
