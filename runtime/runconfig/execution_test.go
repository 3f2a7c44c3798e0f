package runconfig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// budget is the config of an executor of a user's.
type budget struct {
	Memory   int           `json:"memory_gb"`
	Patience time.Duration `json:"patience"`
	Queue    string        `json:"queue,omitempty"`
}

func executorSchema() Schema {
	return Schema{Executors: []ExecutorSchema{
		{Name: "in_process", Single: true}, {Name: "multi"}, {Name: "multiprocess"},
		{Name: "budget", Config: ConfigOf(budget{Memory: 16, Patience: time.Minute})},
	}}
}

func text(s string) *string { return &s }

func TestExecution(t *testing.T) {
	const head = "execution: {config: "
	for _, c := range []struct {
		name, text string
		want       Resolved // what is said about execution
		wrong      []string
	}{
		{name: "nothing", text: ""},
		{name: "nothing of an executor", text: head + "{multiprocess: }}", want: Resolved{Executor: "multiprocess"}},
		{name: "as Dagster writes it", text: head + "{multiprocess: {max_concurrent: 4, retries: {enabled: }}}}",
			want: Resolved{Executor: "multiprocess", MaxConcurrent: 4, Retries: "enabled"}},
		{name: "beside", text: "execution: {multiprocess: {config: {max_concurrent: 0, retries: {disabled: {}}}}}",
			want: Resolved{Executor: "multiprocess", Retries: "disabled"}},
		{name: "retries of in_process", text: head + "{in_process: {retries: {disabled: {}}}}}", want: Resolved{Executor: "in_process", Retries: "disabled"}},
		{name: "retries without a word", text: head + "{multi: {retries: }}}", want: Resolved{Executor: "multi"}},
		{name: "limits", text: head + "{multi: {tag_concurrency_limits: [{key: db, limit: 2}, {key: db, value: big, limit: 1}, {key: gpu, value: 0, limit: 1}, {key: host, value: {applyLimitPerUniqueValue: true}, limit: 3}]}}}",
			want: Resolved{Executor: "multi", TagLimits: []TagLimit{
				{Key: "db", Limit: 2}, {Key: "db", Value: text("big"), Limit: 1}, {Key: "gpu", Value: text("0"), Limit: 1}, {Key: "host", PerValue: true, Limit: 3},
			}}},
		{name: "no limits", text: head + "{multi: {tag_concurrency_limits: }}}", want: Resolved{Executor: "multi"}},
		{name: "own config, nothing said", text: head + "{budget: }}",
			want: Resolved{Executor: "budget", ExecutorConfig: &Value{Go: budget{16, time.Minute, ""}}}},
		{name: "own config", text: head + "{budget: {memory_gb: 4, patience: 2s, queue: q, retries: {enabled: {}}, tag_concurrency_limits: [{key: a, limit: 1}]}}}",
			want: Resolved{Executor: "budget", Retries: "enabled", TagLimits: []TagLimit{{Key: "a", Limit: 1}}, ExecutorConfig: &Value{Go: budget{4, 2 * time.Second, "q"}}}},

		{name: "both", text: head + "{multi: {retries: {enabled: {}, disabled: {}}}}}", wrong: []string{
			"run.yaml:1:30: execution.config.multi.retries: retries are both enabled and disabled; keep one of them"}},
		{name: "deferred", text: head + "{multi: {retries: {deferred: {}}}}}", wrong: []string{
			"run.yaml:1:40: execution.config.multi.retries.deferred: unknown key; expected enabled or disabled"}},
		{name: "settings of retries", text: head + "{multi: {retries: {enabled: {max: 3}}}}}", wrong: []string{
			"run.yaml:1:50: execution.config.multi.retries.enabled.max: enabled takes no config; remove it"}},
		{name: "settings that are none", text: head + "{multiprocess: {max_concurent: 4}}}", wrong: []string{
			`run.yaml:1:37: execution.config.multiprocess.max_concurent: unknown key; did you mean "max_concurrent"?`}},
		{name: "limits that are none", text: head + "{multi: {tag_concurrency_limits: {key: a}}}}", wrong: []string{
			"run.yaml:1:54: execution.config.multi.tag_concurrency_limits: expected a list of mappings with key, limit and value, found a mapping"}},
		{name: "all that is wrong with limits", text: head + "{multi: {tag_concurrency_limits: [{}, {key: [a], limit: 0}, {key: a, limit: x, value: [b]}, {key: a, limit: 1, value: {all: true}}]}}}", wrong: []string{
			"run.yaml:1:55: execution.config.multi.tag_concurrency_limits[0].key: missing, expected the key of a tag",
			"run.yaml:1:55: execution.config.multi.tag_concurrency_limits[0].limit: missing, expected a whole number from 1 to 1048576",
			"run.yaml:1:65: execution.config.multi.tag_concurrency_limits[1].key: expected the key of a tag, found a list",
			"run.yaml:1:77: execution.config.multi.tag_concurrency_limits[1].limit: expected a whole number from 1 to 1048576, found 0",
			`run.yaml:1:97: execution.config.multi.tag_concurrency_limits[2].limit: expected a whole number, found the text "x"`,
			"run.yaml:1:107: execution.config.multi.tag_concurrency_limits[2].value: expected the value of the tag, or {applyLimitPerUniqueValue: true}, found a list",
			"run.yaml:1:139: execution.config.multi.tag_concurrency_limits[3].value: expected the value of the tag, or {applyLimitPerUniqueValue: true}",
			"run.yaml:1:140: execution.config.multi.tag_concurrency_limits[3].value.all: unknown key; expected applyLimitPerUniqueValue"}},
		{name: "own config that is wrong", text: head + "{budget: {memory_gb: much, memory: 3}}}", wrong: []string{
			`run.yaml:1:42: execution.config.budget.memory_gb: expected a whole number, found the text "much"`,
			"run.yaml:1:48: execution.config.budget.memory: unknown key; did you mean \"memory_gb\"?"}},
		{name: "one that is not there", text: head + "{multiproces: }}", wrong: []string{
			`run.yaml:1:22: execution.config.multiproces: unknown key; did you mean "multiprocess"?`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse("run.yaml", []byte(c.text))
			require.NoError(t, err)
			r, err := Resolve(d, executorSchema(), testEnv)
			assert.Equal(t, c.wrong, lines(err))
			assert.Equal(t, err != nil, compile(t, executorSchema()).Validate(instance(t, d.root)) != nil, "the JSON Schema says the same")
			if err != nil {
				return
			}
			said := func(r *Resolved) Resolved {
				s := Resolved{Executor: r.Executor, MaxConcurrent: r.MaxConcurrent, Retries: r.Retries, TagLimits: r.TagLimits}
				if r.ExecutorConfig != nil {
					s.ExecutorConfig = &Value{Go: r.ExecutorConfig.Go}
				}
				return s
			}
			assert.Equal(t, c.want, said(r))
			d, err = Parse("record.yaml", []byte(r.Text))
			require.NoError(t, err, r.Text)
			again, err := Resolve(d, executorSchema(), testEnv)
			require.NoError(t, err, r.Text)
			assert.Equal(t, c.want, said(again), "the record says the same:\n%s", r.Text)
		})
	}
}

func TestConfigOfWhatIsNone(t *testing.T) {
	assert.PanicsWithValue(t, "int is no config: a struct of values that JSON knows (<nil>)", func() { ConfigOf(3) })
	assert.Panics(t, func() { ConfigOf(struct{ C chan int }{}) })
}
