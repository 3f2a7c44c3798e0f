"""Dagster, the newest release and the last one with memoization. The mode is inprocess or multiprocess (a job of ops), assets (in one process)
or memo (a job of ops, with SourceHashVersionStrategy). Outputs go to files, runs and events to SQLite."""

import glob
import logging
import os
import pickle
import sys
import warnings

import peer
import steps

os.environ["DAGSTER_HOME"] = peer.FOLDER
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
with open(os.path.join(peer.FOLDER, "dagster.yaml"), "w") as f:
    f.write("telemetry:\n  enabled: false\npython_logs:\n  python_log_level: CRITICAL\n")
logging.disable(logging.WARNING)
sys.setrecursionlimit(50_000)  # it goes through what a step is made from by recursion: a chain of 1,000 is beyond Python's own limit
warnings.simplefilter("ignore")

import dagster as d

MEMO = peer.MODE == "memo"
NUMBERS = ("chain", "wide", "start", "define")


def op_of(f, default=None, out=None):
    given = {"x": d.In(default_value=default)} if default is not None else {"x": d.In()}
    return d.op(name=f.__name__, ins=given, out=out)(f)


def graph():
    w = peer.WORKLOAD
    if w in ("chain", "start"):
        ops = [op_of(f, 0 if i == 0 else None) for i, f in enumerate(peer.functions(steps))]

        @d.graph
        def work():
            x = ops[0]()
            for o in ops[1:]:
                x = o(x)

    elif w in ("wide", "define"):
        ops = [op_of(f, i) for i, f in enumerate(peer.functions(steps))]

        @d.graph
        def work():
            for o in ops:
                o()

    elif w == "mapping":

        @d.op(out=d.DynamicOut())
        def elements():
            for i in range(peer.SIZE):
                yield d.DynamicOutput(i, mapping_key=str(i))

        fit = op_of(steps.fit)

        @d.op
        def total(xs):
            return sum(xs)

        @d.graph
        def work():
            total(elements().map(fit).collect())

    else:
        makes = [make_op(i) for i in range(peer.SIZE)]
        stages = [op_of(f) for f in steps.stages]

        @d.graph
        def work():
            for i, make in enumerate(makes):
                data = make()
                for k, stage in enumerate(stages):
                    data = stage.alias(f"stage{k}_{i}")(data)

    return work


def make_op(i):
    @d.op(name=f"make{i}")
    def make():
        return steps.make(i)

    return make


def job():
    more = {"version_strategy": d.SourceHashVersionStrategy()} if MEMO else {}
    return graph().to_job(name="work", resource_defs={"io_manager": files()}, **more)


def files():
    return d.fs_io_manager.configured({"base_dir": os.path.join(peer.FOLDER, "storage")})


def assets():
    fs = peer.functions(steps) if peer.WORKLOAD in NUMBERS else []
    out = []
    if peer.WORKLOAD in ("chain", "start"):
        for i, f in enumerate(fs):
            if i == 0:
                out.append(first(f))
            else:
                out.append(d.asset(name=f.__name__, ins={"x": d.AssetIn(key=fs[i - 1].__name__)})(f))
    elif peer.WORKLOAD in ("wide", "define"):
        out = [first(f, i) for i, f in enumerate(fs)]
    elif peer.WORKLOAD == "files":
        for i in range(peer.SIZE):
            out.append(made(i))
            for k, f in enumerate(steps.stages):
                before = f"make{i}" if k == 0 else f"stage{k - 1}_{i}"
                out.append(d.asset(name=f"stage{k}_{i}", ins={"x": d.AssetIn(key=before)})(f))
    return out


def first(f, x=0):
    @d.asset(name=f.__name__)
    def a():
        return f(x)

    return a


def made(i):
    @d.asset(name=f"make{i}")
    def a():
        return steps.make(i)

    return a


def name(i):
    return f"s{i:05d}"


def answer_of(value):
    """The answer, from a way to read the output of a step."""
    w = peer.WORKLOAD
    if w in ("chain", "start"):
        return value(name(peer.SIZE - 1))
    if w == "wide":
        return sum(value(name(i)) for i in range(peer.SIZE))
    if w == "mapping":
        return value("total")
    return peer.digest(value(f"stage{len(steps.stages) - 1}_{i}") for i in range(peer.SIZE))


