"""The workloads as Airflow DAGs."""

from datetime import datetime, timedelta

from airflow.sdk import DAG, task

COMMON = {"start_date": datetime(2026, 1, 1), "catchup": False}


@task
def noop():
    return None


def chain(dag_id, length, **options):
    with DAG(dag_id, schedule=None, **COMMON, **options):
        before = None
        for nth in range(length):
            step = noop.override(task_id=f"t{nth:03}")()
            if before is not None:
                before >> step
            before = step


chain("chain100", 100)
chain("chain10", 10, max_active_runs=32)
with DAG("fan200", schedule=None, **COMMON):
    [noop.override(task_id=f"t{nth:03}")() for nth in range(200)] >> noop.override(task_id="join")()
with DAG("every5s", schedule=timedelta(seconds=5), max_active_runs=32, **COMMON):
    noop()
