package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/bench"
)

// A system is a column.
type system struct {
	name    string
	install func(ctx context.Context, d *driver) (version string, err error)
	// prepare readies a work after its edit with this number, and returns how long that took as part of a turn: building a program. Systems that read
	// their source have nothing to build.
	prepare func(ctx context.Context, d *driver, w work, edit int) (time.Duration, error)
	// command returns the process that does a phase of a work in a folder.
	command func(d *driver, w work, phase, dir string) command
	// whole says of a work that the process is what is measured, as it reports nothing.
	whole []string
	// cannot returns why the system has no figure for a phase of a work; the empty string where it has.
	cannot func(w work, phase string) string
}

//go:embed python/*.py
var programs embed.FS

// systems returns all columns.
func systems() []system {
	list := []system{
		ours(bench.Ours, "multi"),
		ours(bench.Ours+", multiprocess", "multiprocess"),
		python("Dagster in process", "dagster", "inprocess", "dagster"),
		python("Dagster multiprocess", "dagster", "multiprocess", "dagster"),
		python("Dagster assets", "dagster", "assets", "dagster"),
		// The last series of releases with memoization; it knows no later SQLAlchemy and misses a requirement.
		python("Dagster 1.7 memoized", "dagster", "memo", "dagster==1.7.16", "six", "sqlalchemy<2.1"),
		python("redun", "redun", "", "redun"),
		// Its requirements allow a newest FastAPI that its server does not start with; these were seen to work.
		python("Prefect", "prefect", "", "prefect", "fastapi==0.139.*", "starlette==1.1.*"),
		python("joblib.Memory", "joblib", "", "joblib"),
	}
	for _, f := range floors {
		list = append(list, system{name: f.name, prepare: func(context.Context, *driver, work, int) (time.Duration, error) { return 0, nil },
			install: func(context.Context, *driver) (string, error) { return "", nil },
			command: func(d *driver, w work, _, dir string) command {
				return command{dir: dir, args: []string{d.self, "floor", f.name, w.key, fmt.Sprint(w.size), fmt.Sprint(w.mib), dir}}
			},
			cannot: func(w work, phase string) string {
				switch {
				case w.key == "partitions":
					return "a floor keeps nothing to ask about"
				case phase != first:
					return "a floor keeps nothing to reuse"
				case w.key == "define", w.key == "start" && f.name != "fork+exec":
					return "there is nothing to define or start"
				case w.key == "files" && f.name != "files and SHA-256" && f.name != "plain Go":
					return "it is not made for large data"
				}
				return ""
			}})
	}
	return list
}

// ours is dagstergen with an executor.
func ours(name, executor string) system {
	return system{
		name: name,
		install: func(ctx context.Context, d *driver) (string, error) {
			if err := d.goModule(ctx); err != nil {
				return "", err
			}
			out, _, err := command{dir: d.checkout, args: []string{"git", "describe", "--always", "--dirty"}}.run(ctx, time.Minute)
			if err != nil {
				return "this checkout", nil // an unpacked release has no git
			}
			return "this checkout, " + strings.TrimSpace(string(out)), nil
		},
		prepare: func(ctx context.Context, d *driver, w work, edit int) (time.Duration, error) {
			return d.build(ctx, w, edit)
		},
		command: func(d *driver, w work, phase, dir string) command {
			switch w.key {
			case "start":
				return command{dir: d.module, env: []string{"DAGSTERGEN_HOME=" + dir}, args: []string{d.binary(w), "materialize", "--executor", executor}}
			case "define":
				return command{dir: d.module, env: []string{"DAGSTERGEN_CACHE=" + filepath.Join(dir, "cache")}, args: []string{d.tool, "./" + w.key}}
			case "partitions":
				do := "status"
				if phase == first {
					do = "fill"
				}
				return command{dir: d.module, args: []string{d.binary(w), do, filepath.Join(dir, "instance"), executor}}
			}
			return command{dir: d.module, args: []string{d.binary(w), fmt.Sprint(w.size), filepath.Join(dir, "instance"), executor}}
		},
		whole: []string{"define"},
		cannot: func(w work, _ string) string {
			switch {
			case executor == "multi":
			case w.key == "define":
				return "generating knows no executors"
			case w.key == "partitions":
				return "status knows no executors"
			}
			return ""
		},
	}
}

