package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOverdue(t *testing.T) {
	made := &materialization{Time: at(0)}
	for _, c := range []struct {
		name   string
		within time.Duration
		latest *materialization
		now    time.Time
		late   bool
		text   string
	}{
		{"nothing is expected", 0, made, at(9e9), false, ""},
		{"in time", time.Hour, made, at(3600), false, "a new value within 1h00m"},
		{"late", time.Hour, made, at(3661), true, "a new value within 1h00m, late by 1m01s"},
		{"never made", 24 * time.Hour, nil, at(0), true, "a new value within 24h00m, and there is none yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := overdueOf(c.within, c.latest, c.now)
			assert.Equal(t, c.text, o.text())
			assert.Equal(t, c.late, o != nil && o.Late)
		})
	}
	l := &assetList{Assets: []assetState{{Key: "a", Latest: made, defined: true, Overdue: overdueOf(time.Hour, made, at(9e5))}, {Key: "b", defined: true}}}
	utc(t)
	assert.Contains(t, l.view(look{})[1], "2026-11-20 08:00:00 (late)")
	assert.NotContains(t, l.view(look{})[2], "late")
}
