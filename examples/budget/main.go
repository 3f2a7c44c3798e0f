// Command budget shows an executor of one's own: it lets steps run side by side as long as there is memory for all of them.
//
//	go run ./cmd/dagstergen run ./examples/budget -- run render --set inputs.frames=6 -c budget.yaml
//
// where budget.yaml says
//
//	execution: { config: { budget: { memory_gb: 8 } } }
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import (
	"image"
	"image/color"

	"github.com/dagstergen/dagstergen/runtime/cli"
)

// Frame draws a frame of an animation, which takes a lot of memory.
//
//dag:op tags=memory:4
func Frame(n int) []uint8 {
	img := image.NewGray(image.Rect(0, 0, 256, 256))
	for y := range 256 {
		for x := range 256 {
			img.SetGray(x, y, color.Gray{Y: uint8((x*x + y*y) >> 6 * (n + 1))})
		}
	}
	return img.Pix
}

// Brightness is the mean of a frame.
//
//dag:op
func Brightness(frame []uint8) float64 {
	sum := 0
	for _, p := range frame {
		sum += int(p)
	}
	return float64(sum) / float64(len(frame))
}

// Brightest finds the brightest frame. It needs all the memory there is.
//
//dag:op tags=memory:1000
func Brightest(all []float64) (brightest int) {
	for i, b := range all {
		if b > all[brightest] {
			brightest = i
		}
	}
	return brightest
}

// Render draws some frames and finds the brightest.
//
//dag:job executor=budget
func Render(frames int) int {
	var all []float64
	for n := range frames {
		all = append(all, Brightness(Frame(n)))
	}
	return Brightest(all)
}

func main() {
	cli.Main(Definitions)
}