// python is a peer that is installed from PyPI into a virtual environment of its own. The first requirement is the peer itself.
func python(name, program, mode string, requirements ...string) system {
	env := strings.NewReplacer("=", "", "*", "", "<", "", ">", "").Replace(requirements[0])
	return system{
		name:    name,
		install: func(ctx context.Context, d *driver) (string, error) { return d.venv(ctx, env, requirements) },
		prepare: func(_ context.Context, d *driver, w work, edit int) (time.Duration, error) {
			return 0, d.pythonFiles(filepath.Join(d.root, "python", env+mode, w.key), w, edit)
		},
		command: func(d *driver, w work, phase, dir string) command {
			at := filepath.Join(d.root, "python", env+mode, w.key)
			args := []string{w.key, phase, fmt.Sprint(w.size), dir, mode}
			bin := filepath.Join(d.venvs, env, "bin")
			c := command{dir: at, env: []string{"PYTHONWARNINGS=ignore", "DAGSTER_HOME=" + dir, "PATH=" + bin + ":" + os.Getenv("PATH")}}
			c.args = append([]string{filepath.Join(bin, "python"), program + "_peer.py"}, args...)
			if w.key == "start" && program == "dagster" { // the command that its users type
				c.env = append(c.env, "PEER="+strings.Join(args, " "))
				c.args = []string{filepath.Join(bin, "dagster"), "job", "execute", "-f", "dagster_peer.py", "-j", "work"}
				if mode == "assets" {
					c.args = []string{filepath.Join(bin, "dagster"), "asset", "materialize", "-f", "dagster_peer.py", "--select", "*"}
				}
			}
			return c
		},
		whole: []string{"define"},
		cannot: func(w work, phase string) string {
			switch {
			case w.key == "partitions" && program != "dagster":
				return "it has no partitions"
			case w.key == "partitions" && mode == "memo":
				return "its memoization knows nothing of assets, and ops have no partitions"
			case w.key == "partitions" && mode != "assets":
				return "ops have no partitions"
			case w.key == "partitions": // what is stored is stored, in the newest one too
				return ""
			case program == "dagster" && mode == "multiprocess" && w.key == "define":
				return "importing knows no executors"
			case program == "dagster" && mode != "memo" && phase != first && w.key != "define":
				return "Dagster has not skipped steps whose outputs are stored since 1.8, when memoization was removed"
			case mode == "assets" && w.key == "mapping":
				return "assets cannot go over elements that only a run finds out"
			case mode == "memo" && w.key == "mapping":
				return "it refuses: memoization with dynamic orchestration is not yet supported"
			}
			return ""
		},
	}
}

// pythonFiles writes the programs of the peers and the steps of a work into a folder.
func (d *driver) pythonFiles(dir string, w work, edit int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// Python tells by the second of a file, and its size, whether what it compiled is still right: an edit may leave both as they are.
	if err := os.RemoveAll(filepath.Join(dir, "__pycache__")); err != nil {
		return err
	}
	entries, err := programs.ReadDir("python")
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := programs.ReadFile("python/" + e.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), data, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "steps.py"), []byte(w.pythonSource(edit)), 0o644)
}

// venv makes a virtual environment with requirements unless it is there, and returns the versions of what was asked for and of Python.
func (d *driver) venv(ctx context.Context, name string, requirements []string) (string, error) {
	dir := filepath.Join(d.venvs, name)
	bin := filepath.Join(dir, "bin")
	const installing = 15 * time.Minute
	if _, err := os.Stat(filepath.Join(dir, "installed")); errors.Is(err, os.ErrNotExist) {
		if _, _, err := (command{args: []string{d.python, "-m", "venv", dir}}).run(ctx, installing); err != nil {
			return "", err
		}
		args := append([]string{filepath.Join(bin, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"}, requirements...)
		if _, _, err := (command{args: args}).run(ctx, installing); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "installed"), nil, 0o644); err != nil {
			return "", err
		}
	}
	out, _, err := command{args: []string{filepath.Join(bin, "python"), "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"}}.run(ctx, time.Minute)
	if err != nil {
		return "", err
	}
	var versions []string
	for _, r := range requirements {
		name := strings.FieldsFunc(r, func(c rune) bool { return strings.ContainsRune("=<>", c) })[0]
		i := slices.IndexFunc(strings.Fields(string(out)), func(l string) bool { return strings.HasPrefix(strings.ToLower(l), name+"==") })
		if i < 0 {
			return "", fmt.Errorf("%s is not in the virtual environment %s", name, dir)
		}
		versions = append(versions, strings.Replace(strings.Fields(string(out))[i], "==", " ", 1))
	}
	py, _, err := command{args: []string{filepath.Join(bin, "python"), "--version"}}.run(ctx, time.Minute)
	return strings.Join(append(versions, strings.TrimSpace(string(py))), ", "), err
}
