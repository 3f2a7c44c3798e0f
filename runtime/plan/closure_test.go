package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// The text of a code manifest is held until it is taken, and is the same for who takes it later.
func TestManifestIsLetGo(t *testing.T) {
	c := newClosures(&manifest.Manifest{})
	var l lazyClosure
	d := l.sum(c, "example.com/shop.A")
	assert.NotNil(t, l.text)
	first, text := l.take(c, "example.com/shop.A")
	assert.Equal(t, d, first)
	assert.Equal(t, d, canon.Sum(text))
	assert.Nil(t, l.text)
	again, later := l.take(c, "example.com/shop.A")
	assert.Equal(t, d, again)
	assert.Equal(t, text, later)
	assert.Equal(t, d, l.sum(c, "example.com/shop.A"))
	assert.Nil(t, l.text, "the digest alone holds nothing")
}
