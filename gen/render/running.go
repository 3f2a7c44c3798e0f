package render

import (
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
)

// running writes how steps are computed.
func (r *renderer) running(l *fieldList, s *model.Running) {
	if s.Retry != nil {
		l.add("Retry", jen.Op("&").Add(r.dag("RetryPolicy")).Values(r.retry(s.Retry)...))
	}
	r.span(l, "Timeout", s.Timeout)
}

func (r *renderer) retry(p *model.Retry) []jen.Code {
	var l fieldList
	if p.MaxRetries > 0 {
		l.add("MaxRetries", jen.Lit(p.MaxRetries))
	}
	r.span(&l, "Delay", p.Delay)
	switch p.Backoff {
	case "linear":
		l.add("Backoff", r.dag("BackoffLinear"))
	case "exponential":
		l.add("Backoff", r.dag("BackoffExponential"))
	}
	switch p.Jitter {
	case "full":
		l.add("Jitter", r.dag("JitterFull"))
	case "plus_minus":
		l.add("Jitter", r.dag("JitterPlusMinus"))
	}
	r.span(&l, "MaxDelay", p.MaxDelay)
	return l
}

// span writes a duration in nanoseconds, for which generated code need not import package time, and in words beside it.
func (r *renderer) span(l *fieldList, name string, d time.Duration) {
	if d > 0 {
		l.add(name, jen.Lit(int(d)).Comment("/* "+d.String()+" */"))
	}
}
