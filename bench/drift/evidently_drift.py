"""Evidently, in a process of its own: FOLDER COLUMNS(JSON); prints one line of JSON. Loading is not timed."""
import json
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

folder, columns = sys.argv[1], json.loads(sys.argv[2])


def load(side, column):
    if column["type"] == "num":
        return np.fromfile(f"{folder}/{side}.{column['name']}.values", dtype="<f8")
    data = open(f"{folder}/{side}.{column['name']}.values", "rb").read().decode()
    ends = np.fromfile(f"{folder}/{side}.{column['name']}.offsets", dtype="<i4").tolist()
    texts = {}
    return [texts.setdefault(t, t) for t in (data[a:b] for a, b in zip(ends, ends[1:]))]


definition = DataDefinition(
    numerical_columns=[c["name"] for c in columns if c["type"] == "num"],
    categorical_columns=[c["name"] for c in columns if c["type"] == "cat"],
)
sides = {
    side: Dataset.from_pandas(pd.DataFrame({c["name"]: load(side, c) for c in columns}), data_definition=definition)
    for side in ("reference", "current")
}
begun, cpu = time.perf_counter(), time.process_time()
run = Report([DataDriftPreset()]).run(sides["current"], sides["reference"])
found = json.loads(run.json())
seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
drift = [
    {"column": m["config"]["column"], "method": m["config"]["method"], "score": m["value"]}
    for m in found["metrics"]
    if "ValueDrift" in m["metric_name"]
]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "peakMiB": peak, "columns": drift}))
