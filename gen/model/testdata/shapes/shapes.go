// Package shapes has types of all shapes, for a test that compares what the generator lets through with what the codec of the runtime stores.
package shapes

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"image"
	"image/color"
	"log/slog"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

type (
	Bool       bool
	Ints       []int32
	Bytes      []byte
	Array      [3]string
	Complex    = []complex64
	Address    = uintptr
	Floats     = map[string]float32
	Nested     = map[string][]map[Bool][2]*[]int
	Pointers   = ***int
	Empty      = struct{}
	Func       = func()
	Funcs      = map[string][]func()
	Chan       = <-chan int
	Any        = any
	Anys       = []any
	Error      = error
	Errors     = struct{ Err error }
	Stringer   interface{ String() string }
	JSON       = json.RawMessage
	Duration   = time.Duration
	Time       = time.Time
	Times      = []*time.Time
	Month      = time.Month
	Level      = slog.Level
	BigInt     = big.Int
	BigInts    = []*big.Int
	BigRat     = *big.Rat
	BigFloat   = big.Float
	Addr       = netip.Addr
	Prefix     = netip.Prefix
	URL        = *url.URL
	Values     = url.Values
	Regexp     = *regexp.Regexp
	Buffer     = bytes.Buffer
	Mutex      = sync.Mutex
	Atomic     = atomic.Int64
	DB         = *sql.DB
	NullInt    = sql.NullInt64
	Image      = image.Image
	Images     = map[string][]image.Image
	Palette    = color.Palette
	Paletted   = *image.Paletted
	Model      = color.Model
	FileInside = struct{ F dag.File }
	Files      = []dag.File
	Secret     = dag.Secret
	Metadata   = dag.MetadataEntry
	Version    = dag.DataVersion

	Plain  struct{ A, B int }
	Tagged struct {
		A int `json:"-"`
		B int `json:"a,omitempty" cbor:"-"`
	}
	Hidden struct{ A, b int }
	Deep   struct {
		Rows []struct{ Cells map[string]Hidden }
	}
	Blank struct {
		A int
		_ func()
	}
	Recursive struct {
		Next  *Recursive
		Kids  []Recursive
		ByKey map[string]Recursive
	}
	Endless    []Endless
	Mutual     struct{ Other *Mutual2 }
	Mutual2    struct{ Other []Mutual }
	BadMutual  struct{ Other *BadMutual2 }
	BadMutual2 struct {
		Other []BadMutual
		F     func()
	}
	embedded     struct{ E int }
	badEmbedded  struct{ e int }
	Embeds       struct{ embedded }
	EmbedsBad    struct{ badEmbedded }
	EmbedsPublic struct {
		Plain
		*Recursive
		time.Month
	}
	EmbedsPointer struct{ *embedded }
	EmbedsInt     struct{ kind }
	kind          int
	Stamp         struct {
		time.Time
		Name string
	}
	Generic[T any] struct{ Value T }
	GenericInt     = Generic[int]
	GenericFunc    = Generic[func()]

	TextPair   struct{ t string }
	BinaryPair struct{ b []byte }
	HalfPair   struct{ b []byte }
	WrongPair  struct{ b []byte }
	Holder     struct {
		T TextPair
		B *BinaryPair
		M map[string]TextPair
	}
	// The marshaller is what makes it storable, though a part of it is not.
	Rescued struct {
		bad badEmbedded
		f   func()
	}
	AfterRescue struct {
		R Rescued
		B badParts
	}
	badParts   struct{ x int }
	Interfaces struct{ S Stringer }
	FuncType   func()
	FuncPair   func()

	KeyBool   = map[bool]int
	KeyStruct = map[Plain]int
	KeyArray  = map[[2]Month]int

	// The generator refuses these, although the codec has bytes for them.
	StrictKeyFloat   = map[float64]int
	StrictKeyComplex = map[[1]complex128]int
	StrictKeyTime    = map[time.Time]int
	StrictKeyPointer = map[*int]int
	StrictKeyAddr    = map[netip.Addr]int
	StrictKeyDeep    = []map[struct{ P *int }]int
	StrictPromoted   struct {
		TextPair
		Lost int
		Fn   func()
	}
)

