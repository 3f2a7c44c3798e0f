package partition

// Previous maps each window of time to the one before it, along the one dimension that is by time where there are several. ok is false where none is, or more than one.
func Previous(d *Definition) (m Mapping, ok bool) {
	if d.kind == kindTime {
		return Shifted(-1, -1), true
	}
	if d.kind != kindMulti {
		return Mapping{}, false
	}
	pairs := make([]Pair, len(d.dims))
	for i, dim := range d.dims {
		pairs[i] = Pair{Down: dim.Name, Up: dim.Name, Mapping: Identity()}
		if dim.Keys.kind == kindTime {
			if ok {
				return Mapping{}, false
			}
			pairs[i].Mapping, ok = Shifted(-1, -1), true
		}
	}
	return ByDimension(pairs...), ok
}
