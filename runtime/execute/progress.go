package execute

import (
	"sync"
	"time"
)

// observer tells Options.Observe what happens, one call at a time, with the counts kept right.
type observer struct {
	tell func(Progress)
	mu   sync.Mutex
	now  Progress // the counts
}

// say lets change adjust the counts, and passes the result on as p.
func (o *observer) say(p Progress, change func(counts *Progress)) {
	if o.tell == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.now)
	p.Total, p.Running, p.Ran = o.now.Total, o.now.Running, o.now.Ran
	p.Reused, p.Failed, p.Skipped = o.now.Reused, o.now.Failed, o.now.Skipped
	o.tell(p)
}

func (o *observer) started(step string) {
	o.say(Progress{Kind: ProgressStarted, Step: step}, func(c *Progress) { c.Running++ })
}

func (o *observer) finished(step string, elapsed time.Duration) {
	o.say(Progress{Kind: ProgressFinished, Step: step, Elapsed: elapsed}, func(c *Progress) { c.Running--; c.Ran++ })
}

func (o *observer) reused(step string) {
	o.say(Progress{Kind: ProgressReused, Step: step}, func(c *Progress) { c.Reused++ })
}

func (o *observer) failed(step string, err error, elapsed time.Duration, running bool) {
	o.say(Progress{Kind: ProgressFailed, Step: step, Err: err, Elapsed: elapsed}, func(c *Progress) {
		if running {
			c.Running--
		}
		c.Failed++
	})
}

func (o *observer) retrying(step, message string, elapsed time.Duration, running bool) {
	o.say(Progress{Kind: ProgressRetrying, Step: step, Message: message, Elapsed: elapsed}, func(c *Progress) {
		if running {
			c.Running--
		}
	})
}

func (o *observer) skipped(step, why string) {
	o.say(Progress{Kind: ProgressSkipped, Step: step, Message: why}, func(c *Progress) { c.Skipped++ })
}

// verified says what came of a step that was computed again: Ran counts those that gave what is stored, Failed the others.
func (o *observer) verified(s *VerifiedStep) {
	p := Progress{Kind: ProgressFinished, Step: s.Key, Elapsed: s.Elapsed}
	switch s.Result {
	case VerifySame:
	case VerifySkipped:
		p.Kind, p.Message = ProgressSkipped, s.Because
	default:
		p.Kind, p.Message = ProgressFailed, s.Lines()[0]
	}
	o.say(p, func(c *Progress) {
		c.Running--
		switch p.Kind {
		case ProgressFinished:
			c.Ran++
		case ProgressSkipped:
			c.Skipped++
		default:
			c.Failed++
		}
	})
}

func (o *observer) warn(step, message string) {
	o.say(Progress{Kind: ProgressWarning, Step: step, Message: message}, func(*Progress) {})
}

// restored corrects the counts for a step that is computed after all, or again: hidden if it was no part of the run, reused if it was reused.
func (o *observer) restored(hidden, reused bool) {
	if o.tell == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case hidden:
		o.now.Total++
	case reused:
		o.now.Reused--
	default:
		o.now.Ran--
	}
}

// grown says that a loop or branch has turned out to be so many more steps than were counted.
func (o *observer) grown(more int) {
	o.say(Progress{Kind: ProgressGrown}, func(c *Progress) { c.Total += more })
}