func (t TextPair) MarshalText() ([]byte, error)      { return []byte(t.t), nil }
func (t *TextPair) UnmarshalText(b []byte) error     { t.t = string(b); return nil }
func (p *BinaryPair) MarshalBinary() ([]byte, error) { return p.b, nil }
func (p *BinaryPair) UnmarshalBinary(b []byte) error { p.b = b; return nil }
func (HalfPair) MarshalBinary() ([]byte, error)      { return nil, nil }
func (WrongPair) MarshalBinary() []byte              { return nil }
func (*WrongPair) UnmarshalBinary(b []byte) error    { return nil }
func (Rescued) MarshalBinary() ([]byte, error)       { return nil, nil }
func (*Rescued) UnmarshalBinary(b []byte) error      { return nil }
func (FuncPair) MarshalText() ([]byte, error)        { return nil, nil }
func (*FuncPair) UnmarshalText(b []byte) error       { return nil }

// All are the types by their names.
var All = map[string]reflect.Type{}

func add[T any](name string) { All[name] = reflect.TypeFor[T]() }

func init() {
	add[Bool]("Bool")
	add[Ints]("Ints")
	add[Image]("Image")
	add[Images]("Images")
	add[Palette]("Palette")
	add[Paletted]("Paletted")
	add[Model]("Model")
	add[Bytes]("Bytes")
	add[Array]("Array")
	add[Complex]("Complex")
	add[Address]("Address")
	add[Floats]("Floats")
	add[Nested]("Nested")
	add[Pointers]("Pointers")
	add[Empty]("Empty")
	add[Func]("Func")
	add[Funcs]("Funcs")
	add[Chan]("Chan")
	add[Any]("Any")
	add[Anys]("Anys")
	add[Error]("Error")
	add[Errors]("Errors")
	add[Stringer]("Stringer")
	add[JSON]("JSON")
	add[Duration]("Duration")
	add[Time]("Time")
	add[Times]("Times")
	add[Month]("Month")
	add[Level]("Level")
	add[BigInt]("BigInt")
	add[BigInts]("BigInts")
	add[BigRat]("BigRat")
	add[BigFloat]("BigFloat")
	add[Addr]("Addr")
	add[Prefix]("Prefix")
	add[URL]("URL")
	add[Values]("Values")
	add[Regexp]("Regexp")
	add[Buffer]("Buffer")
	add[Mutex]("Mutex")
	add[Atomic]("Atomic")
	add[DB]("DB")
	add[NullInt]("NullInt")
	add[FileInside]("FileInside")
	add[Files]("Files")
	add[Secret]("Secret")
	add[Metadata]("Metadata")
	add[Version]("Version")
	add[Plain]("Plain")
	add[Tagged]("Tagged")
	add[Hidden]("Hidden")
	add[Deep]("Deep")
	add[Blank]("Blank")
	add[Recursive]("Recursive")
	add[Endless]("Endless")
	add[Mutual]("Mutual")
	add[Mutual2]("Mutual2")
	add[BadMutual]("BadMutual")
	add[BadMutual2]("BadMutual2")
	add[Embeds]("Embeds")
	add[EmbedsBad]("EmbedsBad")
	add[EmbedsPublic]("EmbedsPublic")
	add[EmbedsPointer]("EmbedsPointer")
	add[EmbedsInt]("EmbedsInt")
	add[Stamp]("Stamp")
	add[GenericInt]("GenericInt")
	add[GenericFunc]("GenericFunc")
	add[TextPair]("TextPair")
	add[BinaryPair]("BinaryPair")
	add[HalfPair]("HalfPair")
	add[WrongPair]("WrongPair")
	add[Holder]("Holder")
	add[Rescued]("Rescued")
	add[AfterRescue]("AfterRescue")
	add[Interfaces]("Interfaces")
	add[FuncType]("FuncType")
	add[FuncPair]("FuncPair")
	add[KeyBool]("KeyBool")
	add[KeyStruct]("KeyStruct")
	add[KeyArray]("KeyArray")
	add[StrictKeyFloat]("StrictKeyFloat")
	add[StrictKeyComplex]("StrictKeyComplex")
	add[StrictKeyTime]("StrictKeyTime")
	add[StrictKeyPointer]("StrictKeyPointer")
	add[StrictKeyAddr]("StrictKeyAddr")
	add[StrictKeyDeep]("StrictKeyDeep")
	add[StrictPromoted]("StrictPromoted")
}
