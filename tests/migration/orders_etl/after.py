"""Loads the orders of some days, a file each, into one table."""

import csv
import os
from datetime import date, timedelta

import duckdb

import orchestrator as prefect
from orchestrator import FilterTask, Flow, Parameter, flatten, task, unmapped
from orchestrator.executors import LocalDaskExecutor
from orchestrator.results import LocalResult
from orchestrator.signals import SKIP

HERE = os.path.dirname(os.path.abspath(__file__))


@task
def list_days(start, days):
    first = date.fromisoformat(start)
    return [(first + timedelta(days=n)).isoformat() for n in range(days)]


@task(max_retries=3, retry_delay=timedelta(seconds=1), checkpoint=True, result=LocalResult(HERE))
def extract(day, folder):
    logger = prefect.context.get("logger")
    path = os.path.join(folder, f"orders_{day}.csv")
    if not os.path.exists(path):
        raise SKIP(f"no orders on {day}")
    if prefect.context.get("task_run_count") == 1 and day.endswith("-02"):
        raise ConnectionError("the share is not there yet")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    logger.info("%s orders on %s", len(rows), day)
    return rows


@task(nout=2)
def rates(currency):
    return {"EUR": 1.0, "USD": 0.9}[currency], currency


@task(name="transform order")
def transform(order, rate):
    return {"id": int(order["id"]), "amount": round(float(order["amount"]) * rate, 2)}


@task(name="load", tags=["warehouse"], timeout=60)
def load(orders, table, database):
    connection = duckdb.connect(database)
    connection.execute(f"create or replace table {table} (id integer, amount double)")
    connection.executemany(
        f"insert into {table} values (?, ?)", [(order["id"], order["amount"]) for order in orders]
    )
    [(count, total)] = connection.execute(f"select count(*), sum(amount) from {table}").fetchall()
    connection.close()
    return {"count": count, "total": total}


@task
def report(loaded, currency):
    return f"{loaded['count']} orders for {loaded['total']:.2f} {currency}"


there = FilterTask(lambda found: not isinstance(found, (BaseException, type(None))))

with Flow("orders-etl", executor=LocalDaskExecutor(scheduler="threads", num_workers=4)) as flow:
    start = Parameter("start", default="2022-03-01")
    days = Parameter("days", default=3)
    folder = Parameter("folder", default=os.path.join(HERE, "orders"))
    database = Parameter("database", default=os.path.join(HERE, "orders.duckdb"))
    rate, currency = rates(Parameter("currency", default="EUR"))
    extracted = there(extract.map(list_days(start, days), unmapped(folder)))
    transformed = transform.map(flatten(extracted), unmapped(rate))
    loaded = load(transformed, table="orders", database=database)
    reported = report(loaded, currency)

if __name__ == "__main__":
    state = flow.run(parameters={"days": 2, "currency": "USD"})
    assert state.is_successful(), state.message
    print(state.result[reported].result)
