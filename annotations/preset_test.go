package annotations_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/annotations"
)

func TestPreset(t *testing.T) {
	got, diags := parse(t, `package p

//dag:job
//dag:preset prod config/prod.yaml
//dag:preset dev "my dev.yaml" description="on a laptop" tags=env:dev,fast
func F() {}
`)
	require.Empty(t, diags)
	require.Len(t, got, 3)
	assert.Equal(t, annotations.Preset, got[1].Kind)
	assert.Equal(t, []string{"prod", "config/prod.yaml", ""}, []string{got[1].Value("name"), got[1].Value("file"), got[1].Value("description")})
	assert.Equal(t, []string{"dev", "my dev.yaml", "on a laptop"}, []string{got[2].Value("name"), got[2].Value("file"), got[2].Value("description")})
	assert.Equal(t, map[string]string{"env": "dev", "fast": ""}, got[2].Map("tags"))
	file, _ := got[1].Arg("file")
	assert.Equal(t, "a.go:4:19", file.Pos.String())
}

func TestPresetErrors(t *testing.T) {
	for _, c := range []struct{ directive, want string }{
		{`//dag:preset`, `3:1: //dag:preset: the name is missing; write //dag:preset NAME FILE [DAG0111]`},
		{`//dag:preset prod`, `3:1: //dag:preset: the file is missing; write //dag:preset NAME FILE [DAG0111]`},
		{`//dag:preset Prod a.yaml`, `3:14: //dag:preset: the name: Prod is not a name; write prod [DAG0103]`},
		{`//dag:preset 1 a.yaml`, `3:14: //dag:preset: the name: 1 is not a name; use lower-case ASCII letters, digits and underscores, a letter first [DAG0103]`},
		{`//dag:preset prod ../a.yaml`, `3:19: //dag:preset: the file: ../a.yaml lies outside of the package's folder, so that a binary cannot embed it; move the file below the package [DAG0103]`},
		{`//dag:preset prod /a.yaml`, `3:19: //dag:preset: the file: /a.yaml lies outside of the package's folder, so that a binary cannot embed it; move the file below the package [DAG0103]`},
		{`//dag:preset prod *.yaml`, `3:19: //dag:preset: the file: *.yaml is not the path of a file; write a slash-separated path below the package's folder, such as config/prod.yaml [DAG0103]`},
		{`//dag:preset prod a.yaml b.yaml`, `3:26: //dag:preset: unknown argument b.yaml; the arguments are description, tags [DAG0102]`},
		{`//dag:preset prod a.yaml group=x`, `3:26: //dag:preset: unknown argument group; it is an argument of //dag:asset [DAG0102]`},
		{`// dag:preset prod a.yaml`, `3:1: // dag:preset prod a.yaml is a comment and no directive; write it as a line that begins with //dag:preset, without a space and in lower case [DAG0108]`},
	} {
		got, diags := parse(t, "package p\n\n"+c.directive+"\nfunc F() {}\n")
		assert.Empty(t, got, c.directive)
		if assert.Len(t, diags, 1, c.directive) {
			assert.Equal(t, "a.go:"+c.want, diags[0].String())
		}
	}
	_, diags := parse(t, "package p\n\n// dag: preset this to whatever you like.\nfunc F() {}\n")
	assert.Empty(t, diags, "prose")
}
