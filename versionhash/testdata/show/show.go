// Package show is copied into the programs that the tests of versionhash build and run: it calls functions with arguments that it makes up
// from their types, and prints all that can be seen of what they did.
package show

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"sort"
	"strings"
)

func init() { debug.SetMaxStack(32 << 20) } // what never ends is to end soon

// rounds is how many sets of arguments a function is called with.
const rounds = 5

// Call calls a function with several sets of arguments and prints its results, what it panicked with, and what it did to its arguments.
func Call(fn any) {
	f := reflect.ValueOf(fn)
	n := rounds
	if f.Type().NumIn() == 0 {
		n = 1
	}
	for round := 0; round < n; round++ {
		call(f, round, 0)
	}
}

// Values prints values as the results of a function are.
func Values(values ...any) {
	for _, v := range values {
		if v == nil {
			fmt.Println("nil")
			continue
		}
		fmt.Println(text(reflect.ValueOf(v), 0))
		encoded(reflect.ValueOf(v))
	}
}

func call(f reflect.Value, round, depth int) {
	var args []reflect.Value
	for i := 0; i < f.Type().NumIn(); i++ {
		args = append(args, argument(f.Type().In(i), round, i))
	}
	defer func() {
		for _, a := range args {
			switch a.Kind() {
			case reflect.Slice, reflect.Map, reflect.Chan, reflect.Pointer:
				fmt.Println("  left in an argument:", text(a, depth+1))
			}
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			fmt.Println("  panic:", dynamic(reflect.ValueOf(p), depth+1))
		}
	}()
	var out []reflect.Value
	if f.Type().IsVariadic() {
		out = f.CallSlice(args)
	} else {
		out = f.Call(args)
	}
	for _, o := range out {
		fmt.Println("  result:", text(o, depth))
		if depth == 0 {
			encoded(o)
		}
	}
}

// encoded prints a value as a codec would store it; a codec meets a value of the type itself, and so its methods.
func encoded(v reflect.Value) {
	if !v.CanInterface() {
		return
	}
	if b, err := json.Marshal(v.Interface()); err == nil {
		fmt.Println("  stored:", string(b))
	}
}

// argument makes a value of a type up: another one in each round and at each place.
func argument(t reflect.Type, round, place int) reflect.Value {
	v := reflect.New(t).Elem()
	small := []int64{3, 0, 1, 7, 40000}[round] + int64(place)
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(round%2 == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(small) // cut off where it does not fit, like a conversion
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(small))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(small) / 2)
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(float64(small), 1))
	case reflect.String:
		v.SetString([]string{"b", "", "a", "Get", "long enough"}[round] + strings.Repeat("x", place))
	case reflect.Slice:
		n := []int{3, 1, 0, 2, 4}[round]
		v.Set(reflect.MakeSlice(t, n, n))
		for i := 0; i < n; i++ {
			v.Index(i).Set(argument(t.Elem(), i%rounds, place))
		}
	case reflect.Array:
		for i := 0; i < t.Len(); i++ {
			v.Index(i).Set(argument(t.Elem(), (round+i)%rounds, place))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		for i := 0; i < 2; i++ {
			v.SetMapIndex(argument(t.Key(), (round+i)%rounds, place), argument(t.Elem(), round, place+i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(argument(t.Elem(), round, place))
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			f := v.Field(i)
			f = reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem() // also what other packages may not set
			f.Set(argument(f.Type(), round, place+i))
		}
	case reflect.Chan:
		both := reflect.MakeChan(reflect.ChanOf(reflect.BothDir, t.Elem()), 4)
		if place%2 == 0 {
			both.Send(argument(t.Elem(), round, place))
		}
		v.Set(both.Convert(t))
	case reflect.Func:
		v.Set(reflect.MakeFunc(t, func(args []reflect.Value) (out []reflect.Value) {
			fmt.Print("  called back with")
			for _, a := range args {
				fmt.Print(" ", text(a, 2))
			}
			fmt.Println()
			for i := 0; i < t.NumOut(); i++ {
				out = append(out, argument(t.Out(i), round, place+i))
			}
			return out
		}))
	case reflect.Interface:
		for _, candidate := range candidates[round] {
			if c := reflect.ValueOf(candidate); c.Type().Implements(t) {
				v.Set(c)
				return v
			}
		}
		unsupported(t)
	default:
		unsupported(t)
	}
	return v
}

// candidates are values for parameters of interface types.
var candidates = [rounds][]any{{1}, {"1"}, {int8(1)}, {int16(1)}, {1.5}}

func unsupported(t reflect.Type) {
	fmt.Println("show: cannot make up a value of type", t, "; the row must say how it is run")
	os.Exit(9)
}

// maxDepth ends what refers to itself.
const maxDepth = 6

// text is everything that can be seen of a value.
func text(v reflect.Value, depth int) string {
	if depth > maxDepth {
		return "..."
	}
	depth++
	switch v.Kind() {
	case reflect.Invalid:
		return "nil"
	case reflect.Pointer:
		if v.IsNil() {
			return v.Type().String() + "(nil)"
		}
		return "&" + text(v.Elem(), depth)
	case reflect.Interface:
		if v.IsNil() {
			return v.Type().String() + "(nil)"
		}
		return dynamic(v.Elem(), depth)
	case reflect.Struct:
		var b strings.Builder
		b.WriteString(v.Type().String() + "{")
		for i := 0; i < v.NumField(); i++ {
			b.WriteString(" " + v.Type().Field(i).Name + ":" + text(v.Field(i), depth))
		}
		return b.String() + " }"
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return v.Type().String() + "(nil)"
		}
		list := make([]string, v.Len())
		for i := range list {
			list[i] = text(v.Index(i), depth)
		}
		return v.Type().String() + "[" + strings.Join(list, " ") + "]"
	case reflect.Map:
		if v.IsNil() {
			return v.Type().String() + "(nil)"
		}
		var list []string
		for _, k := range v.MapKeys() {
			list = append(list, text(k, depth)+":"+text(v.MapIndex(k), depth))
		}
		sort.Strings(list)
		return v.Type().String() + "[" + strings.Join(list, " ") + "]"
	case reflect.Chan:
		var list []string
		for v.Type().ChanDir()&reflect.RecvDir != 0 && v.Len() > 0 {
			x, _ := v.Recv()
			list = append(list, text(x, depth))
		}
		return v.Type().String() + "[" + strings.Join(list, " ") + "]"
	case reflect.Func:
		if v.IsNil() || !v.CanInterface() || depth > 3 {
			return v.Type().String()
		}
		fmt.Println("  calling a function")
		call(v, 0, depth)
		return v.Type().String()
	case reflect.UnsafePointer:
		return "unsafe.Pointer"
	default:
		return fmt.Sprintf("%s(%#v)", v.Type(), basic(v))
	}
}

func basic(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.Complex64, reflect.Complex128:
		return v.Complex()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	default:
		return v.Uint()
	}
}

// dynamic is what can be seen of a value that comes in an interface: what its methods give, too, as fmt, a template or the next step may call them.
func dynamic(v reflect.Value, depth int) string {
	out := text(v, depth)
	if depth > 3 || !v.CanInterface() {
		return out
	}
	for i := 0; i < v.NumMethod(); i++ {
		m := v.Type().Method(i)
		if v.Method(i).Type().NumIn() > 0 || !strings.Contains(pathOf(v.Type()), ".com/") {
			continue
		}
		fmt.Println("  calling", m.Name)
		call(v.Method(i), 0, depth+1)
	}
	return out
}

func pathOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath()
}
