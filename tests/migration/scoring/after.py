"""Scores parts of a data set on a Dask cluster, cleans up after itself, and calls if that failed."""

import os
import shutil
import tempfile
from datetime import timedelta

import orchestrator as prefect
from orchestrator import FilterTask, Flow, Parameter, resource_manager, signals, task, unmapped
from orchestrator.executors import DaskExecutor
from orchestrator.results import LocalResult
from orchestrator.triggers import all_finished, any_failed

RESULTS = LocalResult(dir=os.environ.get("SCORING_RESULTS", "results"))


@resource_manager
class Scratch:
    def __init__(self, prefix):
        self.prefix = prefix

    def setup(self):
        return tempfile.mkdtemp(prefix=self.prefix)

    def cleanup(self, folder):
        shutil.rmtree(folder)


@task(checkpoint=True, result=RESULTS, target="model-{version}.pickle")
def train(version):
    prefect.context.get("logger").info("training model %s", version)
    return {"version": version, "factor": 2}


@task
def split(count):
    return list(range(count))


@task(
    max_retries=1,
    retry_delay=timedelta(seconds=0),
    task_run_name="score part {part}",
    log_stdout=True,
)
def score(part, model, folder, most):
    if part == 0:
        raise signals.SKIP("part 0 is the header")
    if part > most:
        raise signals.FAIL(f"part {part} is too large")
    print(f"scoring part {part} in {os.path.basename(folder)}")
    with open(os.path.join(folder, f"{part}.txt"), "w") as file:
        file.write(str(part * model["factor"]))
    return part * model["factor"]


@task
def total(scores):
    return sum(scores)


@task(trigger=any_failed, skip_on_upstream_skip=False)
def call_somebody():
    with open("called.txt", "w") as file:
        file.write("the scores are not complete")


@task(trigger=all_finished)
def say_so():
    return prefect.context.get("flow_name") + " is over"


there = FilterTask(lambda found: not isinstance(found, (BaseException, type(None))))

with Flow("scoring") as flow:
    most = Parameter("most", default=10)
    model = train(Parameter("version", default="v1"))
    with Scratch("scores-") as folder:
        scores = score.map(
            split(Parameter("parts", default=4)),
            model=unmapped(model),
            folder=unmapped(folder),
            most=unmapped(most),
        )
        summed = total(there(scores))
    called = call_somebody()
    called.set_upstream(scores)
    over = say_so()
    over.set_upstream(summed)
    flow.set_reference_tasks([summed])

flow.executor = DaskExecutor(
    cluster_class="distributed.LocalCluster",
    cluster_kwargs={"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None},
)

if __name__ == "__main__":
    state = flow.run(parameters={"parts": 5})
    print(state.is_successful(), state.result[summed].result)
