package model

import (
	"time"

	"github.com/dagstergen/dagstergen/annotations"
)

// A Running says how steps are computed, and is no part of any version: of an op, of a call, or of all steps of a job.
type Running struct {
	Retry   *Retry        // nil where nothing is said
	Timeout time.Duration // 0 where nothing is said
	Pool    string        // of an op; empty where nothing is said
	Hooks   []*Hook
	Tags    map[string]string // of a call

	hooks *annotations.Arg // what is still to be found
}

// A Retry is what retries= and its companions say.
type Retry struct {
	MaxRetries      int
	Delay, MaxDelay time.Duration
	Backoff, Jitter string // those of the directive: "linear", "full"; empty for none
}

// runningOf reads the arguments of a directive that say how steps are computed.
func runningOf(a *annotations.Annotation) Running {
	r := Running{Timeout: a.Span("timeout"), Pool: a.Value("pool")}
	if _, ok := a.Arg("retries"); ok {
		r.Retry = &Retry{
			MaxRetries: a.Count("retries"), Delay: a.Span("retry_delay"), MaxDelay: a.Span("retry_cap"), Backoff: a.Value("backoff"), Jitter: a.Value("jitter"),
		}
	}
	if arg, ok := a.Arg("hooks"); ok {
		r.hooks = &arg
	}
	return r
}

// with says of the calls of a statement what its //dag:with says.
func (w *body) with(st *statement) {
	a := st.with
	if a == nil || st.failed {
		return
	}
	if len(st.all) == 0 {
		hint := "put it on a statement that calls an op or a graph"
		if st.region != nil {
			hint = "put it on the statements inside that call ops"
		}
		w.wrong(CodeJobDirective, a.Pos, a.End, hint, "//dag:with says nothing: this statement calls nothing")
		return
	}
	r := runningOf(a)
	r.Tags = a.Map("tags")
	if r.hooks != nil {
		if r.Hooks = w.b.hooksOf(&w.g.Func, *r.hooks); w.g.Broken {
			w.fail()
		}
	}
	for _, n := range st.all {
		n.With = r
	}
}
