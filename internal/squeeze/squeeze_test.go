package squeeze

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPack(t *testing.T) {
	noise := make([]byte, 100_000)
	_, _ = rand.Read(noise)
	tests := []struct {
		name string
		in   []byte
		want Coding
	}{
		{"nothing", nil, Raw},
		{"short", bytes.Repeat([]byte("a"), Threshold-1), Raw},
		{"long and repetitive", bytes.Repeat([]byte("abc"), 100_000), Zstd},
		{"long and random", noise, Raw},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packed, coding := Pack(tt.in)
			assert.Equal(t, tt.want, coding)
			for _, size := range []int64{int64(len(tt.in)), -1} {
				got, err := Unpack(packed, coding, size)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(tt.in, got))
			}
			_, err := Unpack(packed, coding, int64(len(tt.in))+1)
			require.Error(t, err)
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	packed, coding := Pack([]byte(strings.Repeat("abc", 10_000)))
	require.Equal(t, Zstd, coding)
	twice := append(append([]byte{}, packed...), packed...)
	for name, b := range map[string][]byte{
		"nothing": {}, "half": packed[:len(packed)/2], "twice": twice, "text": []byte("not compressed at all"),
	} {
		_, err := Unpack(b, Zstd, 30_000)
		require.Error(t, err, name)
	}
	_, err := Unpack(packed, Coding(9), 30_000)
	require.ErrorContains(t, err, "unknown coding 9")
}

func FuzzUnpack(f *testing.F) {
	packed, _ := Pack(bytes.Repeat([]byte("dagstergen"), 1000))
	f.Add(packed, uint8(Zstd))
	f.Add([]byte("raw"), uint8(Raw))
	f.Fuzz(func(t *testing.T, b []byte, c uint8) {
		out, err := Unpack(b, Coding(c), 10_000)
		if err == nil && len(out) != 10_000 {
			t.Fatalf("%d bytes accepted as 10000", len(out))
		}
	})
}

// What is large is judged by samples: noise is not compressed for nothing, and what pays is.
func TestPackSamples(t *testing.T) {
	noise := make([]byte, 3*sampledFrom+17)
	_, _ = rand.Read(noise)
	packed, coding := Pack(noise)
	assert.Equal(t, Raw, coding)
	assert.Same(t, &noise[0], &packed[0], "it is not copied")
	sample := sampleOf(noise)
	assert.Equal(t, noise[:sampleSize], sample[:sampleSize])
	assert.Equal(t, noise[len(noise)-sampleSize:], sample[len(sample)-sampleSize:])

	text := bytes.Repeat([]byte("the same again, "), sampledFrom/8)
	packed, coding = Pack(text)
	assert.Equal(t, Zstd, coding)
	back, err := Unpack(packed, coding, int64(len(text)))
	require.NoError(t, err)
	assert.Equal(t, text, back)

	tail := append(bytes.Clone(noise), text[:len(text)/16]...) // too little of it pays
	_, coding = Pack(tail)
	assert.Equal(t, Raw, coding)
}
