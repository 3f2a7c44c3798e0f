//go:build !race

package execute

const longRun = 100_000 // steps
