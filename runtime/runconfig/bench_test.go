package runconfig

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkResolve measures a document against 200 ops with a config of 14 fields each.
func BenchmarkResolve(b *testing.B) {
	s := Schema{}
	var d *Document
	for i := range 200 {
		key := fmt.Sprint("op_", i)
		s.Ops = append(s.Ops, OpSchema{Key: key, Config: stationConfig()})
		var err error
		d, err = d.Set("ops."+key+".config.path", "a.csv")
		require.NoError(b, err)
	}
	for b.Loop() {
		_, err := Resolve(d, s, testEnv)
		require.NoError(b, err)
	}
}
