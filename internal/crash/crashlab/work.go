package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// work writes into the ledger that the body of step was entered, takes a moment, and returns size bytes that depend on all it is given.
func work(step string, size int, inputs ...string) []byte {
	enter(step)
	// Without a pause a step is over before a kill can fall into it.
	pause, err := time.ParseDuration(os.Getenv("CRASHLAB_PAUSE")) // of a campaign that wants a longer one; it is no input either
	if err != nil {
		pause = 2 * time.Millisecond
	}
	time.Sleep(pause)
	h := sha256.New()
	fmt.Fprintf(h, "%s %d", step, len(inputs))
	for _, in := range inputs {
		fmt.Fprintf(h, " %d:%s", len(in), in)
	}
	data := make([]byte, size)
	// Read of a ChaCha8 never fails.
	_, _ = rand.NewChaCha8([32]byte(h.Sum(nil))).Read(data)
	return data
}

// enter appends one line in one write: a kill leaves the whole line or none. The ledger is the campaign's, no input of the
// pipeline, and it is left out where nobody asks for one.
func enter(step string) {
	path := os.Getenv("CRASHLAB_LEDGER")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%d START %s\n", os.Getpid(), step); err != nil {
		panic(err)
	}
}
