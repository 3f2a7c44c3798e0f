package codec

import (
	"fmt"
	"image"
	"image/color"
	"reflect"
)

// closed are the interfaces that can be stored: what stands behind one of them is, wherever it is of use, of one of a few types of the standard library. All others are open, and
// nothing says which type to make of the bytes.
var closed = map[reflect.Type][]reflect.Type{
	reflect.TypeFor[image.Image](): {
		reflect.TypeFor[*image.Alpha](), reflect.TypeFor[*image.Alpha16](), reflect.TypeFor[*image.CMYK](), reflect.TypeFor[*image.Gray](), reflect.TypeFor[*image.Gray16](),
		reflect.TypeFor[*image.NRGBA](), reflect.TypeFor[*image.NRGBA64](), reflect.TypeFor[*image.NYCbCrA](), reflect.TypeFor[*image.Paletted](), reflect.TypeFor[*image.RGBA](),
		reflect.TypeFor[*image.RGBA64](), reflect.TypeFor[*image.Uniform](), reflect.TypeFor[*image.YCbCr](),
	},
	reflect.TypeFor[color.Color](): {
		reflect.TypeFor[color.Alpha](), reflect.TypeFor[color.Alpha16](), reflect.TypeFor[color.CMYK](), reflect.TypeFor[color.Gray](), reflect.TypeFor[color.Gray16](),
		reflect.TypeFor[color.NRGBA](), reflect.TypeFor[color.NRGBA64](), reflect.TypeFor[color.NYCbCrA](), reflect.TypeFor[color.RGBA](), reflect.TypeFor[color.RGBA64](),
		reflect.TypeFor[color.YCbCr](),
	},
}

// choice stores a value of a closed interface as the name of its type and what it is; nil is null.
func (c *compiler) choice(tc *typeCodec, t reflect.Type, path string) error {
	type alternative struct {
		typ   reflect.Type
		name  []byte // encoded
		codec *typeCodec
	}
	var all []alternative
	byType := map[reflect.Type]int{}
	for _, typ := range closed[t] {
		sub, err := c.codec(typ, path)
		if err != nil {
			return err
		}
		byType[typ] = len(all)
		all = append(all, alternative{typ, appendText(nil, typ.String()), sub})
	}
	tc.nullable(
		func(e *encoder, v reflect.Value) error {
			x := v.Elem()
			i, ok := byType[x.Type()]
			if !ok {
				return fmt.Errorf("a %s behind %s cannot be stored: only the types of the standard library can; draw it on an *image.NRGBA", x.Type(), t)
			}
			e.head(majorArray, 2)
			e.buf = append(e.buf, all[i].name...)
			return all[i].codec.encode(e, x)
		},
		func(d *decoder, v reflect.Value) error {
			if n, err := d.count(majorArray); err != nil || n != 2 {
				return fmt.Errorf("what stands behind %s is not in an array of two elements", t)
			}
			for i := range all {
				if d.skip(all[i].name) {
					x := reflect.New(all[i].typ).Elem()
					if err := all[i].codec.decode(d, x); err != nil {
						return err
					}
					v.Set(x)
					return nil
				}
			}
			return fmt.Errorf("what stands behind %s is of no type that is known", t)
		})
	return nil
}
