package main

import (
	"fmt"
	"strconv"
)

// UnitConfig chooses how quantities are written in the report and on the chart.
//
//dag:config
type UnitConfig struct {
	// System is "metric" (°C, mm) or "imperial" (°F, inches).
	System string `json:"system" default:"metric" enum:"metric,imperial"`
	// Decimals is the number of digits after the point.
	Decimals int `json:"decimals" default:"1"`
}

// Units converts and writes quantities for readers. The data stays metric; only what is shown changes.
type Units struct {
	imperial bool
	decimals int
}

// NewUnits makes the units that the config asks for.
//
//dag:resource name=units
func NewUnits(config UnitConfig) (*Units, error) {
	if config.Decimals < 0 || config.Decimals > 6 {
		return nil, fmt.Errorf("decimals is %d, want 0 to 6", config.Decimals)
	}
	return &Units{imperial: config.System == "imperial", decimals: config.Decimals}, nil
}

// Temperature converts °C.
func (u *Units) Temperature(celsius float64) float64 {
	if u.imperial {
		return celsius*9/5 + 32
	}
	return celsius
}

// Length converts mm.
func (u *Units) Length(mm float64) float64 {
	if u.imperial {
		return mm / 25.4
	}
	return mm
}

// TemperatureUnit returns "°C" or "°F".
func (u *Units) TemperatureUnit() string {
	if u.imperial {
		return "°F"
	}
	return "°C"
}

// LengthUnit returns "mm" or "in".
func (u *Units) LengthUnit() string {
	if u.imperial {
		return "in"
	}
	return "mm"
}

// FormatTemperature writes a temperature given in °C, with its unit.
func (u *Units) FormatTemperature(celsius float64) string {
	return u.number(u.Temperature(celsius)) + " " + u.TemperatureUnit()
}

// FormatDifference writes a difference of temperatures given in °C, with its sign and unit: no offset is added.
func (u *Units) FormatDifference(celsius float64) string {
	difference := u.Temperature(celsius) - u.Temperature(0)
	sign := ""
	if difference >= 0 {
		sign = "+"
	}
	return sign + u.number(difference) + " " + u.TemperatureUnit()
}

// FormatLength writes a length given in mm, with its unit.
func (u *Units) FormatLength(mm float64) string {
	return u.number(u.Length(mm)) + " " + u.LengthUnit()
}

func (u *Units) number(v float64) string { return strconv.FormatFloat(v, 'f', u.decimals, 64) }
