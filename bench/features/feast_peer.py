"""Feast as the peer of the bench: reads one command a line, answers one line of JSON with the seconds it took.

Arguments: a folder for its state, and JSON {"tables": {name: Parquet file}, "entities": Parquet file, "redis": "host:port"}.
"""

import json
import os
import sys
import time
import warnings
from datetime import timedelta

warnings.filterwarnings("ignore")
os.environ["FEAST_USAGE"] = "False"

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, Int64, String

folder, given = sys.argv[1], json.loads(sys.argv[2])
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)


def source(name):
    return FileSource(
        name=f"{name}_source",
        path=given["tables"][name],
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )


VIEWS = [
    FeatureView(
        name=name,
        entities=[user],
        ttl=timedelta(days=10),
        schema=[
            Field(name="user_id", dtype=Int64),
            Field(name="amount", dtype=Float64),
            Field(name="visits", dtype=Int64),
            Field(name="city", dtype=String),
        ],
        source=source(name),
        online=False,
    )
    for name in ("orders", "sessions", "returns")
]
SERVED = FeatureView(
    name="served",
    entities=[user],
    ttl=timedelta(days=0),
    schema=[Field(name="user_id", dtype=Int64)] + [Field(name=f"f{n}", dtype=Float64) for n in range(10)],
    source=source("served"),
)
HISTORICAL = [f"{name}:{feature}" for name in ("orders", "sessions", "returns") for feature in ("amount", "visits", "city")]
ONLINE = [f"served:f{n}" for n in range(10)]


def opened(name, offline, online):
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    config = RepoConfig(
        project="bench",
        registry=f"{folder}/{name}/registry.db",
        provider="local",
        offline_store=offline,
        online_store=online,
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    store.apply([user, *VIEWS, SERVED])
    return store


stores = {}


def store_of(name):
    if name not in stores:
        offline = {"type": "duckdb" if name == "duckdb" else "dask"}
        online = (
            {"type": "redis", "connection_string": given["redis"]}
            if name == "redis"
            else {"type": "sqlite", "path": f"{folder}/{name}-online.db"}
        )
        stores[name] = opened(name, offline, online)
        if name in ("sqlite", "redis"):
            stores[name].write_to_online_store("served", pd.read_parquet(given["tables"]["served"]))
    return stores[name]


entities = None
for line in sys.stdin:
    command, name, *rest = json.loads(line)
    try:
        store = store_of(name)
        if command == "historical":
            if entities is None:
                entities = pd.read_parquet(given["entities"])
            begun = time.perf_counter()
            joined = store.get_historical_features(entities, HISTORICAL, full_feature_names=True).to_df()
            answer = {"seconds": time.perf_counter() - begun, "rows": len(joined)}
            if rest:
                joined[["n", *(name.replace(":", "__") for name in HISTORICAL)]].to_parquet(rest[0], index=False)
        else:
            times = []
            for users in rest[0]:
                wanted = [{"user_id": user_id} for user_id in users]
                begun = time.perf_counter()
                values = store.get_online_features(features=ONLINE, entity_rows=wanted).to_dict()
                times.append(time.perf_counter() - begun)
            answer = {"times": times, "last": {name: values[name] for name in ["user_id", *(f"f{n}" for n in range(10))]}}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("ANSWER " + json.dumps(answer), flush=True)
