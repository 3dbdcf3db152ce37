"""The workloads as Prefect flows, run in this process; prints one JSON line. Arguments: how many rounds."""

import json
import sys
import time

from prefect import flow, task


@task
def step(value):
    return value + 1


def timed(seconds):
    """A flow whose body tells how long its tasks took, without what comes before and after it."""

    def decorate(body):
        def run():
            begun = time.perf_counter()
            body()
            seconds.append(time.perf_counter() - begun)

        run.__name__ = body.__name__
        return flow(log_prints=False)(run)

    return decorate


chain_seconds, fan_seconds, first_seconds = [], [], []


@timed(first_seconds)
def first():
    step(0)


@timed(chain_seconds)
def chain():
    value = 0
    for _ in range(100):
        value = step(value)


@timed(fan_seconds)
def fan():
    futures = [step.submit(nth) for nth in range(200)]
    step(len([future.result() for future in futures]))


rounds = int(sys.argv[1])
if rounds == 0:
    first()
for nth in range(rounds + 1 if rounds else 0):
    chain()
    fan()
# The first round warms up.
print(json.dumps({"chain": chain_seconds[1:], "fan": fan_seconds[1:]}))
