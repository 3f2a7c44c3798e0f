package codec

import (
	"bytes"
	"image"
	"image/color"
	"image/color/palette"
	"image/png"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// random fills an image; alpha says what its alpha is, where it has one.
func random[T interface {
	image.Image
	Set(x, y int, c color.Color)
}](img T, alpha func(r *rand.Rand) uint16) T {
	r := rand.New(rand.NewSource(1))
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			img.Set(x, y, color.NRGBA64{uint16(r.Uint32()), uint16(r.Uint32()), uint16(r.Uint32()), alpha(r)})
		}
	}
	return img
}

func opaque(*rand.Rand) uint16  { return 0xffff }
func any16(r *rand.Rand) uint16 { return uint16(r.Uint32()) }

// Promise: an image comes back from its PNG as it was, of its own type; any program reads the PNG.
func TestPNG(t *testing.T) {
	r := image.Rect(0, 0, 13, 7)
	for name, img := range map[string]image.Image{
		"gray": random(image.NewGray(r), opaque), "gray16": random(image.NewGray16(r), opaque),
		"rgba": random(image.NewRGBA(r), opaque), "rgba64": random(image.NewRGBA64(r), opaque),
		"nrgba": random(image.NewNRGBA(r), any16), "nrgba64": random(image.NewNRGBA64(r), any16),
		"opaque nrgba": random(image.NewNRGBA(r), opaque), "opaque nrgba64": random(image.NewNRGBA64(r), opaque), "clear": image.NewNRGBA(r),
		"palette": random(image.NewPaletted(r, palette.Plan9), opaque), "two colours": random(image.NewPaletted(r, color.Palette{color.RGBA{A: 255}, color.RGBA{1, 2, 3, 255}}), opaque),
		"clear palette": random(image.NewPaletted(r, color.Palette{color.NRGBA{9, 9, 9, 0}, color.NRGBA{1, 2, 3, 4}, color.RGBA{5, 6, 7, 255}}), any16),
	} {
		for _, typ := range []*dag.Type{imageType, typeOf(img)} {
			t.Run(name+" as "+typ.Name, func(t *testing.T) {
				want, err := Encode(typ, img)
				require.NoError(t, err)
				data, err := EncodePNG(typ, img, want)
				require.NoError(t, err)
				got, canonical, err := DecodePNG(typ, data)
				require.NoError(t, err)
				assert.Equal(t, img, got)
				assert.Equal(t, want, canonical)
				shown, err := png.Decode(bytes.NewReader(data))
				require.NoError(t, err)
				assert.Equal(t, img, shown)
			})
		}
	}
}

// Promise: an image that PNG would change is an error that says why, and never another image.
func TestPNGRefuses(t *testing.T) {
	r := image.Rect(0, 0, 4, 4)
	clear := image.NewRGBA(r)
	wide := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	for want, img := range map[string]image.Image{
		"it is nil, and PNG has no form for that": nil,
		"*image.Gray as PNG: it is nil":           (*image.Gray)(nil),
		"it has no pixels":                        image.NewGray(image.Rectangle{}),
		"it begins at (1,2), and a PNG at (0,0); draw it on an *image.NRGBA that begins at (0,0), or use codec=cbor": wide.SubImage(image.Rect(1, 2, 5, 5)),
		"it is a part of a larger image":                          wide.SubImage(r),
		"it is a *image.YCbCr, and a PNG is read as another type": image.NewYCbCr(r, image.YCbCrSubsampleRatio420),
		"it is a *image.RGBA with pixels that are not opaque, whose colours are premultiplied, and those of a PNG are not": clear,
		"PNG gives back another *image.Paletted": image.NewPaletted(r, color.Palette{color.Transparent, color.White}),
	} {
		typ := imageType
		if _, gray := img.(*image.Gray); gray {
			typ = typeOf(img)
		}
		canonical, err := Encode(typ, img)
		require.NoError(t, err)
		_, err = EncodePNG(typ, img, canonical)
		require.ErrorContains(t, err, want)
	}
	gray := image.NewGray(r)
	canonical, err := Encode(imageType, gray)
	require.NoError(t, err)
	data, err := EncodePNG(imageType, gray, canonical)
	require.NoError(t, err)
	_, _, err = DecodePNG(typeOf(clear), data)
	require.ErrorIs(t, err, ErrEncoding, "it is another type of image")
	_, _, err = DecodePNG(imageType, data[:len(data)/2])
	require.ErrorIs(t, err, ErrEncoding)
}

// An image that somebody put together by hand is refused, and does not end the program.
func TestPNGRefusesBrokenImages(t *testing.T) {
	r := image.Rect(0, 0, 3, 2)
	for _, img := range []image.Image{
		&image.RGBA{Rect: r}, &image.RGBA{Rect: r, Stride: 12}, &image.RGBA64{Rect: r}, &image.NRGBA{Rect: r}, &image.NRGBA64{Rect: r}, &image.Gray{Rect: r, Stride: 3}, &image.Gray16{Rect: r},
		&image.Paletted{Rect: r}, &image.Paletted{Rect: r, Stride: 3, Pix: make([]byte, 6)}, &image.Paletted{Rect: r, Stride: 3, Pix: make([]byte, 6), Palette: color.Palette{nil}},
		&image.Paletted{Rect: r, Stride: 3, Pix: []byte{0, 1, 2, 3, 4, 5}, Palette: color.Palette{color.White}}, &image.Uniform{},
		&image.NRGBA{Rect: image.Rectangle{Max: image.Point{X: 1 << 32, Y: 1 << 32}}},
	} {
		canonical, err := Encode(imageType, img)
		require.NoError(t, err)
		_, err = EncodePNG(imageType, img, canonical)
		assert.Error(t, err, "%T", img)
	}
}
