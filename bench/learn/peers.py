"""scikit-learn and LightGBM on the other side of the bench: one JSON request a line, one JSON answer a line."""
import json
import sys
import time

import numpy as np


def data(rows, features, seed):
    from sklearn.datasets import make_classification

    x, y = make_classification(
        n_samples=rows + 20_000, n_features=features, n_informative=12, n_redundant=6, n_clusters_per_class=4,
        flip_y=0.05, class_sep=0.8, random_state=seed,
    )
    return np.ascontiguousarray(x), y


def model(kind, threads, trees):
    if kind == "random_forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_estimators=trees, n_jobs=threads, random_state=0)
    if kind == "gradient_boosting":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_estimators=trees, num_leaves=31, n_jobs=threads, random_state=0, verbose=-1)
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression())


def timed(act):
    wall, cpu = time.perf_counter(), time.process_time()
    result = act()
    return result, (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


state = {}


def answer(request):
    if request["ask"] == "data":
        x, y = data(request["rows"], request["features"], 7)
        state["x"], state["y"] = x[:-20_000], y[:-20_000]
        state["test"], state["labels"] = x[-20_000:], y[-20_000:]
        x.astype("<f8").tofile(request["x"])
        y.astype("<f8").tofile(request["y"])
        return {}
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits

    threads = request["threads"]
    with threadpool_limits(threads):
        fitted = model(request["model"], threads, request["trees"])
        _, wall, cpu = timed(lambda: fitted.fit(state["x"], state["y"]))
        said, bulk, bulk_cpu = timed(lambda: fitted.predict_proba(state["test"])[:, 1])
        single = []
        if request["single"]:
            for at in range(request["single"]):
                row = state["test"][at : at + 1]
                single.append(timed(lambda: fitted.predict_proba(row))[1])
    return {
        "fit": wall, "fitCpu": cpu, "bulk": bulk, "bulkCpu": bulk_cpu,
        "row": float(np.median(single)) if single else None,
        "auc": float(roc_auc_score(state["labels"], said)),
    }


import warnings

warnings.filterwarnings("ignore")
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
