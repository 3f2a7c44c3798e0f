package model

import (
	"go/types"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// SymbolOf is the name by which versions know a package-level declaration or a method.
func SymbolOf(obj types.Object) string {
	if f, ok := obj.(*types.Func); ok {
		return symbol(obj.Pkg().Path(), f)
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

// resolve finds what a word of a directive names, as code of its file would: a declaration of the package, one of an imported package, or one of any
// package in the import closure by the whole path. The object is nil for a package.
func (d *decider) resolve(arg annotations.Arg) (obj types.Object, path string, ok bool) {
	fail := func(hint, format string, args ...any) {
		d.fail(CodeDecisionSymbol, arg.Pos, arg.End, hint, format, args...)
	}
	word := arg.Value
	var parts []string
	pkg := d.p.Types
	if strings.Contains(word, "/") {
		path, parts = d.splitPath(word)
		if path == "" {
			fail(d.nearPackage(word), "no package %s is imported by package %s, directly or not", word, d.p.Path)
			return nil, "", false
		}
	} else {
		parts = strings.Split(word, ".")
		if d.p.Types.Scope().Lookup(parts[0]) == nil {
			imported := d.importedAs(parts[0])
			switch {
			case imported != nil:
				path, pkg, parts = imported.Path(), imported, parts[1:]
			case len(parts) == 1 && d.reachable(word) != nil:
				path, parts = word, nil
			default:
				fail(d.nearName(parts[0]), "undefined: %s", parts[0])
				return nil, "", false
			}
		} else {
			path = d.p.Path
		}
	}
	lp := d.b.prog.Packages[path]
	if path != d.p.Path && lp != nil {
		pkg = nil
		if d.known(lp) {
			pkg = d.b.prog.Complete(lp)
		}
	}
	if len(parts) == 0 {
		return nil, path, true
	}
	if lp == nil || pkg == nil {
		fail("import the package where it is used", "nothing is known of package %s", path)
		return nil, "", false
	}
	obj = pkg.Scope().Lookup(parts[0])
	switch {
	case obj == nil:
		hint := "name a declaration of it"
		if near, ok := nearest.Of(parts[0], pkg.Scope().Names()); ok {
			hint = "did you mean " + near + "?"
		}
		fail(hint, "undefined: %s in package %s", parts[0], path)
		return nil, "", false
	case len(parts) > 2:
		fail("write Type.Method, pkg.Name or pkg.Type.Method", "%s has too many parts", word)
		return nil, "", false
	case len(parts) == 2 && (path == d.p.Path || obj.Exported()):
		if obj = d.method(arg, obj, parts[1]); obj == nil {
			return nil, "", false
		}
		path = obj.Pkg().Path() // a promoted method belongs to another type, perhaps of another package
	}
	if path != d.p.Path && !obj.Exported() {
		hint := "export it"
		if d.a.Kind == annotations.Ignore {
			hint = `write //dag:ignore "REASON" above it`
		}
		fail(hint, "%s of package %s is not exported", obj.Name(), path)
		return nil, "", false
	}
	return obj, path, true
}

// method finds a method of a type.
func (d *decider) method(arg annotations.Arg, of types.Object, name string) types.Object {
	t, ok := of.(*types.TypeName)
	if !ok {
		d.fail(CodeDecisionSymbol, arg.Pos, arg.End, "name "+of.Name()+" itself", "%s is no type, so that it has no method %s", of.Name(), name)
		return nil
	}
	o, _, _ := types.LookupFieldOrMethod(t.Type(), true, of.Pkg(), name)
	f, ok := o.(*types.Func)
	switch {
	case o == nil:
		var all []string
		for i := range types.NewMethodSet(types.NewPointer(t.Type())).Len() {
			all = append(all, types.NewMethodSet(types.NewPointer(t.Type())).At(i).Obj().Name())
		}
		hint := "name a method of it"
		if near, ok := nearest.Of(name, all); ok {
			hint = "did you mean " + near + "?"
		}
		d.fail(CodeDecisionSymbol, arg.Pos, arg.End, hint, "type %s has no method %s", of.Name(), name)
		return nil
	case !ok:
		d.fail(CodeDecisionSymbol, arg.Pos, arg.End, "name the type, or its methods", "%s is a field of type %s", name, of.Name())
		return nil
	case types.IsInterface(f.Signature().Recv().Type()):
		d.fail(CodeDecisionKind, arg.Pos, arg.End, "name the methods of the types that implement it", "%s is a method of an interface, which has no code", name)
		return nil
	}
	return f.Origin()
}

// known reports whether the declarations of a package can be named: it is local or deep, or a local package imports it.
func (d *decider) known(lp *load.Package) bool {
	if lp.Local || lp.Deep {
		return true
	}
	for _, user := range d.b.prog.Packages {
		if !user.Local {
			continue
		}
		for _, dep := range user.Imports {
			if dep == lp {
				return true
			}
		}
	}
	return false
}

// splitPath splits import/path.Name.Method; path is empty where no package in the import closure fits.
func (d *decider) splitPath(word string) (path string, parts []string) {
	if d.reachable(word) != nil {
		return word, nil
	}
	slash := strings.LastIndexByte(word, '/') + 1
	for i := len(word) - 1; i > slash; i-- { // the last element of a path may have dots
		if word[i] == '.' && d.reachable(word[:i]) != nil {
			return word[:i], strings.Split(word[i+1:], ".")
		}
	}
	return "", nil
}

// reachable returns the package with an import path where the directive's package is or imports it, at any depth.
func (d *decider) reachable(path string) *load.Package {
	target := d.b.prog.Packages[path]
	if target == nil {
		return nil
	}
	found := false
	d.imports(func(lp *load.Package) { found = found || lp == target })
	if !found {
		return nil
	}
	return target
}

// imports calls yield for the directive's package and all it imports.
func (d *decider) imports(yield func(*load.Package)) {
	seen := map[*load.Package]bool{d.p.Package: true}
	todo := []*load.Package{d.p.Package}
	for len(todo) > 0 {
		lp := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		yield(lp)
		for _, dep := range lp.Imports {
			if !seen[dep] {
				seen[dep] = true
				todo = append(todo, dep)
			}
		}
	}
}

// importedAs returns the package that the directive's file imports under a name.
func (d *decider) importedAs(name string) *types.Package {
	for _, spec := range d.file.Imports {
		if pn := d.p.Info.PkgNameOf(spec); pn != nil && pn.Name() == name {
			return pn.Imported()
		}
	}
	return nil
}

func (d *decider) nearName(name string) string {
	all := d.p.Types.Scope().Names()
	for _, spec := range d.file.Imports {
		if pn := d.p.Info.PkgNameOf(spec); pn != nil {
			all = append(all, pn.Name())
		}
	}
	if near, ok := nearest.Of(name, all); ok {
		return "did you mean " + near + "?"
	}
	return "name a declaration of this package, one of a package that the file imports, or write the whole import path"
}

func (d *decider) nearPackage(word string) string {
	var all []string
	d.imports(func(lp *load.Package) {
		if lp.Module != nil {
			all = append(all, lp.Path)
		}
	})
	slash := strings.LastIndexByte(word, '/')
	path, name, _ := strings.Cut(word[slash+1:], ".")
	if near, ok := nearest.Of(word[:slash+1]+path, all); ok {
		if name != "" {
			near += "." + name
		}
		return "did you mean " + near + "?"
	}
	return "a version covers only what the package imports; import it there"
}
