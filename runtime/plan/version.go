package plan

import (
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// The domains of the encodings. A changed formula is a changed domain, never the same one with another meaning.
const (
	domainCode     = "dagstergen/code/v1"
	domainResource = "dagstergen/resource/v1"
	domainReplaced = "dagstergen/resource-replaced/v1"
	domainValue    = "dagstergen/value/v1"
	domainStep     = "dagstergen/step/v1"
	domainOutput   = "dagstergen/output/v1"
	domainContent  = "dagstergen/content/v1"
	domainData     = "dagstergen/data/v1"
	domainNothing  = "dagstergen/nothing/v1"
	domainProject  = "dagstergen/project/v1"
	domainParts    = "dagstergen/parts/v1"
	domainAppend   = "dagstergen/append/v1"
	domainConcat   = "dagstergen/concat/v1"
	domainSet      = "dagstergen/set/v1"
	domainMake     = "dagstergen/make/v1"
	domainEnv      = "dagstergen/env/v1"
	domainGather   = "dagstergen/partitions/v1"
)

// A Config is the resolved config of an op or a resource.
type Config struct {
	Go        any          // a value of the config type
	Canonical []byte       // canonical JSON of the counted fields: without secrets and what is tagged version:"-"
	Digest    canon.Digest // of the typed encoding of the counted fields
}

// A Hasher computes the versions of steps. It keeps its buffer, so one is for one goroutine.
type Hasher struct {
	enc  *canon.Encoder
	ends []int // where the inputs and deps of the last step end in its encoding
}

// NewHasher returns a Hasher.
func NewHasher() *Hasher { return &Hasher{enc: canon.New(domainStep)} }

// Content returns the content version of a step from the data versions of its inputs, followed by those of its Deps: the truth that a
// record is compared with.
func (h *Hasher) Content(s *Step, data []canon.Digest) canon.Digest {
	return h.step(domainContent, s, data)
}

// step encodes what a step is: with the versions of its inputs it is the cause, with their data versions the truth.
func (h *Hasher) step(domain string, s *Step, inputs []canon.Digest) canon.Digest {
	h.shared(domain, s, inputs)
	encodePartition(h.enc, s.Partition)
	return h.enc.Sum()
}

// shared encodes what the steps of all partitions have in common, but for their inputs.
func (h *Hasher) shared(domain string, s *Step, inputs []canon.Digest) {
	e := h.enc
	e.Reset(domain)
	e.Digest("code", s.code)
	if s.Config == nil {
		e.Nil("config")
	} else {
		e.Digest("config", s.Config.Digest)
	}
	n := len(s.Op.Inputs)
	h.ends = h.ends[:0]
	e.List("inputs", n)
	for i := range s.Op.Inputs {
		e.Digest(s.Op.Inputs[i].Name, inputs[i])
		h.ends = append(h.ends, e.Len())
	}
	e.List("deps", len(inputs)-n)
	for i := n; i < len(inputs); i++ {
		e.Digest(s.Op.Deps[i-n], inputs[i])
		h.ends = append(h.ends, e.Len())
	}
	e.List("resources", len(s.Op.Resources))
	for i := range s.Op.Resources {
		e.Digest(s.Op.Resources[i].Name, s.resources[i])
	}
	environment(e, s.Op.Env, s.env)
}

// environment adds the variables that count. Where none does there is nothing in the encoding, as there was before any could.
func environment(e *canon.Encoder, names []string, values []canon.Digest) {
	if len(names) == 0 {
		return
	}
	e.List("env", len(names))
	for i, name := range names {
		e.Digest(name, values[i])
	}
}

// variable is the digest of an environment variable: of its value, or that it has none.
func (h *Hasher) variable(name, value string, set bool) canon.Digest {
	h.enc.Reset(domainEnv)
	h.enc.String("name", name)
	if set {
		h.enc.String("value", value)
	} else {
		h.enc.Nil("value")
	}
	return h.enc.Sum()
}

// output is the version of an output: what its cause is called.
func (h *Hasher) output(step canon.Digest, name string) canon.Digest {
	h.enc.Reset(domainOutput)
	h.enc.Digest("step", step)
	h.enc.String("name", name)
	return h.enc.Sum()
}

// Nothing returns the data version of a step without outputs: equal content has done equal things.
func (h *Hasher) Nothing(content canon.Digest) canon.Digest {
	h.enc.Reset(domainNothing)
	h.enc.Digest("content", content)
	return h.enc.Sum()
}

// NamedData returns the data version of data that its producer names: the string counts for that output alone, so
// that two producers who both say "2024-01-01" share nothing.
func (h *Hasher) NamedData(identity, output string, v dag.DataVersion) canon.Digest {
	h.enc.Reset(domainData)
	h.enc.String("of", identity)
	h.enc.String("output", output)
	h.enc.String("version", string(v))
	return h.enc.Sum()
}

// value encodes a value that no step gave, and returns its version, which counts its type, and its data version, which is that of an output with
// this value. A file counts by its name and bytes, wherever it stands, and has no encoding.
func (h *Hasher) value(t *dag.Type, v any, encode func(*dag.Type, any) ([]byte, error)) (data []byte, version, truth canon.Digest, err error) {
	if f, ok := v.(dag.File); ok {
		return nil, f.Version(), f.Version(), nil
	}
	if data, err = encode(t, v); err != nil {
		return nil, canon.Digest{}, canon.Digest{}, err
	}
	shape := typeShape(t)
	h.enc.Reset(domainValue)
	h.enc.String("type", t.Name)
	h.enc.Digest("shape", shape)
	h.enc.Bytes("value", data)
	return data, h.enc.Sum(), canon.Sum(data), nil
}

// A code is the code version of an op or a resource, as text for people and as it counts.
type code struct {
	text   string
	digest canon.Digest
}

// opCode is the code version of an op: version= wins, then the strategy. A source hash says by itself which function it is of; any
// other text is a claim about one symbol and counts with it, so that two ops with version="1" share nothing.
func opCode(h *Hasher, info *opInfo, text string) code {
	e := h.enc
	e.Reset(domainCode)
	claim(e, info.op.Symbol, info.hash, text)
	e.Digest("shape", info.shape)
	e.Bool("volatile", info.op.Volatile) // a record of a volatile step must not become a hit when the directive goes
	return code{text, e.Sum()}
}

func claim(e *canon.Encoder, symbol, hash, text string) {
	if text == hash {
		e.Nil("symbol")
	} else {
		e.String("symbol", symbol)
	}
	e.String("code", text)
}

// opText asks version=, then the strategies, for the code version of an op.
func opText(info *opInfo, job dag.VersionStrategy, config any) (text string, err error) {
	op := info.op
	if op.Version != "" {
		return op.Version, nil
	}
	strategy := op.Strategy
	if strategy == nil {
		strategy = job
	}
	if strategy == nil {
		if info.hash == "" {
			return "", fmt.Errorf("%s %q (%s) has no version in the manifest of %s; run `go generate ./...` again", op.Kind, op.Key, op.Symbol, info.pkg.definitions.Package)
		}
		return info.hash, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the version strategy of %s %q panicked: %w", op.Kind, op.Key, strategyError(op.Key, p))
		}
	}()
	text, err = strategy.OpVersion(dag.OpVersionContext{Op: op, Config: config, CodeVersion: info.hash})
	switch {
	case err != nil:
		return "", fmt.Errorf("the version strategy of %s %q failed: %w", op.Kind, op.Key, strategyError(op.Key, err))
	case text == "":
		return "", fmt.Errorf("the version strategy gave %s %q an empty version; return one, or give the op version=", op.Kind, op.Key)
	}
	return text, nil
}

