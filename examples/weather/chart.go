package main

import (
	"context"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Chart draws the year in Seattle: the temperature above, the rain below.
//
//dag:asset group=report
func Chart(ctx context.Context, units *Units, monthlyMeans []MonthlyMean) (dag.File, error) {
	temperature, err := temperaturePlot(units, monthlyMeans)
	if err != nil {
		return dag.File{}, err
	}
	rain, err := rainPlot(units, monthlyMeans)
	if err != nil {
		return dag.File{}, err
	}
	return dag.WriteFile(ctx, "chart.png", func(w io.Writer) error {
		const width, height = 20 * vg.Centimeter, 16 * vg.Centimeter
		image := vgimg.New(width, height)
		rows := [][]*plot.Plot{{temperature}, {rain}}
		tiles := draw.Tiles{Rows: 2, Cols: 1, PadX: vg.Millimeter, PadY: 6 * vg.Millimeter, PadTop: 3 * vg.Millimeter, PadRight: 3 * vg.Millimeter}
		for i, row := range plot.Align(rows, tiles, draw.New(image)) {
			rows[i][0].Draw(row[0])
		}
		_, err := vgimg.PngCanvas{Canvas: image}.WriteTo(w)
		return err
	})
}

func temperaturePlot(units *Units, months []MonthlyMean) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Seattle, an average year"
	p.Y.Label.Text = "temperature, " + units.TemperatureUnit()
	p.Add(plotter.NewGrid())
	high, low := make(plotter.XYs, len(months)), make(plotter.XYs, len(months))
	for i, m := range months {
		high[i] = plotter.XY{X: float64(i), Y: units.Temperature(m.High)}
		low[i] = plotter.XY{X: float64(i), Y: units.Temperature(m.Low)}
	}
	for _, l := range []struct {
		name   string
		points plotter.XYs
		r, b   uint8
	}{{"highest of the day", high, 0xc0, 0x30}, {"lowest of the day", low, 0x30, 0xc0}} {
		line, err := plotter.NewLine(l.points)
		if err != nil {
			return nil, err
		}
		line.Width = 2
		line.Color = rgb(l.r, 0x40, l.b)
		p.Add(line)
		p.Legend.Add(l.name, line)
	}
	p.Legend.Top, p.Legend.Left = true, true
	monthAxis(p, months)
	return p, nil
}

func rainPlot(units *Units, months []MonthlyMean) (*plot.Plot, error) {
	p := plot.New()
	p.Y.Label.Text = "rain, " + units.LengthUnit()
	p.Y.Min = 0
	totals := make(plotter.Values, len(months))
	for i, m := range months {
		totals[i] = units.Length(m.Rain)
	}
	bars, err := plotter.NewBarChart(totals, 9*vg.Millimeter)
	if err != nil {
		return nil, err
	}
	bars.Color = rgb(0x40, 0x80, 0xb0)
	bars.LineStyle.Width = 0
	p.Add(bars)
	monthAxis(p, months)
	return p, nil
}

// monthAxis gives both plots the same horizontal axis, so that a month is one column of the picture.
func monthAxis(p *plot.Plot, months []MonthlyMean) {
	var names []string
	for _, m := range months {
		names = append(names, m.Month.String()[:3])
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.5, float64(len(months))-0.5
}

func rgb(r, g, b uint8) color.Color { return color.NRGBA{R: r, G: g, B: b, A: 0xff} }
