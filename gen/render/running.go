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
	l.text("Pool", s.Pool)
	l.pairs("Tags", s.Tags)
	var hooks []jen.Code
	for _, h := range s.Hooks {
		hooks = append(hooks, jen.Id("_dagHook"+r.hooks[h]))
	}
	if len(hooks) > 0 {
		l.add("Hooks", jen.Index().Op("*").Add(r.dag("Hook")).Values(hooks...))
	}
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

// hook writes the block of a hook.
func (r *renderer) hook(f *jen.File, h *model.Hook) {
	name := r.hooks[h]
	r.guard(f, &h.Func)
	var l fieldList
	l.text("Key", h.Key)
	l.text("Symbol", h.Symbol)
	l.text("Description", h.Description)
	switch h.On {
	case "success":
		l.add("On", r.dag("HookOnSuccess"))
	case "failure":
		l.add("On", r.dag("HookOnFailure"))
	}
	r.injected(&l, &h.Func)
	l.add("Invoke", r.dag("InvokeOf").Call(jen.Id("_dagTell"+name).Values()))
	f.Line()
	f.Var().Id("_dagHook" + name).Op("=").Op("&").Add(r.dag("Hook")).Add(multi(l...))
	if h.Pkg == r.p {
		doc(f, "%s is the hook %s, for jobs and graphs that are made in Go code.", h.Handle, h.Key)
		f.Var().Id(h.Handle).Op("=").Id("_dagHook" + name)
	}
	f.Line()
	f.Type().Id("_dagTell" + name).Struct()
	call := r.target(&h.Func).Call(r.arguments(&h.Func)...)
	body := []jen.Code{jen.Return(call)}
	if !h.HasError {
		body = []jen.Code{call, jen.Return(jen.Nil())}
	}
	f.Line()
	f.Func().Params(jen.Id("_dagTell" + name)).Id("Invoke").Params(r.invokeParams()...).Error().Block(body...)
}
