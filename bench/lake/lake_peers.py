"""PySpark, pandas or Polars at the work of the lake bench: a line asks for a step, a line of JSON answers."""

import json
import os
import shutil
import sys
import time

peer, folder, threads = sys.argv[1], sys.argv[2], sys.argv[3]
orders, customers = f"{folder}/orders.parquet", f"{folder}/customers.parquet"
table = f"{folder}/{peer}"
derived = f"{folder}/{peer}-derived"


def pyspark():
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.shuffle.partitions", threads)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )

    def load():
        spark.read.parquet(orders).write.mode("overwrite").parquet(table)

    def views():
        spark.read.parquet(table).createOrReplaceTempView("orders")
        spark.read.parquet(customers).createOrReplaceTempView("customers")

    def derive():
        spark.read.parquet(table).createOrReplaceTempView("orders")
        found = spark.sql("SELECT order_id, customer, day, round(amount * 1.19D, 2) AS gross FROM orders WHERE amount > 10")
        found.write.mode("overwrite").parquet(derived)

    def query(sql):
        views()
        return [tuple(row) for row in spark.sql(sql).collect()]

    join = """SELECT segment, count(*) AS n, sum(amount) AS total FROM orders JOIN customers ON customer = id
        WHERE active AND amount > 10 GROUP BY segment ORDER BY segment"""
    days = "SELECT day, count(*) AS n, sum(amount) AS total FROM orders GROUP BY day ORDER BY day"
    return load, derive, lambda: query(join), lambda: query(days)


def pandas():
    import pandas as pd
    import pyarrow

    pyarrow.set_cpu_count(int(threads))

    def load():
        os.makedirs(table, exist_ok=True)
        pd.read_parquet(orders).to_parquet(f"{table}/part.parquet", compression="zstd")

    def derive():
        os.makedirs(derived, exist_ok=True)
        found = pd.read_parquet(table)
        found = found[found.amount > 10]
        found = found.assign(gross=(found.amount * 1.19).round(2)).drop(columns="amount")
        found.to_parquet(f"{derived}/part.parquet", compression="zstd")

    def join():
        bought = pd.read_parquet(table, columns=["customer", "amount"])
        active = pd.read_parquet(customers)
        both = bought[bought.amount > 10].merge(active[active.active], left_on="customer", right_on="id")
        found = both.groupby("segment").amount.agg(["count", "sum"]).sort_index()
        return list(found.itertuples(name=None))

    def days():
        found = pd.read_parquet(table, columns=["day", "amount"]).groupby("day").amount.agg(["count", "sum"])
        return list(found.sort_index().itertuples(name=None))

    return load, derive, join, days


def polars():
    os.environ["POLARS_MAX_THREADS"] = threads
    import polars as pl

    def load():
        os.makedirs(table, exist_ok=True)
        pl.scan_parquet(orders).sink_parquet(f"{table}/part.parquet", compression="zstd")

    def derive():
        os.makedirs(derived, exist_ok=True)
        found = pl.scan_parquet(f"{table}/part.parquet").filter(pl.col("amount") > 10)
        found = found.select("order_id", "customer", "day", (pl.col("amount") * 1.19).round(2).alias("gross"))
        found.sink_parquet(f"{derived}/part.parquet", compression="zstd")

    def found(rows, key):
        summed = rows.group_by(key).agg(pl.len().alias("n"), pl.col("amount").sum().alias("total"))
        return summed.sort(key).collect(engine="streaming").rows()

    def join():
        active = pl.scan_parquet(customers).filter(pl.col("active"))
        bought = pl.scan_parquet(f"{table}/part.parquet").filter(pl.col("amount") > 10)
        return found(bought.join(active, left_on="customer", right_on="id"), "segment")

    return load, derive, join, lambda: found(pl.scan_parquet(f"{table}/part.parquet"), "day")


load, derive, join, days = {"pyspark": pyspark, "pandas": pandas, "polars": polars}[peer]()
steps = {"load": load, "derive": derive, "join": join, "days": days}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    step = line.strip()
    if step == "load":
        shutil.rmtree(table, ignore_errors=True)
    began = time.perf_counter()
    rows = steps[step]()
    seconds = time.perf_counter() - began
    check = None if rows is None else {"rows": len(rows), "n": sum(row[1] for row in rows), "total": sum(row[2] for row in rows)}
    print(json.dumps({"seconds": seconds, "check": check}), flush=True)
