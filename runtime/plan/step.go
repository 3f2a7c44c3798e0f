package plan

import (
	"encoding/json"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An Action is what a plan decides for a step.
type Action string

// The actions. Maybe stands below a step that must run: if that gives the data it gave before, the step is reused after all.
const (
	Run   Action = "run"
	Reuse Action = "reuse"
	Maybe Action = "maybe"
)

// The codes of a [Reason]. They are stable.
const (
	ReasonNever         = "never"          // no record of this asset, or of this step of the job
	ReasonCode          = "code"           // the code of the op, or something it reaches
	ReasonConfig        = "config"         // a config value
	ReasonEnv           = "env"            // the value of an environment variable
	ReasonResource      = "resource"       // the code, config or environment of a resource
	ReasonInput         = "input"          // the data of an input, or which inputs there are
	ReasonTypes         = "types"          // the layout of an input's or output's type
	ReasonIO            = "io"             // stored by another IO manager than the op has now
	ReasonDamaged       = "damaged"        // a stored output is missing or damaged
	ReasonVolatile      = "volatile"       // marked volatile
	ReasonNoMemo        = "no_memo"        // memoization is off for the run
	ReasonNotMemoizable = "not_memoizable" // its IO manager cannot say what it has
	ReasonReplaced      = "replaced"       // a resource was replaced by a value
	ReasonUpstream      = "upstream"       // something upstream runs
	ReasonSource        = "source"         // a source has new data, or could not be observed
)

// A Reason says why a step runs or may run.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// A Step is a node of the graph with what the plan found out about it.
type Step struct {
	*Node
	Index  int  // of the node in the graph
	Hidden bool // not selected; here because a selected step needs its stored output, or its data

	Config *Config // nil when the op takes none
	Code   string  // code version as counted: a source hash, or what version= or a strategy says

	Version canon.Digest // the cause; zero below a source that could not be observed
	Content canon.Digest // the truth; zero while the data of an input is not known
	Action  Action
	Reasons []Reason

	// Versions and Data are the versions and data versions of the inputs, then of the deps. Data is zero where it is not known yet.
	Versions []canon.Digest
	Data     []canon.Digest
	// Outputs are the versions of the outputs; for a step without any, one that stands for having run.
	Outputs []canon.Digest

	Record   *storage.Record // what is reused; for a hidden step the latest one
	Note     bool            // the reuse must be noted: the record is not the newest of this identity, or was found by content
	Latest   *storage.Record // the newest record of the identity, which Reasons compare with; nil where it was not needed
	Broken   *storage.Record // it would have been reused, but an output of it cannot be loaded
	Force    bool            // runs whatever is stored
	Recorded bool            // what it computes may be recorded
	Observed *Observation    // of a source

	fresh   bool // the record was found by content: that it stands for this version too is not stored yet
	static  *opStatic
	code    code
	problem Reason // what is wrong with the stored output that would have been reused
}

// Resources returns the resources the step reaches, with their versions, each after those it takes.
func (s *Step) Resources() []*ResourceVersion {
	if s.static == nil {
		return nil
	}
	return s.static.reached
}

// ResourceVersions returns the versions of the op's resources, one for each of Op.Resources; nil for a source.
func (s *Step) ResourceVersions() []canon.Digest {
	if s.static == nil {
		return nil
	}
	return s.static.resources
}

// Env returns the environment variables that count in the step's version, by the digests of their values; nil where none does.
func (s *Step) Env() map[string]string {
	if s.static == nil {
		return nil
	}
	return envTexts(s.Op.Env, s.static.env)
}

// An Observation is what a source says of its data now.
type Observation struct {
	Value any          // for its consumers: a dag.File, a dag.DataVersion or data
	Data  canon.Digest // data version
	Text  string       // for people: "seattle.csv (1234 bytes)"
	Err   error        // it could not be observed
}

// A Plan says what a run would do. It is made by [Build] and not changed after.
type Plan struct {
	Target *Target
	Job    string  // key of the job; empty for assets
	Memo   bool    // the run is memoized
	Steps  []*Step // what was selected, in plan order
	All    []*Step // by index of the node; nil where nothing of it is needed
}

// Counts returns how many steps run, are reused and are undecided.
func (p *Plan) Counts() (run, reuse, maybe int) {
	for _, s := range p.Steps {
		switch s.Action {
		case Run:
			run++
		case Reuse:
			reuse++
		default:
			maybe++
		}
	}
	return run, reuse, maybe
}

// MarshalJSON writes {"job","steps":[{"key","version","action","reasons":[{"code","text"}]}]}. The job is null for assets, a version null
// where a source could not be observed.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type step struct {
		Key     string   `json:"key"`
		Version *string  `json:"version"`
		Action  Action   `json:"action"`
		Reasons []Reason `json:"reasons"`
	}
	out := struct {
		Job   *string `json:"job"`
		Steps []step  `json:"steps"`
	}{Steps: make([]step, 0, len(p.Steps))}
	if p.Job != "" {
		out.Job = &p.Job
	}
	for _, s := range p.Steps {
		st := step{Key: s.Key, Action: s.Action, Reasons: s.Reasons}
		if st.Reasons == nil {
			st.Reasons = []Reason{}
		}
		if !s.Version.IsZero() {
			v := s.Version.String()
			st.Version = &v
		}
		out.Steps = append(out.Steps, st)
	}
	return json.Marshal(out)
}

// opStatic is what all steps of one op share in a plan.
type opStatic struct {
	resources []canon.Digest // one for each of Op.Resources
	reached   []*ResourceVersion
	env       []canon.Digest // one for each of Op.Env
	replaced  bool
}

// source reports whether the step observes instead of computing.
func (s *Step) source() bool { return s.Op.Kind == dag.KindSource }
