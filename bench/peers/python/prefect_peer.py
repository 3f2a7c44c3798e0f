"""Prefect: a flow of tasks that are cached by their source and their inputs, with results stored; its own temporary server, its default task runner."""

import logging
import os
import sys

os.environ["PREFECT_HOME"] = sys.argv[4]
os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "300"  # of a busy machine
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_LOCAL_STORAGE_PATH"] = os.path.join(sys.argv[4], "results")

import peer
import steps
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE

logging.disable(logging.WARNING)


def of(f):
    return task(name=f.__name__, cache_policy=TASK_SOURCE + INPUTS, persist_result=True)(f)


if peer.WORKLOAD == "mapping":
    fit = of(steps.fit)
elif peer.WORKLOAD == "files":
    stages = [of(f) for f in steps.stages]
    make = of(steps.make)
else:
    fs = [of(f) for f in peer.functions(steps)]


@flow(name="work")
def work():
    if peer.WORKLOAD in ("chain", "start"):
        x = 0
        for f in fs:
            x = f(x)
        return x
    if peer.WORKLOAD == "wide":
        return sum(r.result() for r in [f.submit(i) for i, f in enumerate(fs)])
    if peer.WORKLOAD == "mapping":
        return sum(r.result() for r in fit.map(list(range(peer.SIZE))))
    out = []
    for i in range(peer.SIZE):
        data = make(i)
        for stage in stages:
            data = stage(data)
        out.append(data)
    return out


if __name__ == "__main__":
    if peer.WORKLOAD == "define":
        with peer.Clock() as clock:
            pass
        peer.report(clock, len(fs))
    else:
        with peer.Clock() as clock:
            answer = work()
        if peer.WORKLOAD == "files":
            answer = peer.digest(answer)
        peer.report(clock, answer, steps.calls)
