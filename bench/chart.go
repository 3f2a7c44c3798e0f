package bench

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The measures of the chart, in pixels.
const (
	chartWidth = 920
	barHeight  = 13
	barLeft    = 210
	barRight   = 120 // room for the figure beside a bar
	groupGap   = 30
)

// colours of the systems, in the order of the columns; of us the first.
var colours = []string{"#0b7285", "#3bc9db", "#e8590c", "#f08c00", "#ffc078", "#c92a2a", "#862e9c", "#5f3dc4", "#2b8a3e", "#868e96", "#adb5bd", "#ced4da", "#495057"}

// Chart returns a picture of the medians as SVG: a group for each row, a bar for each system that did it, on one logarithmic scale.
func (m *Measured) Chart() string {
	low, high := m.decades()
	if low > high {
		high = low
	}
	x := func(seconds float64) float64 {
		return barLeft + (math.Log10(seconds)-float64(low))/float64(max(1, high-low))*(chartWidth-barLeft-barRight)
	}
	var body strings.Builder
	y := 46
	for _, row := range m.Rows {
		var bars []string
		for _, s := range m.Systems {
			if m.Cell(row.Key, s).Of(Seconds).N > 0 {
				bars = append(bars, s)
			}
		}
		if bars == nil {
			continue
		}
		fmt.Fprintf(&body, "<text class=\"row\" x=\"8\" y=\"%d\">%s</text>\n", y+10, escaped(row.Key+": "+row.Title))
		y += 18
		for _, s := range bars {
			spread := m.Cell(row.Key, s).Of(Seconds)
			end := max(x(spread.Median), barLeft+1)
			fmt.Fprintf(&body, "<text class=\"name\" x=\"%d\" y=\"%d\">%s</text>", barLeft-6, y+10, escaped(s))
			fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", barLeft, y, end-barLeft, barHeight-3, m.colour(s))
			if spread.N > 1 {
				fmt.Fprintf(&body, "<path d=\"M%.1f %dH%.1f\"/>", x(spread.Low), y+5, x(spread.High))
			}
			fmt.Fprintf(&body, "<text class=\"figure\" x=\"%.1f\" y=\"%d\">%s</text>\n", max(end, x(spread.High))+5, y+10, escaped(duration(spread.Median)))
			y += barHeight
		}
		y += groupGap - 18
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n", chartWidth, y+10)
	b.WriteString("<style>.row{font-weight:bold;font-size:12px}.name{text-anchor:end}.axis{text-anchor:middle;fill:#868e96}line{stroke:#e9ecef}path{stroke:#000;stroke-width:1}</style>\n")
	fmt.Fprintf(&b, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", chartWidth, y+10)
	b.WriteString("<text x=\"8\" y=\"16\" font-size=\"14\">Time taken, on a logarithmic scale: shorter is better. The thin line is from the fastest round to the slowest.</text>\n")
	for d := low; d <= high; d++ {
		at := x(math.Pow10(d))
		fmt.Fprintf(&b, "<line x1=\"%.1f\" y1=\"40\" x2=\"%.1f\" y2=\"%d\"/><text class=\"axis\" x=\"%.1f\" y=\"34\">%s</text>\n", at, at, y, at, decade(d))
	}
	return b.String() + body.String() + "</svg>\n"
}

// decades returns the powers of ten, in seconds, that hold all bars.
func (m *Measured) decades() (low, high int) {
	first := true
	for _, c := range m.Cells {
		for _, s := range c.Samples {
			l, h := int(math.Floor(math.Log10(s.Seconds))), int(math.Ceil(math.Log10(s.Seconds)))
			if first {
				low, high, first = l, h, false
			}
			low, high = min(low, l), max(high, h)
		}
	}
	return low, high
}

func (m *Measured) colour(system string) string {
	return colours[max(0, slices.Index(m.Systems, system))%len(colours)]
}

func decade(d int) string {
	switch {
	case d < -6:
		return fmt.Sprintf("%d ns", int(math.Pow10(d+9)))
	case d < -3:
		return fmt.Sprintf("%d µs", int(math.Pow10(d+6)))
	case d < 0:
		return fmt.Sprintf("%d ms", int(math.Pow10(d+3)))
	}
	return fmt.Sprintf("%d s", int(math.Pow10(d)))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
