package execute

import (
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The words between a process and the child that computes steps for it: references go in, events come out. A child gets one RunRef, then
// StepRefs, one at a time; it answers the first with READY or a failure. It loads the inputs of a step and says STEP_START or a failure; when it is told to go it says
// the events of that step, the last of which is STEP_SUCCESS or STEP_FAILURE. Nothing of it is kept: both sides are always the same program.

// stepService is what a child is asked to be, see subprocess.
const stepService = "steps"

// A stepRequest is what a child is sent: a run, a step to load, the word to go for the step that is loaded (or both at once), or that no more will come.
type stepRequest struct {
	Run  *runRef  `json:"run,omitempty"`
	Step *stepRef `json:"step,omitempty"`
	Go   *goRef   `json:"go,omitempty"`
	End  bool     `json:"end,omitempty"`
}

// A runRef says which run the steps that follow belong to: all that a step needs beside its inputs. It may hold secrets.
type runRef struct {
	Definitions string `json:"definitions"` // digest: a child with others refuses
	RunID       string `json:"run_id"`
	Job         string `json:"job"` // empty for assets
	Selection   string `json:"selection"`

	Config      []byte             `json:"config"`      // the run config as given, see runconfig.Document.MarshalBinary
	Environment map[string]*string `json:"environment"` // what its env: values are; null for a variable that is not set
	Given       map[string][]byte  `json:"given"`       // parameters with a value from elsewhere: the JSON of a config, null for data

	IO *instanceIO `json:"io,omitempty"` // the IO manager of the instance; nil for its own store

	Folder string `json:"folder"` // for its files; it exists, and the child may put there what it likes
	Listen bool   `json:"listen"` // somebody reads what steps log and what happens to resources
	Debug  bool   `json:"debug"`  // debug lines too
	Mark   string `json:"mark"`   // what it prints before and after each step, with a number; empty for nothing
	Seal   []byte `json:"seal"`   // the key of what it prints of secrets that it makes
	Zone   string `json:"zone"`   // what TZ says, and how far east that is, where the child's system does not know it
	Offset int    `json:"offset"` // in seconds
}

// A stepRef says which step to compute, from which values.
type stepRef struct {
	Key    string     `json:"key"`
	Node   string     `json:"node"` // where its op is called: the key without those of elements
	Inputs []inputRef `json:"inputs"`

	Partition *dag.Partition `json:"partition,omitempty"` // what it is computed for
	// Known are the data versions that the outputs are expected to have, or what the step is expected to say; "" for none. What differs from that is kept in Folder to be looked at.
	Known []string `json:"known,omitempty"`
}

// A goRef says to compute the step that is loaded.
type goRef struct {
	Info dag.StepInfo `json:"info"`
	// Give says that the outputs are wanted: small ones with the event, others in a file. Otherwise only those are kept that are not what they are known to be.
	Give     bool          `json:"give,omitempty"`
	Number   int           `json:"number,omitempty"`   // of the mark before the step; the next one stands after it
	Limit    time.Duration `json:"limit,omitempty"`    // how long it may take; 0 for ever
	Versions []string      `json:"versions,omitempty"` // of the outputs, for an IO manager of the user's; "" for none
	Parts    []partRef     `json:"parts,omitempty"`    // of a step that is one of the assets of its function: those that are asked for; none for that one alone
}

// A partRef is an asset that a function is asked for.
type partRef struct {
	Output  string `json:"output"`
	Node    string `json:"node"` // of its step
	Key     string `json:"key"`  // likewise
	Version string `json:"version,omitempty"`
}

// An inputRef is the value of an input: exactly one field is set, none for no partitions.
type inputRef struct {
	Partitions []partitionRef `json:"partitions,omitempty"` // of an input that takes several
	Data       []byte         `json:"data,omitempty"`       // its encoding
	Object     *fileRef       `json:"object,omitempty"`     // a file with its encoding
	File       *fileRef       `json:"file,omitempty"`       // a dag.File
	Stored     *storedRef     `json:"stored,omitempty"`     // what an IO manager of the user's has
}

// A partitionRef is one of the partitions that an input takes.
type partitionRef struct {
	Key   dag.PartitionKey `json:"key"`
	Value inputRef         `json:"value"`
}

// gather makes references of the partitions that an input takes.
func gather(keys []dag.PartitionKey, refer func(i int) (inputRef, error)) (inputRef, error) {
	out := inputRef{Partitions: make([]partitionRef, len(keys))}
	for i, key := range keys {
		ref, err := refer(i)
		if err != nil {
			return inputRef{}, fmt.Errorf("partition %s: %w", key, err)
		}
		out.Partitions[i] = partitionRef{key, ref}
	}
	return out, nil
}

// A storedRef is an output that an IO manager of the user's stored.
type storedRef struct {
	Node      string         `json:"node"`                // of the step that gave it
	Key       string         `json:"key"`                 // of that step
	Partition *dag.Partition `json:"partition,omitempty"` // likewise
	IO        string         `json:"io"`
	Name      string         `json:"name"`
	RunID     string         `json:"run_id"`
	Version   string         `json:"version,omitempty"`
	Step      string         `json:"step,omitempty"`
}

// A fileRef names a file.
type fileRef struct {
	Path   string `json:"path"`
	Name   string `json:"name,omitempty"`  // of a dag.File; empty for one that is none
	Codec  string `json:"codec,omitempty"` // of an encoding
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
}

// What only children say.
const (
	eventReady    storage.EventType = "READY"    // it could prepare a run, or has cleaned up
	eventResource storage.EventType = "RESOURCE" // something happened to a resource
)

// eventNoted is what a child says of an asset that is no output of the step.
const eventNoted storage.EventType = "ASSET"

// eventCheck is what a child says of a value that said itself whether it is right.
const eventCheck storage.EventType = "TYPE_CHECK"

// A stepEvent is what a child says.
type stepEvent struct {
	Type storage.EventType `json:"type"`

	// Of STEP_OUTPUT:
	Output      string              `json:"output,omitempty"`
	DataVersion string              `json:"data_version,omitempty"`
	Said        string              `json:"said,omitempty"` // the data version that the step said
	Size        int64               `json:"size,omitempty"`
	File        *fileRef            `json:"file,omitempty"`   // of a dag.File
	Kept        string              `json:"kept,omitempty"`   // path of its encoding, where that is asked for as it is
	Data        []byte              `json:"data,omitempty"`   // its encoding
	Object      *fileRef            `json:"object,omitempty"` // a file with its encoding, packed
	Stored      bool                `json:"stored,omitempty"` // an IO manager of the user's has it
	Metadata    []dag.MetadataEntry `json:"metadata,omitempty"`

	// Of STEP_SUCCESS and STEP_FAILURE:
	Seconds float64    `json:"seconds,omitempty"`
	Where   string     `json:"where,omitempty"`
	Err     *wireError `json:"error,omitempty"`
	Lost    *int       `json:"lost,omitempty"` // the input whose stored bytes are gone or damaged

	// Of LOG:
	Line *lineRef `json:"line,omitempty"`

	// Of RESOURCE_INIT_STARTED and the like:
	Resource string        `json:"resource,omitempty"`
	Phase    resourcePhase `json:"phase,omitempty"`

	Check       *dag.TypeCheck   `json:"check,omitempty"` // of a value: of output Of where Output says so, else of input Of
	Of          int              `json:"of,omitempty"`
	Expectation *dag.Expectation `json:"expectation,omitempty"` // of STEP_EXPECTATION_RESULT
	Noted       *dag.LoggedAsset `json:"noted,omitempty"`       // of an asset that the body says something of
}

// text is what a failure says.
func (e *stepEvent) text() string {
	err, _ := e.Err.fromWire()
	return err.Error()
}

// definitionsDigest tells one set of definitions from another.
func definitionsDigest(cat *plan.Catalog) string {
	e := canon.New("dagstergen/definitions/v1")
	defs := cat.Definitions()
	e.List("packages", len(defs))
	for i := range defs {
		d := &defs[i]
		e.String("package", d.Package)
		e.String("manifest", d.Manifest)
		e.List("ops", len(d.Ops))
		for _, op := range d.Ops {
			e.String(op.Key, op.Symbol)
		}
		e.List("jobs", len(d.Jobs))
		for _, j := range d.Jobs {
			e.String(j.Key, j.Symbol)
			nodes := cat.JobNodes(j)
			e.List("nodes", len(nodes))
			for k := range nodes {
				e.String(nodes[k].Key, nodes[k].Op.Symbol)
			}
		}
	}
	return e.Sum().String()
}

// refOf makes a reference of a value of t.
func refOf(t *dag.Type, v any) (inputRef, error) {
	if f, ok := v.(dag.File); ok {
		return inputRef{File: refOfFile(f)}, nil
	}
	data, err := codec.Encode(t, v)
	return inputRef{Data: data}, err
}

func refOfFile(f dag.File) *fileRef {
	return &fileRef{Path: f.Path(), Name: f.Name(), Size: f.Size(), Digest: f.Digest().String()}
}

// file is the dag.File that a reference was made of.
func (r *fileRef) file() (dag.File, error) {
	if r.Name == "" {
		return dag.File{}, nil
	}
	d, err := canon.ParseDigest(r.Digest)
	return dag.NewFile(r.Path, r.Name, r.Size, d), err
}

// value is what a reference was made of.
func (r *inputRef) value(t *dag.Type) (any, error) {
	switch {
	case r.File != nil:
		return r.File.file()
	case r.Object == nil:
		return codec.Decode(t, r.Data)
	}
	d, err := canon.ParseDigest(r.Object.Digest)
	if err != nil {
		return nil, err
	}
	data, err := iomanager.Object{Path: r.Object.Path, Codec: r.Object.Codec, Size: r.Object.Size, Digest: d}.Read()
	if err != nil {
		return nil, err
	}
	v, err := codec.Decode(t, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Object.Path, err)
	}
	return v, nil
}
