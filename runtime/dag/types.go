package dag

import "reflect"

// A Type is a data type that can be stored and read back exactly; the generator has checked that.
type Type struct {
	Name      string       // canonical and unique: "[]example.com/weather.Observation"
	Go        reflect.Type // what values of it have
	Immutable bool         // deeply immutable and unchanged by a round trip: may go on in memory undecoded

	check  uint8      // how its values are asked whether they are right
	stream *stream    // nil for what is no stream
	gather *gathering // nil for what is no parameter that takes several partitions
}

// TypeOf returns the Type of T under its canonical name.
func TypeOf[T any](name string) *Type {
	t := reflect.TypeFor[T]()
	return &Type{Name: name, Go: t, check: checkOf(t)}
}

// ImmutableOf is [TypeOf] for a type whose values may be handed on without a copy.
func ImmutableOf[T any](name string) *Type {
	t := TypeOf[T](name)
	t.Immutable = true
	return t
}

// An AssetRef names an asset together with its Go type, so that a result can be read without a type assertion.
// Generated code declares one for every asset: MonthlyMeansAsset.
type AssetRef[T any] struct{ Key string }

// A Job is a job with the Go types of its inputs and outputs. Generated code declares one for every job: NightlyJob.
type Job[In, Out any] struct {
	Definitions *Definitions
	Def         *JobDef
	Inputs      func(In) []any  // one value for each of Def.Params
	Outputs     func([]any) Out // from one value for each of Def.Outputs
}
