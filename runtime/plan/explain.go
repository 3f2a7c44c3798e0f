package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// typesChanged is the reason where no other is found.
const typesChanged = "the type of an input or output changed, or it was volatile"

// maxCauses bounds how many causes of one kind a step lists; the last line counts the rest.
const maxCauses = 5

// explain gives every step that is not reused its reasons: how it differs from the newest record of the same identity.
func (b *builder) explain() error {
	if err := b.latest(); err != nil {
		return err
	}
	for part := range slices.Chunk(b.batch, explainedAtOnce) {
		b.fetchManifests(part)
		for _, s := range part {
			switch {
			case s.Action == Reuse || s.Action == Skip || s.Hidden:
			case s.source():
				b.explainSource(s)
			default:
				b.explainStep(s)
			}
		}
	}
	b.was = nil
	return nil
}

// latest fetches what the reasons compare with, in one batch, and which reused records are the newest of an identity that is not theirs.
func (b *builder) latest() error {
	if b.look == nil {
		return nil
	}
	var steps []*Step
	for _, s := range b.batch {
		if !s.source() && !s.Hidden && s.Action != Skip && (s.Action != Reuse || s.Record.Identity != s.Identity) {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	latest, err := b.newest(steps)
	if err != nil {
		return err
	}
	for _, s := range steps {
		rec := latest[s.Identity]
		switch {
		case s.Action != Reuse:
			s.Latest = newestOf(s, latest)
		case rec == nil: // it is noted under this key, too, where it is known under an earlier one
		case !s.fresh && sameData(s.Record, rec):
			s.Note = false // shared with another job or asset, and noted before
		}
	}
	return nil
}

// sameData reports whether two records stand for equal outputs.
func sameData(a, b *storage.Record) bool {
	return a.ID == b.ID || a.Content == b.Content && slices.EqualFunc(a.Outputs, b.Outputs, func(x, y storage.Output) bool {
		return x.Name == y.Name && x.DataVersion == y.DataVersion
	})
}

func (b *builder) explainSource(s *Step) {
	switch {
	case s.Observed.Err != nil:
		s.because(ReasonSource, "it could not be observed: %v", s.Observed.Err)
	case !b.memo:
		s.because(ReasonNoMemo, "%s", b.off)
	case s.Latest == nil:
		s.because(ReasonNever, "never observed")
	default:
		s.because(ReasonSource, "its data changed: now %s", s.Observed.Text)
	}
}

func (b *builder) explainStep(s *Step) {
	if s.problem != nil {
		s.Reasons = append(s.Reasons, s.problem...)
		return
	}
	if s.hopeless {
		return
	}
	if s.Latest == nil && !s.Force {
		// What runs above it adds nothing: there is nothing that could spare it.
		s.Reasons = neverMaterialized
		if b.plan.Job != "" || s.Op.Check != nil {
			s.Reasons = neverRun
		}
		return
	}
	if s.Latest != nil {
		b.compare(s, s.Latest, true)
	}
	if s.Action == Maybe {
		b.above(s)
		b.awaited(s)
	}
	if len(s.Reasons) == 0 {
		// Every part of the content has been compared but the layout of types, which a record does not spell out.
		s.because(ReasonTypes, typesChanged)
	}
}

// Shared by all steps of a first run.
var (
	neverMaterialized = []Reason{{ReasonNever, "never materialized"}}
	neverRun          = []Reason{{ReasonNever, "never run"}}
)

// above says which steps right above s are undecided or run, each node once.
func (b *builder) above(s *Step) {
	var seen []int32
	b.plan.flow.leaves(s, func(up *Step, r *region) bool {
		place, key, verb := int32(-1), "", ""
		switch {
		case r != nil:
			site := &r.frame.sc.sites[r.site]
			key, verb = r.frame.prefix+site.node.Key+r.frame.suffix, "is not known yet"
			place = ^site.lo
		case up.Observed != nil:
			verb = "could not be observed"
			if up.Observed.Err == nil {
				return true
			}
		case up.Action == Maybe:
			verb = "may run"
		case up.Action == Run:
			verb = "runs"
		default:
			return true
		}
		if up != nil {
			place, key = up.Place, up.Key
		}
		if !slices.Contains(seen, place) {
			seen = append(seen, place)
			s.because(ReasonUpstream, "upstream %q %s", key, verb)
		}
		return len(seen) < maxCauses
	})
}

// leaves calls yield with the steps that the inputs of s are made from, and with the regions that are not expanded, as long as it returns true.
func (f *flow) leaves(s *Step, yield func(up *Step, r *region) bool) {
	var stack []Ref
	seen := map[Vertex]bool{}
	for k := len(s.Versions) - 1; k >= 0; k-- {
		stack = append(stack, s.ref(k))
	}
	for len(stack) > 0 {
		r := f.follow(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		if r.none() || seen[r.From] {
			continue
		}
		seen[r.From] = true
		if r.From >= 0 {
			if !yield(f.step(r.From), nil) {
				return
			}
			continue
		}
		v := f.value(r.From)
		if v.kind == valueCell {
			if !yield(nil, f.region(v.region)) {
				return
			}
			continue
		}
		for k := len(v.parts) - 1; k >= 0; k-- {
			stack = append(stack, v.parts[k])
		}
	}
}

func (s *Step) because(code, format string, args ...any) {
	s.Reasons = append(s.Reasons, Reason{code, fmt.Sprintf(format, args...)})
}

// compare lists how s differs from the newest record of its identity, its inputs aside where they are not asked for.
func (b *builder) compare(s *Step, was *storage.Record, inputs bool) {
	if was.Code != s.Code {
		old := func() *manifest.Manifest { return b.manifest(was.Manifest) }
		now := func() *manifest.Manifest { return s.info.pkg.closures.of(s.Op.Symbol) }
		if was.Symbol != s.Op.Symbol {
			s.because(ReasonCode, "computed by %s now, by %s before", short(s.Op.Symbol), short(was.Symbol))
		} else {
			b.because(s, ReasonCode, b.codeCauses(old, now, s.Op.Symbol, was.Code, s.Code, s.info.hash))
		}
	}
	var config []byte
	if s.Config != nil {
		config = s.Config.Canonical
	}
	b.because(s, ReasonConfig, configCauses("config", was.Config, config))
	b.because(s, ReasonEnv, b.envCauses(was.Env, s.Env()))
	b.compareResources(s, was)
	if inputs {
		b.compareInputs(s, was)
	}
	for i := range s.Op.Outputs {
		out := OutputOf(was, s.Op.Outputs[i].Name)
		if out == nil {
			s.because(ReasonTypes, "output %s is new", s.Op.Outputs[i].Name)
		}
	}
}

// because adds causes of one kind, at most maxCauses of them and a count of the rest.
func (b *builder) because(s *Step, code string, causes []string) {
	for i, c := range causes {
		if i == maxCauses {
			s.because(code, "and %d more", len(causes)-i)
			return
		}
		s.because(code, "%s", c)
	}
}

// explainedAtOnce is for how many steps stored manifests are read in one go: all that were changed may be more than fits into memory.
const explainedAtOnce = 500

// A storedManifest is one that was made with a record, read when it is asked for.
type storedManifest struct {
	text []byte // until it is read
	m    *manifest.Manifest
}

// fetchManifests gets the manifests that the steps are compared with, in one batch. What cannot be read explains nothing, no more.
func (b *builder) fetchManifests(steps []*Step) {
	before := b.was
	b.was = map[canon.Digest]*storedManifest{}
	var digests []canon.Digest
	need := func(d canon.Digest) {
		if _, known := b.was[d]; d.IsZero() || known {
			return
		}
		if b.was[d] = before[d]; b.was[d] == nil { // of a helper or a resource that many share it is there already
			b.was[d] = &storedManifest{}
			digests = append(digests, d)
		}
	}
	for _, s := range steps {
		was := s.Latest
		if was == nil || s.Action == Reuse || s.source() || s.Hidden || s.problem != nil {
			continue
		}
		if was.Code != s.Code {
			need(was.Manifest)
		}
		for i := range was.Reached {
			need(was.Reached[i].Manifest)
		}
	}
	if len(digests) == 0 {
		return
	}
	found, err := b.look.Manifests(b.ctx, digests)
	if err != nil {
		return
	}
	for d, text := range found {
		b.was[d].text = text
	}
}

// manifest returns a stored code manifest, or nil.
func (b *builder) manifest(d canon.Digest) *manifest.Manifest {
	s := b.was[d]
	if s == nil {
		return nil
	}
	if s.text != nil {
		s.m, _ = manifest.Parse(string(s.text))
		s.text = nil
	}
	return s.m
}

// codeCauses says why a code version differs: which functions changed, where both versions are source hashes.
func (b *builder) codeCauses(stored, now func() *manifest.Manifest, symbol, was, is, hash string) []string {
	if is != hash || !strings.HasPrefix(was, "sha256:") {
		return []string{fmt.Sprintf("code version: %s → %s", clip(was), clip(is))}
	}
	old := stored()
	if old == nil {
		return []string{short(symbol) + " or something it reaches changed"}
	}
	m := now()
	if old.Mode != m.Mode {
		return []string{fmt.Sprintf("versions are computed in mode %s now, in mode %s before", m.Mode, old.Mode)}
	}
	var texts []string
	for _, c := range manifest.Diff(old, m, symbol) {
		texts = append(texts, b.causeText(c))
	}
	return texts
}

// short leaves the import path out of a symbol: "example.com/m/weather.(*Client).Fetch" is "weather.(*Client).Fetch".
func short(symbol string) string {
	return symbol[strings.LastIndexByte(symbol, '/')+1:]
}

func clip(s string) string {
	if hash, ok := strings.CutPrefix(s, "sha256:"); ok && len(hash) > 12 {
		return hash[:12]
	}
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:57], "") + "..."
	}
	return s
}

