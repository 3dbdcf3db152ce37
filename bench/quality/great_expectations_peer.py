"""Great Expectations over pandas: validates a suite each time a line comes in, and tells how long it took.

usage: python great_expectations_peer.py TABLE.parquet SUITE.json
"""
import json
import logging
import sys
import time
import warnings

import pandas as pd
import great_expectations as gx
from great_expectations.core.expectation_suite import ExpectationSuite

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

table, suite_file = sys.argv[1:3]
frame = pd.read_parquet(table)
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
suite = context.suites.add(ExpectationSuite(**json.load(open(suite_file))))
definition = context.data_sources.add_pandas("bench").add_dataframe_asset("frame").add_batch_definition_whole_dataframe("all")
batch = definition.get_batch(batch_parameters={"dataframe": frame})
print(json.dumps({"ready": True, "rows": len(frame), "version": gx.__version__}), flush=True)
for _ in sys.stdin:
    begun = time.perf_counter()
    result = batch.validate(suite, result_format="SUMMARY")
    seconds = time.perf_counter() - begun
    # The results come grouped by column; the expectation's own id says which is which.
    verdicts = {r.expectation_config.meta["place"]: bool(r.success) for r in result.results}
    print(json.dumps({"seconds": seconds, "verdicts": verdicts}), flush=True)
