package storage

import "github.com/dagstergen/dagstergen/internal/canon"

// A Brief is what a status mostly needs to know of the newest record of an identity. It stands for a record that is usable and has at most one output, which is in the store and of no IO manager of the user's;
// others have none.
type Brief struct {
	Identity string
	Content  canon.Digest
	Output   string       // name of the output; empty for none
	Data     canon.Digest // its data version
}

// BriefOf returns the brief of a usable record; ok is false where it has none.
func BriefOf(r *Record) (b Brief, ok bool) {
	b = Brief{Identity: r.Identity, Content: r.Content}
	switch {
	case r.Identity == "" || len(r.Outputs) > 1:
		return Brief{}, false
	case len(r.Outputs) == 1:
		o := &r.Outputs[0]
		if o.Name == "" || !o.Inline || o.IO != "" {
			return Brief{}, false
		}
		b.Output, b.Data = o.Name, o.DataVersion
	}
	return b, true
}

// Briefs returns the briefs of records as [Store.BriefsOf] does. It is for stores that keep none.
func Briefs(page []LatestRecord, into []Brief) (out []Brief, ok bool, err error) {
	out = into[:0]
	for i := range page {
		b, ok := BriefOf(&page[i].Record)
		if !ok || !page[i].Usable {
			return nil, false, nil
		}
		out = append(out, b)
	}
	return out, true, nil
}
