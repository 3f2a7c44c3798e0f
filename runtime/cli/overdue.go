package cli

import "time"

// An overdue says how the age of an asset's latest value stands to what freshness= expects.
type overdue struct {
	Within string    `json:"within"`      // "24h0m0s"
	By     time.Time `json:"by,omitzero"` // when the next value is expected; zero where there is none yet
	Late   bool      `json:"late"`

	within, since time.Duration
}

// overdueOf compares; nil where nothing is expected. An asset without a value is late.
func overdueOf(within time.Duration, latest *materialization, now time.Time) *overdue {
	if within <= 0 {
		return nil
	}
	o := &overdue{Within: within.String(), Late: true, within: within}
	if latest != nil {
		o.By = latest.Time.Add(within)
		o.since = now.Sub(o.By)
		o.Late = o.since > 0
	}
	return o
}

// text is the line of a page.
func (o *overdue) text() string {
	switch {
	case o == nil:
		return ""
	case o.By.IsZero():
		return "a new value within " + seconds(o.within) + ", and there is none yet"
	case o.Late:
		return "a new value within " + seconds(o.within) + ", late by " + seconds(o.since)
	}
	return "a new value within " + seconds(o.within)
}
