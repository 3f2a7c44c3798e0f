package codec

import (
	"image"
	"image/color"
	"image/color/palette"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A foreignImage is none of the standard library.
type foreignImage struct{ *image.RGBA }

var imageType = dag.TypeOf[image.Image]("image.Image")

// Promise: an image.Image comes back as what stood behind it, whatever that is, at the top and inside of other values.
func TestImages(t *testing.T) {
	r := image.Rect(0, 0, 3, 2)
	images := []image.Image{
		image.NewAlpha(r), image.NewAlpha16(r), image.NewCMYK(r), image.NewGray(r), image.NewGray16(r), image.NewNRGBA(r), image.NewNRGBA64(r),
		image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420), image.NewPaletted(r, palette.WebSafe), image.NewRGBA(r), image.NewRGBA64(r),
		image.NewUniform(color.Gray{Y: 7}), image.NewYCbCr(r, image.YCbCrSubsampleRatio444),
		image.NewRGBA(image.Rect(-5, 1, 9, 9)).SubImage(image.Rect(0, 2, 4, 4)), (*image.Gray)(nil), nil,
		image.NewPaletted(r, color.Palette{color.RGBA{1, 2, 3, 4}, nil, color.Transparent, color.CMYK{1, 2, 3, 4}, color.YCbCr{1, 2, 3}}),
	}
	seen := map[string]image.Image{}
	for _, img := range images {
		data, err := Encode(imageType, img)
		require.NoError(t, err, "%T", img)
		assert.NotContains(t, seen, string(data))
		seen[string(data)] = img
		got, err := Decode(imageType, data)
		require.NoError(t, err, "%T", img)
		if img == nil {
			assert.Nil(t, got)
			continue
		}
		assert.Equal(t, img, got)
	}
	type gallery struct {
		Name   string
		First  image.Image
		Colour color.Color
		ByName map[string]image.Image
		At     *image.Image
	}
	v := gallery{"a", images[0], color.NRGBA{1, 2, 3, 4}, map[string]image.Image{"x": images[3], "none": nil}, &images[15]}
	roundTrip(t, v)
	got, err := Decode(typeOf(v), roundTrip(t, v))
	require.NoError(t, err)
	assert.Equal(t, v, got)
}

func TestImagesRefuse(t *testing.T) {
	_, err := Encode(imageType, foreignImage{})
	require.ErrorContains(t, err, "a codec.foreignImage behind image.Image cannot be stored: only the types of the standard library can; draw it on an *image.NRGBA")
	_, err = Encode(imageType, 1)
	require.ErrorContains(t, err, "encode a int as image.Image")
	good, err := Encode(imageType, image.NewGray(image.Rect(0, 0, 1, 1)))
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"another type": append([]byte{majorArray | 2}, appendText(nil, "*image.Grey")...),
		"one element":  {majorArray | 1, null},
		"cut":          good[:len(good)-1],
		"no array":     {majorUint | 1},
	} {
		_, err := Decode(imageType, data)
		require.ErrorIs(t, err, ErrEncoding, name)
	}
}
