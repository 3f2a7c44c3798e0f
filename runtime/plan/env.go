package plan

import (
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// variables are the digests of environment variables. Only these are kept and stored: values may be secrets.
func (b *builder) variables(names []string) []canon.Digest {
	if len(names) == 0 {
		return nil
	}
	if b.env == nil {
		b.env = map[string]canon.Digest{}
	}
	out := make([]canon.Digest, len(names))
	for i, name := range names {
		d, known := b.env[name]
		if !known {
			value, set := "", false
			if b.Env != nil {
				value, set = b.Env(name)
			}
			d = b.hash.variable(name, value, set)
			b.env[name] = d
		}
		out[i] = d
	}
	return out
}

func envTexts(names []string, values []canon.Digest) map[string]string {
	if len(names) == 0 {
		return nil
	}
	out := make(map[string]string, len(names))
	for i, name := range names {
		out[name] = values[i].String()
	}
	return out
}

// envCauses names the environment variables that differ from those of a record.
func (b *builder) envCauses(was, is map[string]string) []string {
	var causes []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		unset := b.hash.variable(name, "", false).String()
		old, counted := was[name]
		switch now := is[name]; {
		case now == old:
		case !counted:
			causes = append(causes, "environment variable "+name+" counts now")
		case now == unset:
			causes = append(causes, "environment variable "+name+" is not set any more")
		case old == unset:
			causes = append(causes, "environment variable "+name+" is set now")
		default:
			causes = append(causes, "environment variable "+name+" changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, counts := is[name]; !counts {
			causes = append(causes, "environment variable "+name+" does not count any more")
		}
	}
	return causes
}
