package codec

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"reflect"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// EncodePNG returns v, an image of t, as a PNG: for other programs to show, and for DecodePNG. canonical is what [Encode] gives for v. An image that PNG does not give back exactly is an
// error that says why: PNG has no origin, no room beside the pixels, and of colours that are not opaque only those that are not premultiplied.
func EncodePNG(t *dag.Type, v any, canonical []byte) (data []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("encode %s as PNG: %w", t.Name, err)
		}
	}()
	img, ok := v.(image.Image)
	if rv := reflect.ValueOf(v); !ok || rv.Kind() == reflect.Pointer && rv.IsNil() {
		return nil, errors.New("it is nil, and PNG has no form for that; return an error instead")
	}
	if why := noPNG(img); why != "" {
		return nil, errors.New(why)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, translucent(img)); err != nil {
		return nil, err
	}
	_, back, err := DecodePNG(t, b.Bytes())
	if err == nil && !bytes.Equal(back, canonical) {
		err = fmt.Errorf("PNG gives back another %T: draw it on an *image.NRGBA, or use codec=cbor", img)
	}
	return b.Bytes(), err
}

// DecodePNG returns the image of t that EncodePNG wrote, and its canonical encoding. Errors wrap [ErrEncoding].
func DecodePNG(t *dag.Type, data []byte) (v any, canonical []byte, err error) {
	img, err := png.Decode(bytes.NewReader(data))
	if err == nil {
		canonical, err = Encode(t, img)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decode %s from PNG: %w: %w", t.Name, ErrEncoding, err)
	}
	return img, canonical, nil
}

// noPNG says what of an image PNG does not keep; "" for nothing that is known.
func noPNG(img image.Image) string {
	const draw = "; draw it on an *image.NRGBA that begins at (0,0), or use codec=cbor"
	bounds := img.Bounds()
	switch {
	case bounds.Empty():
		return "it has no pixels, and a PNG has some"
	case bounds.Min != image.Point{}:
		return fmt.Sprintf("it begins at %v, and a PNG at (0,0)%s", bounds.Min, draw)
	}
	var pixels, stride, each int // of its buffer
	opaque := func() bool { return true }
	switch x := img.(type) {
	case *image.Gray:
		pixels, stride, each = len(x.Pix), x.Stride, 1
	case *image.Gray16:
		pixels, stride, each = len(x.Pix), x.Stride, 2
	case *image.Paletted:
		if len(x.Palette) == 0 || slices.Contains(x.Palette, nil) {
			return "its palette is empty, or has a nil" + draw
		}
		pixels, stride, each = len(x.Pix), x.Stride, 1
	case *image.NRGBA:
		pixels, stride, each = len(x.Pix), x.Stride, 4
	case *image.NRGBA64:
		pixels, stride, each = len(x.Pix), x.Stride, 8
	case *image.RGBA:
		pixels, stride, each, opaque = len(x.Pix), x.Stride, 4, x.Opaque
	case *image.RGBA64:
		pixels, stride, each, opaque = len(x.Pix), x.Stride, 8, x.Opaque
	default:
		return fmt.Sprintf("it is a %T, and a PNG is read as another type%s", img, draw)
	}
	switch {
	case stride != each*bounds.Dx() || pixels != stride*bounds.Dy():
		return "it is a part of a larger image" + draw
	case !opaque(): // it looks at all pixels, which are there
		return fmt.Sprintf("it is a %T with pixels that are not opaque, whose colours are premultiplied, and those of a PNG are not; draw it on an *image.NRGBA, or use codec=cbor", img)
	}
	return ""
}

// translucent returns an image that package png writes with its alpha even where all of it is opaque: it is read as the type that it was only then.
func translucent(img image.Image) image.Image {
	switch x := img.(type) {
	case *image.NRGBA:
		if x.Opaque() {
			return seeThrough{x}
		}
	case *image.NRGBA64:
		if x.Opaque() {
			return seeThrough{x}
		}
	}
	return img
}

type seeThrough struct{ image.Image }

// Opaque hides that of the image.
func (seeThrough) Opaque() bool { return false }
