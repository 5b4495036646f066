"""A flow that does next to nothing, every quarter of an hour: it shows that runs are launched."""

from orchestrator import CronSchedule, Flow, task


@task
def beat() -> str:
    """Say that this run was launched and driven to its end."""
    return "alive"


with Flow("heartbeat", schedule=CronSchedule("*/15 * * * *", timezone="UTC")) as flow:
    beat()
