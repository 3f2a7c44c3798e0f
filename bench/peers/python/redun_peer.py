"""redun: tasks by their source and arguments, results in SQLite; its local executor with threads."""

import logging
import sys

import peer
import steps
from redun import Scheduler, task
from redun.config import Config

sys.setrecursionlimit(100_000)  # redun evaluates a chain of calls by recursion
redun_namespace = "bench"


def of(f):
    return task(name=f.__name__)(f)


@task(cache=False)
def total(xs):
    return sum(xs)


@task(cache=False)
def parts(xs):
    return xs


if peer.WORKLOAD == "mapping":
    fit = of(steps.fit)
elif peer.WORKLOAD == "files":
    stages = [of(f) for f in steps.stages]
    make = of(steps.make)
else:
    fs = [of(f) for f in peer.functions(steps)]


def work():
    if peer.WORKLOAD in ("chain", "start"):
        x = 0
        for f in fs:
            x = f(x)
        return x
    if peer.WORKLOAD == "wide":
        return total([f(i) for i, f in enumerate(fs)])
    if peer.WORKLOAD == "mapping":
        return total([fit(i) for i in range(peer.SIZE)])
    out = []
    for i in range(peer.SIZE):
        data = make(i)
        for stage in stages:
            data = stage(data)
        out.append(data)
    return parts(out)


logging.getLogger("redun").setLevel(logging.ERROR)
if peer.WORKLOAD == "define":
    with peer.Clock() as clock:
        pass
    peer.report(clock, len(fs))
else:
    scheduler = Scheduler(config=Config({"backend": {"db_uri": f"sqlite:///{peer.FOLDER}/redun.db"}}))
    scheduler.load()
    with peer.Clock() as clock:
        answer = scheduler.run(work())
    if peer.WORKLOAD == "files":
        answer = peer.digest(answer)
    peer.report(clock, answer, steps.calls)