// configCauses names the fields that differ between two canonical JSON documents. What is no object is compared as a whole.
func configCauses(path string, was, is []byte) []string {
	if bytes.Equal(was, is) {
		return nil
	}
	old, okOld := object(was)
	now, okNow := object(is)
	if !okOld || !okNow {
		switch {
		case len(was) == 0:
			return []string{path + ": none → " + clip(string(is))}
		case len(is) == 0:
			return []string{path + ": " + clip(string(was)) + " → none"}
		}
		return []string{path + ": " + clip(string(was)) + " → " + clip(string(is))}
	}
	keys := slices.Collect(maps.Keys(old))
	for k := range now {
		if _, both := old[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var causes []string
	for _, k := range keys {
		causes = append(causes, configCauses(path+"."+k, old[k], now[k])...)
	}
	return causes
}

func object(b []byte) (m map[string]json.RawMessage, ok bool) {
	if t := bytes.TrimSpace(b); len(t) == 0 || t[0] != '{' {
		return nil, false
	}
	return m, json.Unmarshal(b, &m) == nil
}

func (b *builder) compareResources(s *Step, was *storage.Record) {
	changed := len(was.Resources) != len(s.Op.Resources)
	for i, u := range s.Op.Resources {
		changed = changed || was.Resources[u.Name] != s.resources[i].String()
	}
	if !changed {
		return
	}
	old := map[string]*storage.ResourceState{}
	for i := range was.Reached {
		old[was.Reached[i].Key] = &was.Reached[i]
	}
	said := len(s.Reasons)
	for _, r := range s.reached {
		key := r.Resource.Key
		o := old[key]
		delete(old, key)
		if o == nil {
			s.because(ReasonResource, "resource %s is new", key)
			continue
		}
		if o.Code != r.Code {
			info := b.Target.resourceByKey[key]
			now := func() *manifest.Manifest { return info.pkg.closures.of(r.Resource.Symbol) }
			b.because(s, ReasonResource, prefixed("resource "+key+": ", b.codeCauses(func() *manifest.Manifest { return b.manifest(o.Manifest) }, now, r.Resource.Symbol, o.Code, r.Code, info.hash)))
		}
		var config []byte
		if r.Config != nil {
			config = r.Config.Canonical
		}
		b.because(s, ReasonResource, prefixed("resource "+key+": ", configCauses("config", o.Config, config)))
		b.because(s, ReasonResource, prefixed("resource "+key+": ", b.envCauses(o.Env, r.Env)))
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		s.because(ReasonResource, "resource %s is not needed any more", key)
	}
	if len(s.Reasons) == said {
		s.because(ReasonResource, "its resources are wired differently")
	}
}

func prefixed(prefix string, texts []string) []string {
	for i := range texts {
		texts[i] = prefix + texts[i]
	}
	return texts
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%q", s)
}

// InputName returns the name of entry k of Versions and Data: of an input, or "after KEY" for a dep.
func (s *Step) InputName(k int) string {
	if k < len(s.Inputs) {
		return s.Op.Inputs[k].Name
	}
	return "after " + s.Op.Deps[k-len(s.Inputs)]
}

// InputFrom returns the asset or step that entry k of Versions and Data comes from, or the steps that it is made from; "" for a value.
func (s *Step) InputFrom(p *Plan, k int) string {
	r := p.flow.follow(s.ref(k))
	if r.From < 0 {
		if v := p.flow.value(r.From); v.kind == valueGather {
			return v.bind.Name
		}
		if k < len(s.from) {
			return s.from[k]
		}
		return ""
	}
	up := p.flow.step(r.From)
	if p.Target.Job == nil && r.Out >= 0 {
		return assetKey(up.Op, &up.Op.Outputs[r.Out])
	}
	return up.Key
}
