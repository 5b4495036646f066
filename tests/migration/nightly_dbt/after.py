"""Builds the shop's dbt project every night, and tells Slack when that broke."""

import os
from datetime import timedelta

import pendulum

import orchestrator as prefect
from orchestrator import Flow, Parameter, task
from orchestrator.notifications import slack_notifier
from orchestrator.schedule import Schedule
from orchestrator.schedule.clocks import CronClock
from orchestrator.states import Failed
from tasks import DbtShellTask

HERE = os.path.dirname(os.path.abspath(__file__))


def say_how_long(flow, old_state, new_state):
    if new_state.is_finished():
        prefect.context.get("logger").info("%s: %s", flow.name, new_state.message)
    return new_state


tell_slack = slack_notifier(only_states=[Failed], webhook_secret="SLACK_WEBHOOK_URL")

dbt = DbtShellTask(
    name="dbt",
    profile_name="shop",
    environment="prod",
    overwrite_profiles=True,
    profiles_dir=HERE,
    dbt_kwargs={"type": "duckdb", "path": os.path.join(HERE, "shop.duckdb"), "threads": 4},
    helper_script="cd " + os.path.join(HERE, "shop"),
    env={"SHOP_CURRENCY": "EUR"},
    return_all=True,
    log_stderr=True,
    max_retries=1,
    retry_delay=timedelta(seconds=1),
    state_handlers=[tell_slack],
)


@task
def build_command(full_refresh):
    return "dbt run --full-refresh" if full_refresh else "dbt run"


@task
def count_lines(lines):
    prefect.context.get("logger").info("dbt said %s lines", len(lines))
    return len(lines) > 0


every_night = Schedule(
    clocks=[CronClock("30 2 * * *", start_date=pendulum.datetime(2022, 1, 1, tz="Europe/Berlin"))]
)

with Flow("nightly-dbt", schedule=every_night, state_handlers=[say_how_long]) as flow:
    full_refresh = Parameter("full_refresh", default=False)
    seed = dbt(command="dbt seed", task_args={"name": "dbt seed"})
    run = dbt(
        command=build_command(full_refresh), task_args={"name": "dbt run"}, upstream_tasks=[seed]
    )
    test = dbt(command="dbt test", task_args={"name": "dbt test"}, upstream_tasks=[run])
    count_lines(test)
