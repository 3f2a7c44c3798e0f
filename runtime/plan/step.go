package plan

import (
	"encoding/json"
	"slices"

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
	Skip  Action = "skip"
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
	ReasonAgain         = "again"          // asked to run again
	ReasonNotMemoizable = "not_memoizable" // its IO manager cannot say what it has
	ReasonReplaced      = "replaced"       // a resource was replaced by a value
	ReasonUpstream      = "upstream"       // something upstream runs
	ReasonSource        = "source"         // a source has new data, or could not be observed
	ReasonBranch        = "branch"         // another arm of a branch is taken
	ReasonNil           = "nil"            // an input that must not be nil is, or something above is skipped for that
	ReasonCheck         = "check"          // a blocking check above it has not passed
)

// A Reason says why a step runs or may run.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// A Step is one execution of an op with what the plan found out about it.
type Step struct {
	*Node
	*work
	Key       string         // unique in the plan: "outer.fit[seattle]"; "fit[*]" for all that a loop will make
	Identity  string         // what its records are the latest of: "asset:KEY" or "op:JOB/STEP"; empty for a step that is no step yet
	Index     int            // of the step in the plan; -1 for one that is shown and not there
	Place     int32          // of the node in the graph
	Partition *dag.Partition // of a partitioned asset: what it is computed for
	Hidden    bool           // not selected; here because a selected step needs its stored output, or its data

	Inputs []Ref // one for each of Op.Inputs
	Deps   []Ref // one for each of Op.Deps
	After  []Ref // the order alone

	Version canon.Digest // the cause; zero below a source that could not be observed, and where it is not known which values it gets
	Content canon.Digest // the truth; zero while the data of an input is not known
	Action  Action
	Reasons []Reason

	// Versions and Data are the versions and data versions of the inputs, then of the deps. Data is zero where it is not known yet.
	Versions []canon.Digest
	Data     []canon.Digest
	// Outputs are the versions of the outputs; for a step without any, one that stands for having run.
	Outputs []canon.Digest

	Record   *storage.Record      // what is reused; for a hidden step the latest one
	Latest   *storage.Record      // the newest record of the identity, which Reasons compare with; nil where it was not needed
	Broken   *storage.Record      // it would have been reused, but an output of it cannot be loaded
	Observed *Observation         // of a source
	Verdict  *dag.CheckEvaluation // of a check that is reused: what its record says
	Note     bool                 // the reuse must be noted: the record is not the newest of this identity, or was found by content
	Force    bool                 // runs whatever is stored
	Recorded bool                 // what it computes may be recorded
	Region   Vertex               // of a step that is only shown, in a loop or branch that is not expanded: what decides about that
	Failure  error                // of a line that stands for a loop or branch: why it could not be expanded in the run

	fresh    bool // the record was found by content: that it stands for this version too is not stored yet
	fetched  bool // its record was looked for by its version
	decided  bool
	hopeless bool     // an input cannot be made: it fails
	missing  int32    // what it takes that is not decided
	down     int32    // the first edge from here
	region   int32    // where in plan order it stands: in this region
	ord      int32    // at this place
	problem  []Reason // what is wrong with the stored output that would have been reused
}

// work is what all steps of one node share in a plan.
type work struct {
	Config *Config // nil when the op takes none
	io     string  // the IO manager of the instance; empty for its own store
	Code   string  // code version as counted: a source hash, or what version= or a strategy says

	code      canon.Digest
	resources []canon.Digest // one for each of Op.Resources
	reached   []*ResourceVersion
	env       []canon.Digest // one for each of Op.Env
	replaced  bool
	forced    []Reason // why it runs whatever is stored
	prepared  bool
}

// idle is the work of a step that only observes or is read.
var idle work

// Resources returns the resources the step reaches, with their versions, each after those it takes.
func (s *Step) Resources() []*ResourceVersion { return s.reached }

