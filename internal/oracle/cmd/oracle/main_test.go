package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"mutate", "-edits", "many"}} {
		var out, diag bytes.Buffer
		assert.ErrorIs(t, run(t.Context(), args, &out, &diag), errUsage, args)
		assert.Empty(t, out.String())
	}
	var out, diag bytes.Buffer
	err := run(t.Context(), []string{"cover", "no/such/project"}, &out, &diag)
	assert.EqualError(t, err, `oracle: no project is called "no/such/project"; name a module as path@version`)
}
