package runconfig

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

var commentedOut = regexp.MustCompile(`(?m)^( *)#(\S)`)

// checkScaffold holds a template to its promise: it is a good run config as it is, with all of it uncommented, and with each of its settings alone.
func checkScaffold(t *testing.T, s Schema) string {
	t.Helper()
	text := string(Scaffold("Run config", s))
	sch := compile(t, s)
	try := func(text string) {
		d, err := Parse("template.yaml", []byte(text))
		require.NoError(t, err, text)
		_, err = Resolve(d, s, testEnv)
		require.NoError(t, err, text)
		require.NoError(t, sch.Validate(instance(t, d.root)), text)
	}
	try(text)
	all := commentedOut.ReplaceAllString(text, "$1$2")
	require.NotEqual(t, text, all, "something is commented out")
	try(all)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		// A setting whose place is not commented out can be set alone.
		if m := commentedOut.FindStringSubmatch(line); m == nil || strings.HasPrefix(strings.TrimSpace(above(lines[:i], len(m[1]))), "#") || strings.HasSuffix(line, ":") {
			continue
		}
		lines[i] = commentedOut.ReplaceAllString(line, "$1$2")
		try(strings.Join(lines, "\n"))
		lines[i] = line
	}
	return text
}

// above is the key that a line with so many spaces stands below.
func above(lines []string, spaces int) string {
	for _, line := range slices.Backward(lines) {
		if rest := strings.TrimLeft(line, " "); rest != "" && len(line)-len(rest) < spaces {
			return line
		}
	}
	return ""
}

func TestScaffold(t *testing.T) {
	assert.Equal(t, `# Run config.
# A line that starts with # and no space behind it is a setting at its default: remove the # to change it.
# In place of any single value stands {env: NAME}, for that of an environment variable.

# Config of ops, assets and sources.
ops:
  fetch:
    # Station says where the observations come from.
    config:
      # Path of the raw file.
      path: change-me # required: text
      #limit: 10 # a whole number
      #ratio: 0.5 # a number
      #mode: fast # one of fast, exact
      #wait: 1m30s # a duration such as 1m30s
      #since: "2024-01-01T00:00:00Z" # a time such as 2024-01-31T08:00:00Z
      #tags: [] # a list of texts
      #weights: {} # a mapping of keys to whole numbers
      #area:
        #name: seattle # text
        #size: null # a whole number or null
        #deep: 1 # a number
      #fallback:
        #name: seattle # text
        #size: null # a whole number or null
        #deep: 1 # a number
      #host: "127.0.0.1" # text
      #token: change-me # text; a secret, so better {env: TOKEN}
      #verbose: false # true or false
      #areas: [] # a list of mappings

# Config of resources.
resources:
  db:
    config:
      #name: seattle # text
      #size: null # a whole number or null
      #deep: 1 # a number

# Where log lines go besides the event log: console, json. One that is named takes the place of the console.
loggers:
  #console:
    #config:
      # The least level of the lines that it takes.
      #log_level: null # one of DEBUG, INFO, WARNING, WARN, ERROR, CRITICAL or null
  #json:
    #config:
      # The least level of the lines that it takes.
      #log_level: null # one of DEBUG, INFO, WARNING, WARN, ERROR, CRITICAL or null
      # The file that lines are appended to; stderr where it is empty.
      #path: "" # text

# How the run executes: in_process, multi.
execution:
  config:
    #multi:
      #max_concurrent: 0 # steps at once; 0 is one for each processor
`, checkScaffold(t, documentSchema()))
}

// What is required has an example that keeps to its rule.
func TestScaffoldKeepsToTheRules(t *testing.T) {
	s := boundedSchema()
	fields := s.Ops[0].Config.Fields
	for i := range fields {
		fields[i].Default, fields[i].Required = "", !fields[i].Nullable
	}
	text := checkScaffold(t, s)
	for _, want := range []string{
		"count: 1 # required: a whole number from 1 to 10", "port: 1024 # required: a whole number of at least 1024", "share: 0 #", "wait: 1m #", "pause: 0s #",
		"code: AAA # required: text of 3 characters that matches ^[A-Z]+$", "name: chang #", "note: c #", "bits: 8 #", "ratio: 0.5 #", "modes: [fast] #", "sizes: {} #", "groups: [[]] #",
		"#maybe: null #", "token: aaaa # required: text of at least 4 characters that matches ^[a-z0-9]+$; a secret, so better {env: TOKEN}",
	} {
		assert.Contains(t, text, want)
	}
}