// ResourceVersions returns the versions of the op's resources, one for each of Op.Resources; nil for a source.
func (s *Step) ResourceVersions() []canon.Digest { return s.resources }

// Env returns the environment variables that count in the step's version, by the digests of their values; nil where none does.
func (s *Step) Env() map[string]string {
	if !s.prepared {
		return nil
	}
	return envTexts(s.Op.Env, s.env)
}

// An Observation is what a source says of its data now.
type Observation struct {
	Value any          // for its consumers: a dag.File, a dag.DataVersion or data
	Data  canon.Digest // data version
	Text  string       // for people: "seattle.csv (1234 bytes)"
	Err   error        // it could not be observed
}

// A Plan says what a run would do. It is made by [Build]. While a run goes on [Plan.Expand] adds what loops and branches turn out to be.
type Plan struct {
	Target *Target
	Job    string  // key of the job; empty for assets
	Memo   bool    // the run is memoized
	Steps  []*Step // what was selected, in plan order, as [Build] found it: with lines for loops that are not expanded, and for arms not taken

	flow    flow
	builder *builder
	params  []Ref            // of the job
	outs    []Ref            // likewise
	calls   map[string][]Ref // what graphs gave that are called outside of loops, by the key of the call: "outer.inner"
}

// Len returns how many steps there are, hidden ones too.
func (p *Plan) Len() int { return p.flow.steps.Len() }

// At returns the step with an index.
func (p *Plan) At(i int) *Step { return p.flow.steps.At(i) }

// Values returns how many values there are.
func (p *Plan) Values() int { return p.flow.values.Len() }

// Counts returns how many steps run, are reused and are undecided. Steps that are skipped are none of these.
func (p *Plan) Counts() (run, reuse, maybe int) {
	for _, s := range p.Steps {
		switch s.Action {
		case Run:
			run++
		case Reuse:
			reuse++
		case Maybe:
			maybe++
		}
	}
	return run, reuse, maybe
}

// MarshalJSON writes {"job","steps":[{"key","version","action","reasons":[{"code","text"}]}]}, with "check", what is recorded, of a check that is reused. The job is null for assets, a version null
// where a source could not be observed or where it is not known yet what a loop or a branch will give.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type step struct {
		Key     string   `json:"key"`
		Version *string  `json:"version"`
		Action  Action   `json:"action"`
		Reasons []Reason `json:"reasons"`

		Check *dag.CheckEvaluation `json:"check,omitempty"`
	}
	out := struct {
		Job   *string `json:"job"`
		Steps []step  `json:"steps"`
	}{Steps: make([]step, 0, len(p.Steps))}
	if p.Job != "" {
		out.Job = &p.Job
	}
	for _, s := range p.Steps {
		st := step{Key: s.Key, Action: s.Action, Reasons: s.Reasons, Check: s.Verdict}
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

// source reports whether the step observes instead of computing.
func (s *Step) source() bool { return s.Op.Kind == dag.KindSource }

// IO is the key of the IO manager that the step's outputs are stored by; empty for the instance's own store.
func (s *Step) IO() string {
	if s.work == nil {
		return s.Op.IO
	}
	return IOOf(s.Op, s.work.io)
}

// IOOf is the IO manager of an op: what io= says, else that of the instance where the op computes data and does not say by codec= how the instance's own store keeps it.
func IOOf(op *dag.Op, instance string) string {
	switch {
	case op.IO != "" || instance == "":
		return op.IO
	case op.Kind == dag.KindSource || op.Kind == dag.KindCheck:
		return ""
	case slices.ContainsFunc(op.Outputs, func(o dag.Output) bool { return o.Codec != "" }):
		return ""
	}
	return instance
}

// Bare is a step of a node as a process knows it that computes it for another one: with its key and config, without versions.
func Bare(n *Node, key string, config *Config) *Step {
	return &Step{Node: n, work: &work{Config: config}, Key: key}
}
