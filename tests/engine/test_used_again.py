"""An executor that is used for one run after the other: what is said late belongs to nobody."""

from __future__ import annotations

from pathlib import Path

from orchestrator import Flow, ThreadsExecutor, task
from orchestrator.engine.attempts.bundle import Batch
from orchestrator.engine.driving.handing import _numbers
from orchestrator.executors.base import Completed, Handle, Message


@task
def one() -> int:
    return 1


def test_the_end_of_an_earlier_run_s_bundle_is_passed_by(in_tmp: Path) -> None:
    executor = ThreadsExecutor(1)
    executor._inbox.put(Completed(Handle(), report=Batch(next(_numbers), last=True)))
    with Flow("f") as flow:
        one()
    assert flow.run(executor=executor, project=in_tmp).is_successful()


def test_the_words_of_an_earlier_run_s_bundle_are_passed_by(in_tmp: Path) -> None:
    executor = ThreadsExecutor(1)
    early = Batch(next(_numbers), items=(object(),), back=("nobody",), last=True)
    executor._inbox.put(Message(early))
    with Flow("f") as flow:
        one()
    assert flow.run(executor=executor, project=in_tmp).is_successful()


def test_bundles_of_two_runs_never_have_one_number(in_tmp: Path) -> None:
    seen = next(_numbers)
    with Flow("f") as flow:
        one()
    flow.run(executor=ThreadsExecutor(1), project=in_tmp)
    assert next(_numbers) > seen + 2  # the run's own first one, and its bundle's
