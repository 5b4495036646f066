"""Attempts that travel together: each for itself, in order, and never waiting for a slow one."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path
from typing import Any

from orchestrator import task
from orchestrator.engine.attempts import progress
from orchestrator.engine.attempts.bundle import Batch, Bundle, _Running, opened, run_bundle
from orchestrator.engine.messages import CONSTANTS, OWN, Attempt, Report, Slot, Started
from orchestrator.executors.base import Packed
from orchestrator.model.signals import FAIL


class Heard:
    """A channel that keeps what is sent, and what is published."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.published: list[Any] = []

    def attach(self) -> None: ...

    def send(self, message: Batch) -> None:
        self.batches.append(message)

    def publish(self, value: Any) -> int:
        self.published.append(value)
        return len(self.published)


@task
def add(x: int, y: int = 0) -> int:
    return x + y


@task
def never(x: int) -> int:
    raise FAIL("no")


GATE = threading.Event()


@task
def wait_at_gate() -> str:
    assert GATE.wait(30)
    return "through"


def attempt(number: int, what: Any, **arguments: Any) -> Attempt:
    return Attempt("r1", "f", f"t{number}", 1, f"r1:{number}", what, arguments)


def bundle(*attempts: Attempt, **options: Any) -> Bundle:
    count = len(attempts)
    given = {"after": ((),) * count, "kept": (True,) * count, "flattened": (False,) * count}
    return Bundle(1, attempts, **(given | {"watched": True} | options))


def reports(batch: Batch) -> dict[str, str]:
    return {r.key: r.state.type.value for r in batch.items if isinstance(r, Report)}


def said(heard: Heard) -> list[tuple[str, str]]:
    return [(type(item).__name__, item.key) for batch in heard.batches for item in batch.items]


def test_each_has_its_report_and_values_stay_in_one_list() -> None:
    made = bundle(
        attempt(0, add, x=1), attempt(1, add, x=2, y=Slot(CONSTANTS, (0,))), constants=[5]
    )
    kept = run_bundle(made, Heard(), [])
    assert kept.value == [1, 7]
    assert reports(opened(kept.report)) == {"t0": "Success", "t1": "Success"}
    assert opened(kept.report).back == ()


def test_a_chain_takes_values_where_they_are_and_ends_with_a_failure() -> None:
    made = bundle(
        attempt(0, add, x=1),
        attempt(1, add, x=Slot(OWN, (0,)), y=10),
        attempt(2, never, x=Slot(OWN, (1,))),
        attempt(3, add, x=Slot(OWN, (2,))),
        attempt(4, add, x=Slot(OWN, (3,))),
        attempt(5, add, x=Slot(OWN, (1,))),
        after=((), (0,), (1,), (2,), (3,), (1,)),
    )
    kept = run_bundle(made, Heard(), [])
    last = opened(kept.report)
    assert kept.value == [1, 11, None, None, None, 11]
    assert reports(last) == {"t0": "Success", "t1": "Success", "t2": "Failed", "t5": "Success"}
    assert last.back == ("r1:3", "r1:4"), "what hung on the failure goes back to the driver"


def test_inputs_of_earlier_bundles_are_lists() -> None:
    made = bundle(attempt(0, add, x=Slot(0, (1,)), y=Slot(1, (0, 2))))
    assert run_bundle(made, Heard(), [[7, 8], [[1, 2, 3]]]).value == [11]


def test_what_would_wait_for_a_slow_one_goes_back_and_what_is_done_can_be_had(
    tmp_path: Path,
) -> None:
    GATE.clear()
    heard = Heard()
    made = bundle(
        attempt(0, add, x=1), attempt(1, wait_at_gate), attempt(2, add, x=2), attempt(3, add, x=3),
        note=str(tmp_path / "notes" / "1"),
    )  # fmt: skip
    ends: list[Any] = []
    thread = threading.Thread(target=lambda: ends.append(run_bundle(made, heard, [])))
    thread.start()
    deadline = time.monotonic() + 30
    while not any(b.back for b in heard.batches) and time.monotonic() < deadline:
        time.sleep(0.01)
    while not heard.published and time.monotonic() < deadline:
        time.sleep(0.01)
    assert progress.begun(str(tmp_path / "notes" / "1")) == 2
    assert [token for b in heard.batches for token in b.back] == ["r1:2", "r1:3"]
    assert heard.published == [[1, None, None, None]]
    told = said(heard)
    assert told[-1] == ("Report", "t0")
    assert told.count(("Report", "t0")) == told.count(("Started", "t1")) == 1
    assert [b.ticket for b in heard.batches if reports(b)] == [1]
    GATE.set()
    thread.join(30)
    assert ends[0].value == [1, "through", None, None]
    assert reports(opened(ends[0].report)) == {"t0": "Success", "t1": "Success"}
    assert opened(ends[0].report).back == ("r1:2", "r1:3")
    assert progress.begun(str(tmp_path / "notes" / "1")) is None, "no note is left"


def test_that_it_began_is_not_told_of_what_has_ended() -> None:
    heard = Heard()
    running = _Running(
        bundle(attempt(0, add, x=1), attempt(1, add, x=2), kept=(False, False)), heard
    )
    running.run([[], running.values])
    running.look()
    assert said(heard) == [("Report", "t0"), ("Report", "t1")]
    running.look()
    assert len(heard.batches) == 1, "and nothing is told twice"


def test_a_task_that_cannot_be_opened_fails_alone() -> None:
    poison = attempt(0, Packed(b"no pickle"), x=1)
    made = bundle(poison, attempt(1, Packed(pickle.dumps(41)), x=1), attempt(2, add, x=3))
    found = reports(opened(run_bundle(made, Heard(), []).report))
    assert found == {"t0": "Failed", "t1": "Failed", "t2": "Success"}


def test_nothing_more_begins_when_the_run_was_cancelled() -> None:
    from orchestrator.engine.stopping import cancel_run

    @task
    def stop() -> None:
        cancel_run("r9")

    made = bundle(
        Attempt("r9", "f", "t0", 1, "r9:0", stop),
        Attempt("r9", "f", "t1", 1, "r9:1", add, {"x": 1}),
    )
    last = opened(run_bundle(made, Heard(), []).report)
    assert reports(last) == {"t0": "Success"}
    assert last.back == ("r9:1",)


def test_messages_are_small() -> None:
    many = [pickle.dumps(Started(f"t[{i}]", f"r1:{i}", _now(), "host:1")) for i in range(2)]
    assert max(map(len, many)) < 250


def _now() -> Any:
    from orchestrator import instants

    return instants.now()
