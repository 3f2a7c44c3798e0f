// Package differ says where two values differ, and two files: for people, in one line.
//
// Stage: below execute. It imports the codec, whose encoding decides what is equal, and runtime/dag.
//
// Invariants: values are equal exactly where their encodings are: a NaN by its bits, a nil slice unlike an empty one, a time by its instant and its zone.
// The same two values give the same difference. Texts are short whatever the values are, and what [Redactor] hides is in none of them, nor is a part of it.
package differ

// A Difference is where two values differ first, and how.
type Difference struct {
	Path   string `json:"path"`   // "[3].Mean", "line 2, column 7"; empty for the value itself
	Stored string `json:"stored"` // what stands there in the first one, short
	Now    string `json:"now"`    // and in the second
	More   int    `json:"more"`   // further places that differ, at most [MostPlaces]
	Note   string `json:"note"`   // more about it: "the same elements in another order"; may be empty
}

// MostPlaces is how many places are counted.
const MostPlaces = 1000

// String returns the difference as the rest of a sentence: "differs at [3].Mean: 4.25 stored, 4.5 now".
func (d *Difference) String() string {
	s := "differs"
	if d.Path != "" {
		s += " at " + d.Path
	}
	s += ": " + d.Stored + " stored, " + d.Now + " now"
	if d.Note != "" {
		s += "; " + d.Note
	}
	return s + d.more()
}

func (d *Difference) more() string {
	switch {
	case d.More == 1:
		return "; and at one more place"
	case d.More >= MostPlaces:
		return "; and at many more places"
	case d.More > 1:
		return "; and at " + itoa(d.More) + " more places"
	}
	return ""
}
