package dag

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type tableRow struct {
	Name   string  `json:"name"`
	High   float64 `json:"high"`
	Secret Secret
	Hidden int `json:"-"`
	own    int
	Note   *string
}

func TestTable(t *testing.T) {
	e := Table("best", []tableRow{{Name: "oslo", High: 31.5, own: 1}, {Name: "rome", High: math.NaN()}})
	assert.Equal(t, MetadataTable, e.Kind)
	assert.JSONEq(t, `{"columns":[{"name":"name","type":"string"},{"name":"high","type":"float64"},{"name":"Note","type":"*string"}],
		"rows":[["oslo",31.5,null],["rome","NaN",null]]}`, string(e.Value))
	e = Table("none", []*tableRow{nil})
	assert.JSONEq(t, `[[null,null,null]]`, string(field(t, e, "rows")))
	assert.Equal(t, Text("x", "not shown: a table is made of structs, and not of int"), Table("x", []int{1}))
	e = Table("long", make([]struct{ N int }, 5000))
	var rows [][]int
	require.NoError(t, json.Unmarshal(field(t, e, "rows"), &rows))
	assert.Len(t, rows, maxTableRows)

	e = TableRows("r", []TableColumn{{Name: "a"}, {Name: "b"}}, [][]any{{1, "x"}})
	assert.JSONEq(t, `{"columns":[{"name":"a"},{"name":"b"}],"rows":[[1,"x"]]}`, string(e.Value))
	assert.Equal(t, Text("r", "not shown: a row has 1 values, and there are 2 columns"), TableRows("r", []TableColumn{{Name: "a"}, {Name: "b"}}, [][]any{{1}}))

	e = TableSchema("s", TableColumn{Name: "id", Type: "int64", Description: "of the row", Constraints: []string{"unique"}})
	assert.Equal(t, MetadataTableSchema, e.Kind)
	assert.JSONEq(t, `[{"name":"id","type":"int64","description":"of the row","constraints":["unique"]}]`, string(e.Value))
	assert.JSONEq(t, `[]`, string(TableSchema("s").Value))
}

func field(t *testing.T, e MetadataEntry, name string) json.RawMessage {
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(e.Value, &m))
	return m[name]
}

func TestImage(t *testing.T) {
	for begin, mime := range map[string]string{
		"\x89PNG\r\n\x1a\n": "image/png", "\xff\xd8\xff\xe0": "image/jpeg", "GIF89a": "image/gif", "RIFF____WEBPVP8": "image/webp", "<svg xmlns=''>": "image/svg+xml",
	} {
		e := Image("chart", []byte(begin))
		assert.Equal(t, MetadataImage, e.Kind)
		var v ImageValue
		require.NoError(t, json.Unmarshal(e.Value, &v))
		assert.Equal(t, ImageValue{mime, []byte(begin)}, v)
	}
	assert.Equal(t, Text("chart", "not shown: 5 bytes that are no PNG, JPEG, GIF, WebP or SVG"), Image("chart", []byte("hello")))
	big := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", maxImage)
	assert.Equal(t, Text("chart", "not shown: a picture of 1048584 bytes, and metadata has room for 1048576"), Image("chart", []byte(big)))
}

func TestExpectOutsideARun(t *testing.T) {
	require.NoError(t, Expect(t.Context(), Expectation{Label: "x", Success: true}))
	err := Expect(t.Context(), Expectation{Label: "x", Description: "it is not"})
	var e *ExpectationError
	require.ErrorAs(t, err, &e)
	assert.EqualError(t, err, "expectation x is not met: it is not")
}

func TestNothingIsKnownOutsideARun(t *testing.T) {
	ctx := t.Context()
	_, ok := RunOf(ctx)
	assert.False(t, ok)
	_, ok = MappingKeyOf(ctx)
	assert.False(t, ok)
	assert.Empty(t, RunID(ctx)+JobName(ctx)+RunConfig(ctx))
	assert.Nil(t, RunTags(ctx))
	assert.Nil(t, StepTags(ctx))
	assert.Nil(t, OpOf(ctx))
	assert.Nil(t, JobOf(ctx))
}
