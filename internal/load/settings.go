package load

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// settings are what decides how the go command answers, other than files of modules.
type settings struct {
	dir     string
	key     canon.Digest // of all of them, with what was asked
	modFile string       // -modfile of GOFLAGS; absolute
	work    string       // GOWORK
}

// findSettings finds the settings for a listing. It is false for those under which an answer could change by what is not looked at: a go command that may be a
// script choosing among several, a toolchain that is looked for on PATH, an overlay, packages outside of modules.
func findSettings(c Config, dir string) (*settings, bool) {
	env := c.Env
	if env == nil {
		env = os.Environ()
	}
	command, err := lookGo(env)
	if err != nil {
		return nil, false
	}
	if command, err = filepath.EvalSymlinks(command); err != nil {
		return nil, false
	}
	var st unix.Stat_t
	if err := unix.Stat(command, &st); err != nil {
		return nil, false
	}
	own := filepath.Dir(filepath.Dir(command))
	root := orElse(lookup(env, "GOROOT"), own)
	e := canon.New("dagstergen/load/settings/v1")
	for _, dir := range []string{own, root} {
		version, err := os.ReadFile(filepath.Join(dir, "VERSION"))
		if err != nil || !strings.HasPrefix(string(version), "go1") {
			return nil, false // no release: the standard library may be edited at any time
		}
		e.Bytes("version", version)
	}
	e.String("command", command)
	e.Int("size", st.Size)
	e.Int("time", st.Mtim.Nano())
	e.String("root", root)

	// What is in the environment counts before what `go env -w` wrote, and that before what came with Go.
	user := userEnvFile(env)
	var files []string
	for _, name := range []string{user, filepath.Join(root, "go.env")} {
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) && name != "" {
			return nil, false
		}
		e.String("file", name)
		e.Bytes("settings", text)
		files = append(files, string(text))
	}
	get := func(name string) string {
		value := lookup(env, name)
		for _, text := range files {
			value = orElse(value, lookup(strings.Split(text, "\n"), name))
		}
		return value
	}
	if get("GO111MODULE") == "off" || strings.Contains(get("GOTOOLCHAIN"), "path") {
		return nil, false
	}
	s := &settings{dir: dir, work: get("GOWORK")}
	if !s.flags(get("GOFLAGS")) {
		return nil, false
	}

	var vars []string
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); counts(name) {
			vars = append(vars, name+"="+lookup(env, name))
		}
	}
	slices.Sort(vars)
	for _, kv := range slices.Compact(vars) {
		e.String("variable", kv)
	}
	c.Dir, c.Env, c.Cache, c.Light, c.Seen = dir, nil, nil, nil, nil
	e.String("asked", fmt.Sprintf("%+v", c)) // whatever fields there are
	s.key = e.Sum()
	return s, true
}

// counts reports whether the go command may look at a variable for a listing. That of a `go generate` around us says only where it stands.
func counts(name string) bool {
	switch name {
	case "GOFILE", "GOLINE", "GOPACKAGE":
		return false
	case "HOME": // where GOPATH is by default
		return true
	}
	return strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO")
}

// lookup returns the value of a variable; of several the last counts.
func lookup(env []string, name string) string {
	value := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(strings.TrimRight(kv, "\r"), name+"="); ok {
			value = v
		}
	}
	return value
}

// userEnvFile is the file that `go env -w` writes; "" for none.
func userEnvFile(env []string) string {
	switch name := lookup(env, "GOENV"); name {
	case "off":
		return ""
	case "":
		config, home := lookup(env, "XDG_CONFIG_HOME"), lookup(env, "HOME")
		switch {
		case runtime.GOOS == "darwin":
			config = filepath.Join(home, "Library", "Application Support")
		case config == "":
			config = filepath.Join(home, ".config")
		}
		if !filepath.IsAbs(config) {
			return ""
		}
		return filepath.Join(config, "go", "env")
	default:
		return name
	}
}

// neutral are flags that may stand in GOFLAGS and lead to no files but those that are looked at.
var neutral = []string{"mod", "modcacherw", "buildvcs", "trimpath", "tags", "race", "msan", "asan", "v", "p", "a", "ldflags", "gcflags", "asmflags", "pgo", "cover", "count"}

func (s *settings) flags(text string) bool {
	if strings.ContainsAny(text, `'"`) {
		return false
	}
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		switch {
		case name == "modfile":
			s.modFile = value
			if !filepath.IsAbs(value) {
				s.modFile = filepath.Join(s.dir, value)
			}
		case !slices.Contains(neutral, name):
			return false
		}
	}
	return true
}
