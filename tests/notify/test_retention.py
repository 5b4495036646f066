"""What is old, or too much, goes with all that belongs to it; the rest stays."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.service.deploying.snapshot import FOLDER
from orchestrator.service.retention import keep_house
from orchestrator.settings import Settings, load_settings
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.outbox import Notification
from orchestrator.store.records import Change, FlowRun, LogLine

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def settings(folder: Path, **flags: object) -> Settings:
    return load_settings(folder, flags, environ={})


def ended(store: RunStore, run_id: str, days_ago: float, flow: str = "nightly") -> None:
    when = NOW - timedelta(days=days_ago)
    with instants.fixed(when):
        store.create_run(FlowRun(run_id, flow, "shop", created=when))
        store.append_logs(run_id, [LogLine("hello")])
        store.put([Notification("state", "shop/team", {}, run_id=run_id, key=run_id)])
        store.transition(run_id, [Change(None, StateType.SUCCESS)])


def folder(path: Path, hours_ago: float) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text("x")
    at = (NOW - timedelta(hours=hours_ago)).timestamp()
    os.utime(path, (at, at))
    return path


def left(store: RunStore) -> set[str]:
    return {run.id for run in store.runs(limit=100)}


def test_it_is_on_by_default(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.history_days, found.history_runs) == (90, 1000)


def test_runs_go_by_age_and_by_count_with_their_messages(store: RunStore, tmp_path: Path) -> None:
    ended(store, "old", 91)
    for number in range(5):
        ended(store, f"n{number}", 10 - number)
    ended(store, "other", 50, flow="hourly")
    with instants.fixed(NOW - timedelta(days=200)):
        store.create_run(FlowRun("open", "nightly", "shop", created=instants.now()))
    with instants.fixed(NOW):
        assert keep_house(settings(tmp_path, history_runs=3), store) == 3
    assert left(store) == {"n2", "n3", "n4", "other", "open"}
    assert {each.run_id for each in store.outbox()} == {"n2", "n3", "n4", "other"}


def test_logs_of_failures_go_with_their_runs(store: RunStore, tmp_path: Path) -> None:
    ended(store, "kept", 1)
    logs = tmp_path / ".orchestrator" / "logs"
    kept, gone, young = (
        folder(logs / "kept", 30), folder(logs / "gone", 30), folder(logs / "young", 0.5),
    )  # fmt: skip
    (logs / "file").write_text("not ours")
    with instants.fixed(NOW):
        keep_house(settings(tmp_path), store)
    assert (kept.exists(), gone.exists(), young.exists()) == (True, False, True)
    assert (logs / "file").exists()


def test_code_goes_that_no_deployment_names(store: RunStore, tmp_path: Path) -> None:
    code = tmp_path / ".orchestrator" / FOLDER
    used, inner, gone, young = (
        folder(code / "aa", 30), folder(code / "bb", 30), folder(code / "cc", 30),
        folder(code / "dd", 0.5),
    )  # fmt: skip
    store.deploy(Deployment("d1", "shop", "nightly", "aa", str(used)))
    store.deploy(Deployment("d2", "shop", "nightly", "bb", str(inner / "project")))
    (code / "link").symlink_to(tmp_path)
    with instants.fixed(NOW):
        keep_house(settings(tmp_path), store)
    assert [path.exists() for path in (used, inner, gone, young)] == [True, True, False, True]
    assert tmp_path.exists()
