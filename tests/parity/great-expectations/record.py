"""Records what Great Expectations itself says of many expectations, in the form of the reference results.

The packages are those of fixtures/recorded.json under `source`. Usage: python record.py OUT.json [--seed N] [--every K] | REFERENCE.json --check

Datasets are frames of float64, object, bool and datetime64[ns] columns; every case is evaluated alone.
`--check` runs the cases of an existing file again instead and reports which no longer give the same.
"""
import argparse
import json
import logging
import math
import random
import sys
import warnings

import pandas as pd
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column

from cases import datasets, cases

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

OPERATORS = {
    "==": lambda c, v: c == v, "!=": lambda c, v: c != v, "<": lambda c, v: c < v, "<=": lambda c, v: c <= v,
    ">": lambda c, v: c > v, ">=": lambda c, v: c >= v,
    "in": lambda c, v: c.is_in(v), "not_in": lambda c, v: c.is_not_in(v),
    "is_null": lambda c, v: c.is_null(), "is_not_null": lambda c, v: c.is_not_null(),
}


def condition(c):
    if isinstance(c, str) or c is None:
        return c
    if "and" in c or "or" in c:
        parts = [condition(x) for x in c.get("and", c.get("or"))]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole & part if "and" in c else whole | part
        return whole
    return OPERATORS[c["operator"]](Column(c["column"]), c.get("value"))


def frame(dataset):
    columns = {}
    for name, kind in dataset["columns"].items():
        values = dataset["data"][name]
        if kind == "number":
            columns[name] = pd.Series([float(v) if v is not None else math.nan for v in values], dtype="float64")
        elif kind == "string":
            columns[name] = pd.Series(values, dtype="object")
        elif kind == "boolean":
            columns[name] = pd.Series(values, dtype="bool" if None not in values else "object")
        else:
            columns[name] = pd.Series(pd.to_datetime(values), dtype="datetime64[ns]")
    return pd.DataFrame(columns)


def encoded(value):
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {str(k): encoded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [encoded(v) for v in value]
    return value


def class_of(type_):
    return next(getattr(gxe, name) for name in dir(gxe)
                if name.startswith("Expect") and getattr(getattr(gxe, name), "expectation_type", None) == type_)


class Peer:
    def __init__(self, data):
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_pandas("frames")
        self.batches = {}
        for name, dataset in data.items():
            definition = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
            self.batches[name] = definition.get_batch(batch_parameters={"dataframe": frame(dataset)})

    def ask(self, case):
        expectation, kwargs = case["expectation"], dict(case["expectation"]["kwargs"])
        if "row_condition" in kwargs:
            given = kwargs["row_condition"]
            kwargs["row_condition"] = condition(given)
            if isinstance(given, str):
                kwargs["condition_parser"] = kwargs.get("condition_parser", "pandas")
        kwargs = {k: pd.Timestamp(v) if k in case.get("moments", ()) else v for k, v in kwargs.items()}
        try:
            asked = class_of(expectation["type"])(**kwargs)
        except Exception as error:
            return {"error": True, "errorType": type(error).__name__, "message": str(error)[:300]}
        try:
            result = self.batches[case["dataset"]].validate(asked, result_format=case["resultFormat"])
        except Exception as error:
            return {"success": False, "result": {}, "exception": True, "exceptionMessage": str(error)[:300]}
        told = result.to_json_dict()
        info = told["exception_info"]
        if "raised_exception" not in info:
            info = next(iter(info.values()))
        if info.get("raised_exception"):
            return {"success": False, "result": {}, "exception": True, "exceptionMessage": info["exception_message"][:300]}
        return {"success": bool(told["success"]), "result": encoded(told["result"]), "exception": False}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="keep one case of so many")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        known = json.load(open(options.out))
        peer = Peer(known["datasets"])
        wrong = 0
        for case in known["cases"]:
            got, want = peer.ask(case["input"]), case["expect"]
            told = {key: got.get("result", {}).get(key) for key in want.get("result", {})}
            got = {key: got.get(key) for key in want} | ({"result": told} if "result" in want else {})
            if json.dumps(got, sort_keys=True) != json.dumps(want, sort_keys=True):
                wrong += 1
                print(case["id"], json.dumps(case["input"])[:300], "\n   got ", json.dumps(got)[:400], "\n   want", json.dumps(want)[:400])
        print(f"{len(known['cases'])} cases, {wrong} differ")
        sys.exit(1 if wrong else 0)
    rng = random.Random(options.seed)
    data = datasets(rng)
    peer = Peer(data)
    recorded = []
    for index, case in enumerate(cases(rng, data)):
        if index % options.every:
            continue
        told = peer.ask(case)
        short = case["expectation"]["type"].removeprefix("expect_")
        recorded.append({"id": f"{index:04d}.{case['dataset']}.{short}", "op": "quality.validate", "input": case,
                         "expect": told, "tol": {"abs": 1e-9, "rel": 1e-9}})
    source = {"great_expectations": gx.__version__, "pandas": pd.__version__}
    with open(options.out, "w") as out:
        json.dump({"area": "quality", "schema": 1, "source": source, "datasets": data, "cases": recorded}, out)
    print(f"{len(recorded)} cases")


if __name__ == "__main__":
    main()
