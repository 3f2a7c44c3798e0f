package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine says what the figures were measured on, a line each; what cannot be found out is left out.
func machine() []string {
	lines := []string{fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		lines[0] = model + ", " + lines[0]
	}
	if memory := field("/proc/meminfo", "MemTotal"); memory != "" {
		lines = append(lines, "memory: "+memory)
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		lines = append(lines, "kernel: "+strings.TrimSpace(string(kernel)))
	}
	if load := loadAverage(); load != "" {
		lines = append(lines, "load when it began: "+load)
	}
	return lines
}

// field returns what stands after a name and a colon in a file of /proc.
func field(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(data))[:3], " ")
}