// strategyError is what a version strategy returned, or panicked with.
func strategyError(key string, v any) *dag.UserCodeError {
	err, ok := v.(error)
	if !ok {
		err = fmt.Errorf("%v", v)
	}
	return &dag.UserCodeError{Where: "strategy", Name: key, Err: err}
}

// resourceText is opText for a resource.
func resourceText(info *resourceInfo, strategy dag.VersionStrategy, config any) (text string, err error) {
	r := info.resource
	if r.Version != "" {
		return r.Version, nil
	}
	own, ok := strategy.(dag.ResourceVersionStrategy)
	if !ok {
		if info.hash == "" {
			return "", fmt.Errorf("resource %q (%s) has no version in the manifest of %s; run `go generate ./...` again", r.Key, r.Symbol, info.pkg.definitions.Package)
		}
		return info.hash, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the version strategy panicked for resource %q: %w", r.Key, strategyError(r.Key, p))
		}
	}()
	text, err = own.ResourceVersion(dag.ResourceVersionContext{Resource: r, Config: config, CodeVersion: info.hash})
	switch {
	case err != nil:
		return "", fmt.Errorf("the version strategy failed for resource %q: %w", r.Key, strategyError(r.Key, err))
	case text == "":
		return "", fmt.Errorf("the version strategy gave resource %q an empty version; return one, or give the resource version=", r.Key)
	}
	return text, nil
}

// A ResourceVersion is a resource as a step sees it.
type ResourceVersion struct {
	Resource *dag.Resource
	Code     string
	Config   *Config
	Version  canon.Digest
	Env      map[string]string // environment variables that counted, by the digests of their values
	Replaced bool              // it, or a resource it takes, is a value given from outside: its version is not known
}

// resourceVersion computes the version of one resource; those it takes are in done.
func resourceVersion(h *Hasher, info *resourceInfo, strategy dag.VersionStrategy, config *Config, env []canon.Digest, done map[string]*ResourceVersion) (*ResourceVersion, error) {
	r := info.resource
	var goConfig any
	if config != nil {
		goConfig = config.Go
	}
	text, err := resourceText(info, strategy, goConfig)
	if err != nil {
		return nil, err
	}
	v := &ResourceVersion{Resource: r, Code: text, Config: config, Env: envTexts(r.Env, env)}
	e := h.enc
	e.Reset(domainResource)
	claim(e, r.Symbol, info.hash, text)
	if config == nil {
		e.Nil("config")
	} else {
		e.Digest("config", config.Digest)
	}
	e.List("resources", len(r.Resources))
	for _, u := range r.Resources {
		e.Digest(u.Name, done[u.Key].Version)
		v.Replaced = v.Replaced || done[u.Key].Replaced
	}
	environment(e, r.Env, env)
	v.Version = e.Sum()
	return v, nil
}

// replacedVersion stands for a resource whose value was given from outside.
func replacedVersion(h *Hasher, r *dag.Resource) *ResourceVersion {
	h.enc.Reset(domainReplaced)
	h.enc.String("resource", r.Key)
	return &ResourceVersion{Resource: r, Code: "replaced", Version: h.enc.Sum(), Replaced: true}
}
