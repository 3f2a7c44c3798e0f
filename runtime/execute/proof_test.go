package execute

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	goversion "go/version"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// proven is a package whose manifest expects one source file.
func proven(t *testing.T, path, source string, mode dag.ProofMode) *plan.Catalog {
	s := newShop(t)
	s.asset("a", nil, add(1))
	d := s.definitions()
	m, err := manifest.Parse(d.Manifest)
	require.NoError(t, err)
	m.Packages = []manifest.SourcePackage{{Path: path, Files: []manifest.SourceFile{manifest.Source("shop.go", []byte(source), false)}}}
	d.Manifest, d.Proof = m.Text(), mode
	cat, err := plan.NewCatalog(d)
	require.NoError(t, err)
	return cat
}

// Where the release of Go counts, a binary that was built with another one is stale.
func TestAnotherReleaseOfGoIsStale(t *testing.T) {
	now, _, _ := strings.Cut(runtime.Version(), " ")
	for _, tt := range []struct {
		release string
		mode    dag.ProofMode
		fresh   bool
	}{
		{"", dag.ProofEmbed, true}, {now, dag.ProofEmbed, true}, {goversion.Lang(now), dag.ProofDisk, true},
		{"go1.99", dag.ProofEmbed, false}, {"go1.2.3", dag.ProofDisk, false}, {"go1.99", dag.ProofNone, true},
	} {
		s := newShop(t)
		s.asset("a", nil, add(1))
		d := s.definitions()
		m, err := manifest.Parse(d.Manifest)
		require.NoError(t, err)
		m.Toolchain = tt.release
		d.Manifest, d.Proof = m.Text(), tt.mode
		cat, err := plan.NewCatalog(d)
		require.NoError(t, err)
		err = CheckProof(cat)
		if tt.fresh {
			assert.NoError(t, err, tt.release)
			continue
		}
		assert.EqualError(t, err, "generated code is stale: the versions of package "+d.Package+" are for "+tt.release+", and this binary was built with "+runtime.Version()+"; run `go generate ./...` and build again")
	}
}

func TestStaleCodeDoesNotRun(t *testing.T) {
	const source = "package shop\n\nfunc A() int { return 1 }\n"
	embed := func(path, text string) { dag.RegisterSources(path, fstest.MapFS{"shop.go": {Data: []byte(text)}}) }
	embed("example.com/fresh", source)
	embed("example.com/comment", "package shop\n\n// A is one.\nfunc A() int { return 1 }\n")
	embed("example.com/edited", "package shop\n\nfunc A() int { return 2 }\n")
	for _, tt := range []struct {
		path string
		mode dag.ProofMode
		want string
	}{
		{"example.com/fresh", dag.ProofEmbed, ""},
		{"example.com/comment", dag.ProofEmbed, ""},
		{"example.com/edited", dag.ProofEmbed, "generated code is stale: example.com/edited/shop.go (changed); run `go generate ./...` and build again"},
		{"example.com/edited", dag.ProofNone, ""},
		{"example.com/nowhere", dag.ProofEmbed, "generated code is stale: example.com/nowhere (missing); run `go generate ./...` and build again"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			cat := proven(t, tt.path, source, tt.mode)
			_, planErr := Plan(t.Context(), cat, "", Options{})
			res, runErr := Run(t.Context(), cat, "", Options{})
			if tt.want == "" {
				require.NoError(t, planErr)
				require.NoError(t, runErr)
				require.NoError(t, res.Close())
				return
			}
			require.EqualError(t, planErr, tt.want)
			require.EqualError(t, runErr, tt.want)
			var stale *plan.StaleError
			require.ErrorAs(t, runErr, &stale)
			assert.Equal(t, 5, ExitCode(res, runErr))
			require.EqualError(t, CheckProof(cat), tt.want, "asked again")
		})
	}
}

func TestProofOnDisk(t *testing.T) {
	const source = "package shop\n\nfunc A() int { return 1 }\n"
	root := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	write("go.mod", "module "+pkg+"\n")
	write("shop.go", source)
	write("sub/dir/x.txt", "")
	t.Chdir(filepath.Join(root, "sub", "dir"))
	cat := proven(t, pkg, source, dag.ProofDisk)
	require.NoError(t, CheckProof(cat))
	write("shop.go", "package shop\n\nfunc A() int { return 2 }\n")
	require.ErrorContains(t, CheckProof(cat), "example.com/shop/shop.go (changed)")
	t.Chdir(t.TempDir())
	require.NoError(t, CheckProof(cat), "there is nothing to compare with elsewhere")
}
