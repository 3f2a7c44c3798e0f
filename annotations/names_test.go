package annotations_test

import (
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/annotations"
)

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"HTTPLogs": "http_logs", "MonthlyMeans": "monthly_means", "cities": "cities", "observationFile": "observation_file",
		"OpenDB": "open_db", "userID": "user_id", "userIDs": "user_ids", "URLsSeen": "urls_seen", "IDsOf": "ids_of", "GetIs": "get_is", "AsIs": "as_is",
		"Fetch2": "fetch2", "S3Bucket": "s3_bucket", "V2API": "v2_api", "V2APIKey": "v2_api_key", "HTTP2Server": "http2_server", "SHA256Sum": "sha256_sum",
		"Plot3D": "plot3d", "Plot3DView": "plot3d_view", "Year2024Data": "year2024_data", "X": "x", "A1B2": "a1b2", "ID": "id", "aB": "a_b",
		"snake_case": "snake_case", "Foo_Bar": "foo_bar", "__x__y_": "x_y", "_": "", "": "", "FOO_BAR": "foo_bar",
		"Météo": "météo", "ÉtéChaud": "été_chaud", "数据": "数据", "数据X": "数据_x", "Ünder": "ünder", "ǅungla": "ǆungla",
	} {
		assert.Equal(t, want, annotations.Snake(in), in)
	}
}

func FuzzSnake(f *testing.F) {
	for _, s := range []string{"HTTPLogs", "userIDs", "Plot3DView", "__x", "数据X", "İstanbul", "ΑΣ", "aʰB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !token.IsIdentifier(s) {
			return
		}
		got := annotations.Snake(s)
		assert.Equal(t, got, annotations.Snake(got), "again: %q", s)
		assert.NotContains(t, got, "__")
		assert.False(t, strings.HasPrefix(got, "_") || strings.HasSuffix(got, "_"), "%q -> %q", s, got)
		assert.Equal(t, strings.Trim(s, "_") == "", got == "", s)
	})
}

func TestValidName(t *testing.T) {
	for _, s := range []string{"a", "http_logs", "v2", "a_", strings.Repeat("a", 100)} {
		assert.True(t, annotations.ValidName(s), s)
	}
	for _, s := range []string{"", "_a", "2a", "A", "a-b", "a/b", "a.b", "é", "a b", "a\x00", "../a", "a*", strings.Repeat("a", 101)} {
		assert.False(t, annotations.ValidName(s), s)
	}
}
