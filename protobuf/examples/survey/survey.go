// Command survey hands protocol buffers from asset to asset: messages as they come from other programs, stored in their wire format.
//
//	go run . materialize
//	go run . assets get survey
//	protoc --decode=google.protobuf.Struct google/protobuf/struct.proto <.dagstergen/assets/survey/survey.pb
//
// The messages are of the types that every program with protocol buffers has; those of your own .proto files go the same way.
package main

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	_ "github.com/dagstergen/dagstergen/protobuf"
	"github.com/dagstergen/dagstergen/runtime/cli"
)

//go:generate go tool dagstergen

func main() { cli.Main(Definitions) }

// Survey is what people answered: a message is a result like any other.
//
//dag:asset codec=protobuf
func Survey() (*structpb.Struct, error) {
	return structpb.NewStruct(map[string]any{
		"question": "How long did it take?",
		"answers":  map[string]any{"Ada": 90, "Bo": 45, "Cleo": 75, "Dan": 30},
	})
}

// Answer is what one of them said; messages are a part of other values, too.
type Answer struct {
	Name string
	Took *durationpb.Duration
}

// Answers are sorted by name.
//
//dag:asset
func Answers(survey *structpb.Struct) []Answer {
	var out []Answer
	for name, took := range survey.GetFields()["answers"].GetStructValue().GetFields() {
		out = append(out, Answer{name, durationpb.New(time.Duration(took.GetNumberValue()) * time.Minute)})
	}
	slices.SortFunc(out, func(a, b Answer) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Longest is the longest that it took anybody.
//
//dag:asset codec=protobuf
func Longest(answers []Answer) *durationpb.Duration {
	most := &durationpb.Duration{}
	for _, a := range answers {
		if a.Took.AsDuration() > most.AsDuration() {
			most = a.Took
		}
	}
	return most
}