func TestExamplesOfPatterns(t *testing.T) {
	for _, pattern := range []string{`^[a-z]+$`, `^\d{4}-\d{2}$`, `x`, `^(a|b)c?$`, `^[^a-z]{2,3}$`, `^s3://[a-z0-9.-]+/.*$`, `^(?:[A-F0-9]{2}:){5}[A-F0-9]{2}$`, `\.csv$`, `^$`, `^\p{L}+$`, `((()*)*)*`} {
		f := &dag.Field{Kind: dag.FieldString, Pattern: pattern}
		assert.Regexp(t, pattern, textExample(f))
		f.MinLen = 2
		if pattern != "^$" {
			assert.Zero(t, rule(f).Check(textExample(f)), "%s: %q", pattern, textExample(f))
		}
	}
}

func TestScaffoldOfJobs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	base := station{Path: "body.csv", Limit: 3, Mode: "exact", Wait: time.Second, Host: netip.MustParseAddr("10.0.0.1"), Token: dag.NewSecret("c4n4ry")}
	s := jobSchema(
		dag.JobParam{Name: "cities", Type: dag.TypeOf[[]string]("[]string")},
		dag.JobParam{Name: "pair", Type: dag.TypeOf[[2]uint8]("[2]uint8")},
		dag.JobParam{Name: "wait", Type: dag.TypeOf[time.Duration]("time.Duration")},
		dag.JobParam{Name: "home", Type: dag.TypeOf[city]("city")},
		dag.JobParam{Name: "token", Type: dag.TypeOf[dag.Secret]("dag.Secret")},
		dag.JobParam{Name: "source", Config: stationConfig()},
		dag.JobParam{Name: "given", Type: dag.TypeOf[int]("int")},
	)
	s.Given = []string{"given"}
	s.Ops = []OpSchema{
		{Key: "fetch", Config: stationConfig(), Param: "source"},
		{Key: "again", Config: stationConfig(), Default: base},
		{Key: "rate.delay", Config: boundedSchema().Ops[0].Config, Inputs: []dag.JobParam{{Name: "by", Type: dag.TypeOf[int]("int")}}},
		{Key: "spare", Config: stationConfig(), Optional: true},
	}
	text := checkScaffold(t, s)
	assert.NotContains(t, text, "c4n4ry")
	assert.NotContains(t, text, "spare")
	assert.NotContains(t, text, "given")
	for _, want := range []string{
		"inputs:\n  cities: [] # required: a list of texts\n  pair: [0, 0] #", "  wait: 1m #", "  home: {Name: change-me} # required: a mapping\n",
		"  source:\n    # Path of the raw file.\n    path: change-me # required: text\n    #limit: 10",
		"  again:\n    # Station says where the observations come from.\n    config:\n      # Path of the raw file.\n      #path: body.csv # text\n      #limit: 3",
		"  rate:\n    ops:\n      delay:\n        config:\n          #count: 5 #", "        inputs:\n          by: 0 # required: a whole number\n",
	} {
		assert.Contains(t, text, want)
	}

	s.Inputs = append(s.Inputs, dag.JobParam{Name: "file", Type: dag.TypeOf[dag.File]("dag.File")})
	text = string(Scaffold("Run config", s))
	assert.Contains(t, text, "  file: path/to/file # required: the path of a file\n")
	_, err := resolveText(t, text, s)
	assert.ErrorContains(t, err, `inputs.file: the file "path/to/file" cannot be read`)
	assert.Len(t, lines(err), 1)
	_, err = resolveText(t, strings.Replace(text, "path/to/file", file, 1), s)
	assert.NoError(t, err)
}