def run_job(config, clock):
    recon = d.reconstructable(job)
    instance = d.DagsterInstance.get()
    with clock:
        result = d.execute_job(recon, instance=instance, run_config=config, raise_on_error=True)
    return result


def partitioned():
    """Assets in layers. What Dagster knows of them is all that counts, so they hand on no values."""
    definition = d.StaticPartitionsDefinition(steps.keys)
    out = []
    for i in range(peer.SIZE):
        version = 1 + steps.edit if i == steps.edited else 1

        @d.asset(
            name=name(i),
            deps=[name(i - 1)] if i % steps.layers else [],
            partitions_def=definition,
            code_version=str(version),
            backfill_policy=d.BackfillPolicy.single_run(),
        )
        def a() -> None:
            pass

        out.append(a)
    return out, definition


def partitions(clock):
    all_assets, definition = partitioned()
    instance = d.DagsterInstance.get()
    if peer.PHASE == "first":
        kept = len(steps.keys) - steps.unstored
        with clock:
            for chosen, first, last in ((None, 0, kept - 1), ([name(i) for i in range(peer.SIZE) if i not in steps.last], kept, len(steps.keys) - 1)):
                tags = {"dagster/asset_partition_range_start": steps.keys[first], "dagster/asset_partition_range_end": steps.keys[last]}
                d.materialize(all_assets, instance=instance, selection=chosen, tags=tags)
        return ""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver
    from dagster._core.loader import LoadingContextForTest
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    graph = d.Definitions(assets=all_assets).get_repository_def().asset_graph
    count = {"FRESH": 0, "STALE": 0, "MISSING": 0}
    loading = LoadingContextForTest(instance)
    if peer.PHASE == "again":
        with clock:  # what its pages show: stored or not; whether it is out of date is not in it
            for a in all_assets:
                value = get_and_update_asset_status_cache_value(instance, a.key, definition, loading_context=loading)
                stored = len(value.deserialize_materialized_partition_subsets(definition))
                count["FRESH"] += stored
                count["MISSING"] += len(steps.keys) - stored
    else:
        resolver = CachingStaleStatusResolver(instance, graph, loading)
        with clock:
            for a in all_assets:
                for key in steps.keys:
                    count[resolver.get_status(a.key, key).name] += 1
    return f"fresh {count['FRESH']}, stale {count['STALE']}, missing {count['MISSING']}"


def multi_config():
    return {"execution": {"config": {"multiprocess": {}}}}


def in_process_config():
    return {"execution": {"config": {"in_process": {}}}}


if peer.WORKLOAD == "start" and peer.MODE == "assets":
    defs = d.Definitions(assets=assets())
elif peer.WORKLOAD == "start":
    defs = d.Definitions(jobs=[job()])


def main():
    clock = peer.Clock()
    if peer.WORKLOAD == "define":
        with clock:
            defs = d.Definitions(assets=assets()) if peer.MODE == "assets" else d.Definitions(jobs=[job()])
            defs.get_repository_def().get_all_jobs()
        peer.report(clock, peer.SIZE)
        return
    if peer.WORKLOAD == "partitions":
        answer = partitions(clock)
        peer.report(clock, answer)
        return
    if peer.MODE == "assets":
        all_assets, instance = assets(), d.DagsterInstance.get()
        with clock:
            result = d.materialize(all_assets, instance=instance, resources={"io_manager": files()})
        peer.report(clock, answer_of(lambda step: result.output_for_node(step)), steps.calls)
        return
    config = multi_config() if peer.MODE == "multiprocess" else in_process_config()
    with run_job(config, clock) as result:
        peer.report(clock, answer_of(stored if MEMO else result.output_for_node), steps_of(result))


def stored(step):
    """The newest stored output of a step: what was reused is not in the result of a run."""
    found = glob.glob(os.path.join(peer.FOLDER, "storage", "versioned_outputs", "*", step, "result"))
    with open(max(found, key=os.path.getmtime), "rb") as f:
        return pickle.load(f)


def steps_of(result):
    return sum(1 for e in result.all_events if e.event_type_value == "STEP_SUCCESS")


if __name__ == "__main__":
    main()
