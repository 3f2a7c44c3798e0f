package runconfig

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// loggingSchema has a handler of the user's, audit, that takes a resource with config.
func loggingSchema() Schema {
	named := func(required bool) *dag.Config {
		fields := areaFields()
		if required {
			fields[0].Default, fields[0].Required = "", true
		}
		return &dag.Config{Symbol: "example.com/weather.Named", Decode: dag.DecodeConfig[area], Encode: dag.EncodeConfig[area], Fields: fields}
	}
	pool := &dag.Resource{Key: "pool", Config: named(true)}
	audit := &dag.Resource{Key: "audit", Config: named(false), Description: "Audit keeps lines."}
	return Schema{OptionalResources: []*dag.Resource{audit, pool}, Loggers: []LoggerSchema{{Resource: audit, Needs: []*dag.Resource{pool}}}}
}

func TestLoggers(t *testing.T) {
	const pool = "resources: {pool: {config: {name: p}}}\n"
	checkDocuments(t, loggingSchema(), []documentCase{
		{name: "none", text: "loggers:"},
		{name: "console", text: "loggers: {console: }"},
		{name: "level", text: "loggers: {console: {config: {log_level: DEBUG}}}"},
		{name: "level of nobody's", text: "loggers: {console: {config: {log_level: null}}}"},
		{name: "JSON in a file", text: "loggers: {json: {config: {log_level: WARNING, path: run.log}}, console: {}}"},
		{name: "a handler of the user's", text: "loggers: {audit: {config: {log_level: ERROR}}}\n" + pool},
		{name: "its config", text: "loggers: {audit: }\nresources: {pool: {config: {name: p}}, audit: {config: {name: a}}}"},
		{name: "what it needs is not needed without it", text: ""},

		{name: "unknown logger", text: "loggers: {consle: }", want: []string{
			`run.yaml:1:11: loggers.consle: unknown logger; a logger is console, json, or a resource that is a slog.Handler; did you mean "console"?`}},
		{name: "unknown logger with nothing near", text: "loggers: {datadog: }", want: []string{
			`run.yaml:1:11: loggers.datadog: unknown logger; a logger is console, json, or a resource that is a slog.Handler; loggers: audit, console, json`}},
		{name: "unknown level", text: "loggers: {console: {config: {log_level: info}}}", want: []string{
			`run.yaml:1:41: loggers.console.config.log_level: expected one of DEBUG, INFO, WARNING, WARN, ERROR, CRITICAL or null, found the text "info"; did you mean "INFO"?`}},
		{name: "level beside config", text: "loggers: {console: {log_level: INFO}}", want: []string{
			"run.yaml:1:21: loggers.console.log_level: unknown key; expected config"}},
		{name: "path of the console", text: "loggers: {console: {config: {path: x}}}", want: []string{
			"run.yaml:1:30: loggers.console.config.path: unknown field; fields: log_level"}},
		{name: "a list", text: "loggers: [console]", want: []string{
			"run.yaml:1:10: loggers: expected a mapping with names of loggers, found a list"}},
		{name: "config of a handler of the user's elsewhere", text: "loggers: {audit: {config: {name: a}}}\n" + pool, want: []string{
			"run.yaml:1:28: loggers.audit.config.name: unknown field; set it at resources.audit.config.name"}},
		{name: "what a handler needs", text: "loggers: {audit: }", beyond: true, want: []string{
			"run config: resources.pool.config.name: missing, expected text; set it in a file, or with --set resources.pool.config.name=..."}},
	})

	r, err := resolveText(t, "loggers: {json: {config: {log_level: CRITICAL, path: x}}, console: , audit: {config: {log_level: DEBUG}}}\n"+pool, loggingSchema())
	require.NoError(t, err)
	critical, debug := slog.LevelError+4, slog.LevelDebug
	audit := loggingSchema().Loggers[0].Resource
	require.Len(t, r.Loggers, 3)
	assert.Equal(t, audit.Key, r.Loggers[0].Resource.Key)
	r.Loggers[0].Resource = nil
	assert.Equal(t, []Logger{{Name: "audit", Level: &debug}, {Name: "console"}, {Name: "json", Level: &critical, Path: "x"}}, r.Loggers)
	assert.Contains(t, r.Resources, "audit")
	assert.Contains(t, r.Text, "loggers:\n  audit:\n    config:\n      log_level: DEBUG\n  console:\n    config:\n      log_level: null\n")

	checkScaffold(t, loggingSchema())
}
