"""Sums up a day's orders in Snowflake, if there are any, and says what came of it."""

import os

import prefect
from prefect import Flow, Parameter, case, task
from prefect.tasks.control_flow import merge
from prefect.tasks.secrets import EnvVarSecret, PrefectSecret
from prefect.tasks.snowflake import SnowflakeQuery
from prefect.triggers import all_finished

CONNECTION = {
    "account": os.environ.get("SNOWFLAKE_ACCOUNT", "acme"),
    "database": os.environ.get("SNOWFLAKE_DATABASE", "ANALYTICS"),
    "schema": "PUBLIC",
    "warehouse": "TRANSFORMING",
    "autocommit": True,
}

find = SnowflakeQuery(
    name="find orders",
    query="select count(*) from orders where day = %s",
    max_retries=0,
    **CONNECTION,
)
summarise = SnowflakeQuery(name="summarise", **CONNECTION)
read = SnowflakeQuery(
    name="read", query="select day, amount from daily where day = %s", **CONNECTION
)


@task
def any_rows(found):
    return found[0][0] > 0


@task
def insert_for(day):
    return f"insert into daily select day, sum(amount) from orders where day = '{day}' group by day"


@task
def nothing(day):
    prefect.context.get("logger").warning("there are no orders of %s", day)
    return []


@task(trigger=all_finished, skip_on_upstream_skip=False)
def say(found):
    return f"{len(found)} rows" if found else "no rows"


with Flow("snowflake-summary") as flow:
    day = Parameter("day", default="2022-03-01")
    user = EnvVarSecret("SNOWFLAKE_USER")
    password = PrefectSecret("SNOWFLAKE_PASSWORD")
    login = {"user": user, "password": password}

    there = any_rows(find(data=[day], **login))
    with case(there, True):
        summarised = summarise(query=insert_for(day), **login)
        rows = read(data=[day], upstream_tasks=[summarised], **login)
    with case(there, False):
        none = nothing(day)
    said = say(merge(rows, none))

if __name__ == "__main__":
    state = flow.run(parameters={"day": "2022-03-02"})
    print(state.message, state.result[said].result)
