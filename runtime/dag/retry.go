package dag

import (
	"context"
	"errors"
	"math"
	"time"
)

// A RetryPolicy says what happens to a step that fails (Dagster's RetryPolicy). It is no part of a version: how often something was tried says
// nothing about its result. The policy of a call (//dag:with) wins over that of its op, and that over the one of the job, each as a whole.
type RetryPolicy struct {
	MaxRetries int           // how often the step is computed again; 0 is never
	Delay      time.Duration // before the first retry
	Backoff    Backoff       // how the delay grows
	Jitter     Jitter        // chance in the delay
	MaxDelay   time.Duration // cap of what backoff and jitter lead to; 0 for none
}

// A Backoff says how the delay grows from retry to retry.
type Backoff string

// The backoffs.
const (
	BackoffNone        Backoff = ""            // Delay each time
	BackoffLinear      Backoff = "linear"      // 1, 2, 3 ... times Delay
	BackoffExponential Backoff = "exponential" // 1, 3, 7 ... times Delay: 2^n - 1
)

// A Jitter says how chance changes a delay, so that steps that failed together do not come back together.
type Jitter string

// The jitters.
const (
	JitterNone      Jitter = ""
	JitterFull      Jitter = "full"       // anything from 0 to the delay
	JitterPlusMinus Jitter = "plus_minus" // up to Delay more or less
)

// Wait returns how long to wait before retry number n, which counts from 1. chance is from [0, 1).
func (p *RetryPolicy) Wait(n int, chance float64) time.Duration {
	base := float64(p.Delay)
	d := base
	switch p.Backoff {
	case BackoffLinear:
		d = base * float64(n)
	case BackoffExponential:
		d = base * (math.Exp2(float64(n)) - 1)
	}
	// The cap comes before the chance too: a delay far over it would else always be the cap, and all would come back together.
	limit := math.Exp2(62)
	if p.MaxDelay > 0 {
		limit = float64(p.MaxDelay)
	}
	d = min(d, limit)
	switch p.Jitter {
	case JitterFull:
		d *= chance
	case JitterPlusMinus:
		d += (2*chance - 1) * base
	}
	return time.Duration(max(0, min(d, limit)))
}

// A RetryRequested is an error that asks for the step to be computed again, whatever its policy says (Dagster's RetryRequested):
//
//	return nil, dag.RetryRequested{Err: err, MaxRetries: 5, Wait: 10 * time.Second}
//
// An error that wraps one counts, too.
type RetryRequested struct {
	Err        error         // why; nil for no more than the request
	MaxRetries int           // in the life of the step in this run; 0 means 1
	Wait       time.Duration // before the next try
}

// Error returns the text of Err.
func (e RetryRequested) Error() string {
	if e.Err == nil {
		return "a retry is requested"
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e RetryRequested) Unwrap() error { return e.Err }

// A permanentError is what [Permanent] makes.
type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// Permanent marks an error that no retry can change: a step that fails with it is not computed again, whatever its policy says. It returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err is marked by [Permanent], at any depth.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// RetryNumber returns how often the current step has been computed before in this run: 0 the first time, and outside of a run. It is not in the
// version of the step, so a memoized op must not let it reach its outputs. (Dagster's context.retry_number.)
func RetryNumber(ctx context.Context) int {
	info, _ := StepInfoFrom(ctx)
	return info.RetryNumber
}
