//go:build race

package execute

const longRun = 10_000 // steps: under the race detector each takes ten times as long
