package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dagstergen/dagstergen/internal/scripttest"
)

// commands are what our scripts may say beyond testscript's own words:
//
//	exits CODE PROGRAM ARG...    run it; its exit code must be CODE
//	edit FILE OLD NEW            replace the only occurrence of OLD; \n in them is a line break
//	actions KEY=ACTION...        the steps in the JSON on stdout are exactly these; *=ACTION stands for all others
//	ledger WHAT...               the bodies that were entered since it was last asked, in any order
//	field PATH WANT              the value at a dotted path in the JSON on stdout
//	capture NAME FIELD           set $NAME to the text that a field of the JSON on stdout has
//	damage HOW GLOB              flip, truncate or delete the only file that matches
//	later FILE                   set the time of FILE one hour ahead
//	picture FILE                 FILE is a PNG
//	waitfor FILE                 wait until FILE is there
//	overwrite GLOB               put garbage over the start of the only file that matches
//	copytree FROM TO             copy a folder, without what starts with a dot
//	unprivileged CODE PROGRAM... like exits, without the right to write to $DAGSTERGEN_HOME
//	together N PROGRAM ARG...    start it N times at once; all must succeed
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits": scripttest.Exits, "edit": edit, "actions": actions, "ledger": ledger, "field": field, "damage": damage, "later": later,
		"picture": picture, "waitfor": waitfor, "together": together, "overwrite": overwrite, "copytree": copytree, "capture": capture, "unprivileged": unprivileged,
	}
}

func usage(ts *testscript.TestScript, neg, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func edit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "edit FILE OLD NEW")
	lines := strings.NewReplacer(`\n`, "\n", `\t`, "\t")
	text, before, after := ts.ReadFile(args[0]), lines.Replace(args[1]), lines.Replace(args[2])
	if n := strings.Count(text, before); n != 1 {
		ts.Fatalf("%q stands %d times in %s, want once", before, n, args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, before, after, 1)), 0o644))
}

func actions(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, "actions KEY=ACTION...")
	var doc struct {
		Steps []struct{ Key, Action string }
	}
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc); err != nil {
		ts.Fatalf("stdout is not the documented JSON: %v", err)
	}
	got := map[string]string{}
	for _, s := range doc.Steps {
		got[s.Key] = s.Action
	}
	if len(got) != len(doc.Steps) || len(got) == 0 {
		ts.Fatalf("%d steps with %d keys", len(doc.Steps), len(got))
	}
	want, rest := map[string]string{}, ""
	for _, a := range args {
		key, action, _ := strings.Cut(a, "=")
		if key == "*" {
			rest = action
			continue
		}
		want[key] = action
	}
	if rest != "" {
		for key := range got {
			if _, ok := want[key]; !ok {
				want[key] = rest
			}
		}
	}
	if !maps.Equal(got, want) {
		ts.Fatalf("actions are\n\t%s\nwant\n\t%s", show(got), show(want))
	}
}

func show(m map[string]string) string {
	var s []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s = append(s, k+"="+m[k])
	}
	return strings.Join(s, " ")
}

func ledger(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, true, "ledger WHAT...")
	path := ts.Getenv("LEDGER")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		ts.Check(err)
	}
	got, want := strings.Fields(string(data)), slices.Clone(args)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		ts.Fatalf("entered were %q, want %q", got, want)
	}
	ts.Check(os.RemoveAll(path))
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "capture NAME FIELD")
	var doc map[string]any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc); err != nil {
		ts.Fatalf("stdout is not JSON: %v", err)
	}
	text, ok := doc[args[1]].(string)
	if !ok {
		ts.Fatalf("no text %s on stdout", args[1])
	}
	ts.Setenv(args[0], text)
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, false, len(args) == 2, "[!] field PATH WANT")
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc); err != nil {
		ts.Fatalf("stdout is not JSON: %v", err)
	}
	for _, name := range strings.Split(args[0], ".") {
		switch v := doc.(type) {
		case map[string]any:
			value, ok := v[name]
			if !ok {
				ts.Fatalf("no %s in %s", name, args[0])
			}
			doc = value
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				ts.Fatalf("no element %s in %s", name, args[0])
			}
			doc = v[i]
		default:
			ts.Fatalf("nothing below %s", args[0])
		}
	}
	if got := fmt.Sprint(doc); (got == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s (negated: %t)", args[0], got, args[1], neg)
	}
}

func damage(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "damage flip|truncate|delete GLOB")
	file := only(ts, args[1])
	data, err := os.ReadFile(file)
	ts.Check(err)
	info, err := os.Stat(file)
	ts.Check(err)
	ts.Check(os.Chmod(file, 0o600))
	switch args[0] {
	case "flip":
		data[len(data)/2] ^= 1
		ts.Check(os.WriteFile(file, data, 0o600))
	case "truncate":
		ts.Check(os.Truncate(file, int64(len(data)/2)))
	case "delete":
		ts.Check(os.Remove(file))
		return
	default:
		ts.Fatalf("unknown damage %s", args[0])
	}
	ts.Check(os.Chmod(file, info.Mode()))
}

func later(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "later FILE")
	at := time.Now().Add(time.Hour)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), at, at))
}

func picture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "picture FILE")
	file := only(ts, args[0])
	data, err := os.ReadFile(file)
	ts.Check(err)
	image, err := png.Decode(bytes.NewReader(data))
	ts.Check(err)
	if image.Bounds().Dx() < 100 {
		ts.Fatalf("%s is %d pixels wide", file, image.Bounds().Dx())
	}
}

func waitfor(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "waitfor FILE")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s is not there after a minute", args[0])
}

func together(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "together N PROGRAM ARG...")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	program := ts.MkAbs(args[1])
	started := make([]*exec.Cmd, n)
	outputs := make([]bytes.Buffer, n)
	for i := range started {
		c := exec.Command(program, args[2:]...)
		c.Dir, c.Env = ts.MkAbs("."), append(os.Environ(), "LEDGER="+ts.Getenv("LEDGER"))
		c.Stdout, c.Stderr = &outputs[i], &outputs[i]
		ts.Check(c.Start())
		started[i] = c
	}
	for i, c := range started {
		if err := c.Wait(); err != nil {
			err = fmt.Errorf("process %d: %w\n%s", i, err, outputs[i].String())
			for _, other := range started[i+1:] {
				_ = other.Wait()
			}
			ts.Fatalf("%v", err)
		}
	}
}
