package runconfig

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// The loggers that every run has.
const (
	LoggerConsole = "console" // lines for people
	LoggerJSON    = "json"    // an object a line
)

// A LoggerSchema is a handler of the user's that may be chosen under loggers: a resource. Its config stands under resources, as that of any other.
type LoggerSchema struct {
	Resource *dag.Resource
	Needs    []*dag.Resource // what it takes, and what those take
}

// A Logger is a handler that a run config chose.
type Logger struct {
	Name     string // LoggerConsole, LoggerJSON, or the key of Resource
	Level    *slog.Level
	Path     string        // of LoggerJSON: the file that lines are appended to; empty for stderr
	Resource *dag.Resource // nil for one that every run has
}

// levels are the names of levels, Dagster's and slog's.
var levels = map[string]slog.Level{
	"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError, "CRITICAL": slog.LevelError + 4,
}

var levelNames = []string{"DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL"}

// loggerConfig is what stands below loggers.NAME.config.
type loggerConfig struct {
	Level *string `json:"log_level"`
	Path  string  `json:"path"`
}

func loggerSchema(name string) *dag.Config {
	c := &dag.Config{
		Symbol: "loggers." + name, Decode: dag.DecodeConfig[loggerConfig], Encode: dag.EncodeConfig[loggerConfig],
		Fields: []dag.Field{{Name: "log_level", Kind: dag.FieldString, Enum: levelNames, Nullable: true, Description: "The least level of the lines that it takes."}},
	}
	if name == LoggerJSON {
		c.Fields = append(c.Fields, dag.Field{Name: "path", Kind: dag.FieldString, Default: `""`, Description: "The file that lines are appended to; stderr where it is empty."})
	}
	return c
}

// loggerNames are the names that may stand below loggers: a handler of the user's takes the place of one that every run has.
func (s *Schema) loggerNames() []string {
	names := []string{LoggerConsole, LoggerJSON}
	for _, l := range s.Loggers {
		if !slices.Contains(names, l.Resource.Key) {
			names = append(names, l.Resource.Key)
		}
	}
	return names
}

func (s *Schema) logger(name string) *LoggerSchema {
	for i := range s.Loggers {
		if s.Loggers[i].Resource.Key == name {
			return &s.Loggers[i]
		}
	}
	return nil
}

// loggers reads the root key of this name. It returns s with the resources that the chosen handlers need.
func (r *resolver) loggers(m member, s Schema, out *Resolved, rec *record) Schema {
	const path = trail("loggers")
	names := s.loggerNames()
	for _, e := range r.members(m.value, path, "names of loggers") {
		at := path.key(e.key)
		if !slices.Contains(names, e.key) {
			r.problem(CodeUnknown, at, e.pos, hintNames(e.key, "loggers", names), "unknown logger; a logger is console, json, or a resource that is a slog.Handler")
			continue
		}
		own := s.logger(e.key)
		l := Logger{Name: e.key}
		schema := loggerSchema(e.key)
		if own != nil {
			l.Resource, schema = own.Resource, loggerSchema("")
			s.Resources = append(slices.Clone(s.Resources), own.Resource)
			s.Resources = append(s.Resources, own.Needs...)
		}
		c, _ := r.configOf(e, at)
		before := len(r.problems)
		v := r.config(schema, c.value, nil, at.key("config"), false)
		if v == nil {
			if own != nil && own.Resource.Config != nil {
				r.ownConfig(before, own.Resource, at.key("config"))
			}
			continue
		}
		cfg := v.value.Go.(loggerConfig)
		if l.Path = cfg.Path; cfg.Level != nil {
			level := levels[*cfg.Level]
			l.Level = &level
		}
		out.Loggers = append(out.Loggers, l)
		rec.loggers = append(rec.loggers, valMember{e.key, &val{kind: valMap, members: []valMember{{"config", v.shown}}}})
	}
	slices.SortFunc(out.Loggers, func(a, b Logger) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// ownConfig says of a field that a handler's own config has where that config stands.
func (r *resolver) ownConfig(from int, res *dag.Resource, path trail) {
	for i := from; i < len(r.problems); i++ {
		p := &r.problems[i]
		for _, f := range res.Config.Fields {
			if p.Code == CodeUnknown && p.Path == string(path.key(f.Name)) {
				p.Hint = "set it at " + string(trail("resources").key(res.Key).key("config").key(f.Name))
			}
		}
	}
}

func loggersSchema(s *Schema) schema {
	properties := map[string]schema{}
	for _, name := range s.loggerNames() {
		c := loggerSchema(name)
		description := map[string]string{LoggerConsole: "Lines for people.", LoggerJSON: "A JSON object a line."}[name]
		if own := s.logger(name); own != nil {
			c, description = loggerSchema(""), own.Resource.Description
		}
		properties[name] = described(configuredSchema(c, false, true), description)
	}
	return described(object(properties, nil), "Where log lines go besides the event log.")
}

// loggersEntry shows what every run has.
func loggersEntry(s *Schema) *entry {
	var below []*entry
	for _, name := range s.loggerNames() {
		c := loggerSchema(name)
		if s.logger(name) != nil {
			c = loggerSchema("")
		}
		if name == LoggerConsole || name == LoggerJSON {
			below = append(below, group(name, "", []*entry{group("config", "", fieldEntries(c, nil, true))}))
		}
	}
	return section("loggers", "Where log lines go besides the event log: "+strings.Join(s.loggerNames(), ", ")+". One that is named takes the place of the console.", below)
}
