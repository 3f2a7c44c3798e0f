"""What the programs of all peers share: they are called as

    PROGRAM WORKLOAD PHASE SIZE FOLDER [MODE]

with a module `steps` of plain functions beside them, and print one line of JSON: the seconds that the work took, its answer, and how many
functions were called (-1 where the program cannot tell). Loading the peer and defining the work are not in the seconds.
"""

import hashlib
import json
import os
import sys
import time

ARGUMENTS = os.environ.get("PEER", "").split() or sys.argv[1:]  # a peer's own command takes no arguments for us
WORKLOAD, PHASE, SIZE, FOLDER = ARGUMENTS[0], ARGUMENTS[1], int(ARGUMENTS[2]), ARGUMENTS[3]
MODE = ARGUMENTS[4] if len(ARGUMENTS) > 4 else ""


def functions(steps):
    """The functions s00000, s00001, ... of the module of steps."""
    return [getattr(steps, f"s{i:05d}") for i in range(SIZE)]


def digest(parts):
    """The SHA-256 of the SHA-256 of each part."""
    h = hashlib.sha256()
    for p in parts:
        h.update(hashlib.sha256(p).digest())
    return h.hexdigest()


class Clock:
    """Measures what stands in its with block."""

    def __enter__(self):
        self.begun = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.begun


def report(clock, answer, ran=-1):
    print(json.dumps({"seconds": clock.seconds, "answer": str(answer), "ran": ran}), flush=True)
