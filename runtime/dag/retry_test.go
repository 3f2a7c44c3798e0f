package dag

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWait(t *testing.T) { // E13
	second := func(p RetryPolicy, chance float64) (out []float64) {
		for n := 1; n <= 4; n++ {
			out = append(out, p.Wait(n, chance).Seconds())
		}
		return out
	}
	const base = 2 * time.Second
	for _, c := range []struct {
		name   string
		policy RetryPolicy
		chance float64
		want   []float64
	}{
		{"nothing", RetryPolicy{}, 0.5, []float64{0, 0, 0, 0}},
		{"fixed", RetryPolicy{Delay: base}, 0.5, []float64{2, 2, 2, 2}},
		{"linear", RetryPolicy{Delay: base, Backoff: BackoffLinear}, 0.5, []float64{2, 4, 6, 8}},
		{"exponential", RetryPolicy{Delay: base, Backoff: BackoffExponential}, 0.5, []float64{2, 6, 14, 30}},
		{"cap", RetryPolicy{Delay: base, Backoff: BackoffExponential, MaxDelay: 10 * time.Second}, 0.5, []float64{2, 6, 10, 10}},
		{"full", RetryPolicy{Delay: base, Backoff: BackoffLinear, Jitter: JitterFull}, 0.25, []float64{0.5, 1, 1.5, 2}},
		{"plus", RetryPolicy{Delay: base, Backoff: BackoffLinear, Jitter: JitterPlusMinus}, 0.75, []float64{3, 5, 7, 9}},
		{"minus", RetryPolicy{Delay: base, Backoff: BackoffLinear, Jitter: JitterPlusMinus}, 0, []float64{0, 2, 4, 6}},
		{"chance within the cap", RetryPolicy{Delay: base, Backoff: BackoffExponential, Jitter: JitterFull, MaxDelay: 10 * time.Second}, 0.5, []float64{1, 3, 5, 5}},
		{"never over the cap", RetryPolicy{Delay: base, Jitter: JitterPlusMinus, MaxDelay: 3 * time.Second}, 0.999, []float64{3, 3, 3, 3}},
	} {
		assert.Equal(t, c.want, second(c.policy, c.chance), c.name)
	}
	far := RetryPolicy{Delay: time.Hour, Backoff: BackoffExponential}
	assert.Positive(t, far.Wait(5000, 0), "no overflow")
}

func TestPermanent(t *testing.T) {
	boom := errors.New("boom")
	err := fmt.Errorf("fetch: %w", Permanent(boom))
	assert.True(t, IsPermanent(err))
	assert.ErrorIs(t, err, boom)
	assert.EqualError(t, err, "fetch: boom")
	assert.False(t, IsPermanent(boom))
	assert.NoError(t, Permanent(nil))
	assert.False(t, IsPermanent(nil))
}

func TestRetryRequestedIsAnError(t *testing.T) {
	boom := errors.New("boom")
	assert.ErrorIs(t, RetryRequested{Err: boom}, boom)
	assert.EqualError(t, RetryRequested{Err: boom}, "boom")
	assert.EqualError(t, RetryRequested{}, "a retry is requested")
	assert.Zero(t, RetryNumber(t.Context()), "outside of a run")
}
