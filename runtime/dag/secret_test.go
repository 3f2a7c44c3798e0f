package dag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASecretHasOneWayOut(t *testing.T) {
	const hidden = "c4n4ry"
	type config struct {
		Token Secret
		Next  *Secret
		List  []Secret
		own   Secret // package fmt asks no methods of what is unexported
		owned map[Secret]*Secret
	}
	s := NewSecret(hidden)
	c := config{s, &s, []Secret{s}, s, map[Secret]*Secret{s: &s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, c, &c)
	}
	fmt.Fprintln(&out, s.String(), s.GoString(), fmt.Errorf("failed: %v", s))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("log", "secret", s, "config", c)
	}
	data, err := json.Marshal(map[string]any{"s": s, "c": c})
	require.NoError(t, err)
	out.Write(data)
	text, err := s.MarshalText()
	require.NoError(t, err)
	out.Write(text)
	encoded, err := EncodeConfig[config](c)
	require.NoError(t, err)
	out.Write(encoded)

	assert.NotContains(t, out.String(), hidden)
	assert.NotContains(t, out.String(), fmt.Sprintf("%x", hidden))
	assert.Contains(t, out.String(), "***")
	assert.Equal(t, hidden, s.Reveal())
}

func TestSecretsAreEqualByValue(t *testing.T) {
	assert.True(t, NewSecret("one") == NewSecret("one"))
	assert.False(t, NewSecret("one") == NewSecret("two"))
	assert.True(t, NewSecret("") == Secret{})
	assert.Empty(t, Secret{}.Reveal())
	s := NewSecret("kept")
	require.NoError(t, json.Unmarshal([]byte("null"), &s))
	assert.Equal(t, "kept", s.Reveal())
	require.Error(t, json.Unmarshal([]byte("12"), &s))
}

func TestDecodeConfigOverlays(t *testing.T) {
	type config struct {
		A int    `json:"a"`
		B string `json:"b"`
		S Secret `json:"s"`
	}
	base := config{A: 1, B: "kept", S: NewSecret("kept")}
	v, err := DecodeConfig[config](base, []byte(`{"a":2}`))
	require.NoError(t, err)
	assert.Equal(t, config{A: 2, B: "kept", S: NewSecret("kept")}, v)
	assert.Equal(t, 1, base.A, "the base is not modified")

	v, err = DecodeConfig[config](nil, []byte(`{"s":"read"}`))
	require.NoError(t, err)
	assert.Equal(t, "read", v.(config).S.Reveal())

	_, err = DecodeConfig[config](nil, []byte(`{"a":"x"}`))
	assert.Error(t, err)
}
