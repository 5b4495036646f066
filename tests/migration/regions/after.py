"""Runs the flows of one region after each other, at one time in the north and another in the south."""

from datetime import timedelta

import pendulum

import orchestrator as prefect
from orchestrator import Flow, Parameter, task
from orchestrator.schedule import Schedule
from orchestrator.schedule.clocks import IntervalClock
from tasks import StartFlowRun, create_flow_run, wait_for_flow_run

PROJECT = "analytics"


@task
def orders_of(region):
    prefect.context.get("logger").info("orders of the %s", region)
    return {"north": 120, "south": 80}[region]


@task(log_stdout=True)
def publish_page(region, day):
    print(f"published {region} for {day}")
    return f"{region}.html"


@task
def name_of(region):
    return f"{region} on {prefect.context.get('today')}"


@task
def succeeded(view):
    return view.state.is_successful()


with Flow("ingest") as ingest:
    orders_of(Parameter("region", required=True))

with Flow("publish") as publish:
    publish_page(Parameter("region"), Parameter("day", default="yesterday"))

start_publish = StartFlowRun(flow_name="publish", project_name=PROJECT, wait=True)

twice_a_day = Schedule(
    clocks=[
        IntervalClock(
            start_date=pendulum.datetime(2022, 1, 3, hour, tz="Europe/Berlin"),
            interval=timedelta(days=1),
            parameter_defaults={"region": region},
        )
        for hour, region in [(5, "north"), (17, "south")]
    ]
)

with Flow("regions", schedule=twice_a_day) as flow:
    region = Parameter("region", default="north")
    ingest_run = create_flow_run(
        flow_name="ingest",
        project_name=PROJECT,
        parameters={"region": region},
        run_name=name_of(region),
    )
    ingested = wait_for_flow_run(ingest_run, stream_logs=True, raise_final_state=True)
    published = start_publish(parameters={"region": region}, upstream_tasks=[ingested])
    succeeded(ingested)
