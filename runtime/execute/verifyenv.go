package execute

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// A factor is one thing that an environment changes.
type factor struct {
	name   string // of a variable
	value  string
	pin    bool // to one processor
	offset int  // of a time zone, in seconds east
}

func (f factor) String() string { return f.name + "=" + f.value }

// An environment is what a child is started in: that of this process, but for some factors.
type environment []factor

// changedEnvironments are those that a step is verified in, one after the other. They have nothing in common that a result may depend on: whatever this
// process is like, one of them differs.
//
// Every child has a temporary folder of its own besides, and an order of maps. HOME and the working folder stay: clients find their credentials in one, and sources
// their files in the other.
func changedEnvironments() []environment {
	return []environment{
		{
			// A quarter of an hour, daylight saving on the southern half, and the date is often another.
			{name: "TZ", value: "Pacific/Chatham", offset: 12*3600 + 45*60},
			{name: "GOMAXPROCS", value: "1", pin: true},
			{name: "LC_ALL", value: "tr_TR.UTF-8"},
			{name: "GOGC", value: "10"},
		},
		{
			{name: "TZ", value: "America/St_Johns", offset: -(3*3600 + 30*60)},
			{name: "GOMAXPROCS", value: "61"}, // prime: work is cut into uneven parts
			{name: "LC_ALL", value: "C"},
		},
	}
}

func (e environment) labels() []string {
	labels := make([]string, len(e))
	for i, f := range e {
		labels[i] = f.String()
	}
	return labels
}

// without is e but for what it changes of some variables.
func (e environment) without(names []string) environment {
	return slices.DeleteFunc(slices.Clone(e), func(f factor) bool { return slices.Contains(names, f.name) })
}

// counted are the variables that count in the version of a step: with other values of these it is another step.
func counted(s *plan.Step) []string {
	names := slices.Clone(s.Op.Env)
	for _, r := range s.Resources() {
		names = append(names, r.Resource.Env...)
	}
	return names
}

// spec says how a child is started in e, with a folder for its temporary files unless TMPDIR is to be kept. number tells it from others that run beside it.
func (e environment) spec(folder string, keep []string, number int) subprocess.Spec {
	s := subprocess.Spec{Service: stepService, Processor: -1}
	set := append(slices.Clone(e), factor{name: "TMPDIR", value: folder}).without(keep)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !slices.ContainsFunc(set, func(f factor) bool { return f.name == name }) {
			s.Env = append(s.Env, v)
		}
	}
	for _, f := range set {
		s.Env = append(s.Env, f.String())
		if f.pin {
			s.Processor = number
		}
	}
	return s
}

// zone is the time zone of e; empty where it is that of this process.
func (e environment) zone() (name string, offset int) {
	for _, f := range e {
		if f.name == "TZ" {
			return f.value, f.offset
		}
	}
	return "", 0
}

// secretsOf returns the secrets in resolved configs.
func secretsOf(r *resolved) []string {
	var all []string
	for _, c := range r.ops {
		all = append(all, secretsIn(c.Go)...)
	}
	for _, c := range r.resources {
		all = append(all, secretsIn(c.Go)...)
	}
	return all
}

// secretsIn returns the secrets in a config value.
func secretsIn(v any) []string {
	var all []string
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				walk(it.Value())
			}
		case reflect.Struct:
			if !v.CanInterface() {
				return
			}
			switch x := v.Interface().(type) {
			case dag.Secret:
				if x.Reveal() != "" {
					all = append(all, x.Reveal())
				}
			case time.Time:
			default:
				for i := range v.NumField() {
					walk(v.Field(i))
				}
			}
		}
	}
	walk(reflect.ValueOf(v))
	return all
}
