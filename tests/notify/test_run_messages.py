"""A run tells what its rules say, with the failing task and no secret, and waits for nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import Flow, task
from orchestrator.model.state import StateType
from orchestrator.secrets import Secret
from orchestrator.service.notify import service
from orchestrator.service.notify.announcing import Announcing, reachable
from orchestrator.service.notify.messages import first_line
from orchestrator.service.notify.notifier import Notifier
from orchestrator.service.notify.rules import parse_rule
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.records import Change, FlowRun, TaskRun
from tests.notify.receivers import Receiver, receiving

S = StateType
PASSWORD = "hunter2-hunter2"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORCHESTRATOR_SECRET_HOOK", "unset")
    monkeypatch.setenv("ORCHESTRATOR_SECRET_PG", PASSWORD)
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n')
    return tmp_path


def rule(folder: Path, name: str, **keys: object) -> None:
    with (folder / "orchestrator.toml").open("a") as file:
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        file.write(f"[notifications.{name}]\n" + "\n".join(lines) + "\n")


def outbox(folder: Path) -> tuple[Notification, ...]:
    with Project.find(folder).store() as store:
        return store.outbox()


def test_a_failure_is_told_with_its_task_its_error_and_local_time(
    shop: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SECRET_HOOK", receiver.url)
    rule(shop, "team", url="secret:HOOK", timezone="America/New_York")

    @task
    def load_orders() -> None:
        raise ConnectionError(f"cannot log in with {Secret('PG').get()}\nsecond line")

    with Flow("nightly") as flow:
        load_orders()
    state = flow.run(project=shop)
    assert state.is_failed()
    body = receiver.bodies()[0]
    assert body["title"] == "nightly: Failed"
    assert (body["project"], body["flow"], body["state"]) == ("shop", "nightly", "Failed")
    assert body["task"] == "load_orders"
    assert body["error"].startswith("ConnectionError: cannot log in with ***")
    assert "second line" not in body["error"]
    assert body["local_time"].endswith(" America/New_York")
    found = outbox(shop)
    assert [each.state for each in found] == [Delivery.SENT]
    assert (found[0].key, found[0].run_id) == (body["id"], body["run_id"])
    for text in (json.dumps(body), (shop / ".orchestrator" / "store.db").read_bytes().hex()):
        assert PASSWORD not in text
        assert PASSWORD.encode().hex() not in text
        assert receiver.url.encode().hex() not in text


def test_a_run_does_not_wait_for_a_webhook_that_hangs(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PATIENCE", 0.05)
    with receiving("hang") as hanging:
        rule(shop, "team", url=hanging.url, tasks=["first"], only_states=["Success"])
        held = []

        @task
        def first() -> int:
            return 1

        @task
        def second(value: int) -> None:
            hanging.wait()  # the message about the first is on its way
            held.append(not hanging.released.is_set())

        with Flow("nightly") as flow:
            second(first())
        assert flow.run(project=shop).is_successful()
        assert held == [True]
        assert not hanging.released.is_set()  # the run has ended, and nobody answered yet
        waiting = outbox(shop)
        assert [(each.state, each.attempts) for each in waiting] == [(Delivery.PENDING, 1)]
        assert waiting[0].payload["title"] == "nightly, first: Success"


def test_rules_on_tags_and_on_elements_of_mapped_tasks(shop: Path) -> None:
    (shop / "flows").mkdir()
    (shop / "flows" / "nightly.py").write_text(
        "from orchestrator import Flow, task\n"
        "@task(tags=['finance'])\n"
        "def load(n):\n    return 1 / n\n"
        "@task\n"
        "def other():\n    raise ValueError('x')\n"
        "with Flow('nightly') as flow:\n    load.map([1, 0])\n    other()\n"
    )
    rule(shop, "finance", url="http://127.0.0.1:1/", tags=["finance"])
    project = Project.find(shop)
    from orchestrator.service.running import run_flow

    run_flow(project, project.flow("nightly"))
    found = outbox(shop)
    assert {each.target for each in found} == {"shop/finance"}
    errors = [each.payload["error"] for each in found if "[" in each.payload["task"]]
    assert errors == ["ZeroDivisionError: division by zero"]
    assert not any(each.payload["task"] == "other" for each in found)


def test_a_wrong_rule_is_an_error_before_anything_runs(shop: Path) -> None:
    rule(shop, "team", url="http://127.0.0.1:1/", only_states=["Faild"])
    from orchestrator.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="Faild"):
        Project.find(shop).store()


# -- the store that announces ---------------------------------------------------------------


@pytest.fixture
def told() -> Iterator[tuple[RunStore, Announcing]]:
    rules = [
        parse_rule("team", {"url": "http://127.0.0.1:1/", "recovered": True}),
        parse_rule("load", {"url": "http://127.0.0.1:1/", "tasks": ["load"],
                            "only_states": ["Failed", "Retrying"]}),
    ]  # fmt: skip
    with MemoryStore() as store:
        yield store, Announcing(store, "shop", rules)


def run(store: Announcing, run_id: str, state: StateType, project: str = "shop") -> None:
    store.create_run(FlowRun(run_id, "nightly", project), [TaskRun(run_id, "load", "load")])
    store.transition(run_id, [Change(None, state)])


def test_recovered_is_told_after_a_failure_only(told: tuple[RunStore, Announcing]) -> None:
    store, announcing = told
    for number, state in enumerate(
        [S.SUCCESS, S.FAILED, S.CANCELLED, S.SUCCESS, S.SUCCESS, S.TIMED_OUT, S.SUCCESS]
    ):
        run(announcing, f"r{number}", state)
    said = [(each.run_id, each.payload["title"]) for each in reversed(store.outbox())]
    assert said == [
        ("r1", "nightly: Failed"), ("r3", "nightly recovered"),
        ("r5", "nightly: TimedOut"), ("r6", "nightly recovered"),
    ]  # fmt: skip


def test_only_what_was_recorded_is_told_and_once(told: tuple[RunStore, Announcing]) -> None:
    store, announcing = told
    run(announcing, "a1", S.RUNNING)
    moves = [S.RUNNING, S.RETRYING, S.RUNNING, S.RETRYING, S.RUNNING, S.FAILED]
    attempts = [1, 1, 2, 2, 3, 3]
    for to, attempt in zip(moves, attempts, strict=True):
        assert not announcing.transition("a1", [Change("load", to, attempt=attempt)])
    assert announcing.transition("a1", [Change("load", S.FAILED)])  # refused: it is final
    announcing.transition("a1", [Change(None, S.FAILED)])
    assert announcing.transition("a1", [Change(None, S.FAILED)])
    said = [each.payload["state"] for each in reversed(store.outbox())]
    assert said == ["Retrying", "Retrying", "Failed", "Failed"]
    assert len({each.key for each in store.outbox()}) == 4


def test_runs_of_other_projects_are_none_of_its_business(
    told: tuple[RunStore, Announcing],
) -> None:
    store, announcing = told
    run(announcing, "a1", S.FAILED, project="other")
    assert store.outbox() == ()


def test_what_hinders_a_message_hinders_no_run(
    told: tuple[RunStore, Announcing], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, announcing = told

    def full(notifications: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(store, "put", full)
    run(announcing, "a1", S.FAILED)
    assert store.run("a1").state is S.FAILED


def test_the_store_can_be_found_while_it_is_open(shop: Path) -> None:
    assert reachable() is None
    with Project.find(shop).store() as store:
        assert reachable() is store
    assert reachable() is None


def test_the_first_line_of_an_error() -> None:
    for message, error, said in (
        ("ValueError: x\nmore", None, "ValueError: x"),
        ("", "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n", "KeyError: 'a'"),
        ("\n  \n Runtime Error in model\n", None, "Runtime Error in model"),
        ("y" * 400, None, "y" * 299 + "…"),
        ("", None, ""),
    ):
        row = TaskRun("a1", "k", "k", message=message, detail={"error": error} if error else {})
        assert first_line(row) == said


def test_the_service_sends_what_a_scheduler_settled(shop: Path, receiver: Receiver) -> None:
    """A run that ended without a word, its process killed, is told of by the service."""
    from orchestrator.store.opening import open_store

    rule(shop, "team", url=receiver.url)
    project = Project.find(shop)
    (shop / ".orchestrator").mkdir()
    with open_store(project.settings.store) as store:
        store.create_run(FlowRun("a1", "nightly", "shop"))
        store.transition("a1", [Change(None, S.FAILED, message="its process was lost")])
        notifier: Notifier = service.service_notifier(project, store)
        assert notifier._look is not None
        notifier._look()
        notifier._look()
        notifier.deliver_due()
        found = store.outbox()
        assert [each.payload["message"] for each in found] == ["its process was lost"]
        assert "private network" in found[0].error  # the service stays out of those
    assert receiver.got == []
