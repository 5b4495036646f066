"""``orchestrator doctor`` looks at database, zones, agents, outbox and disk, and changes nothing."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import instants
from orchestrator.cli import service_checks
from orchestrator.cli.check import Check
from orchestrator.cli.checks import all_checks
from orchestrator.cli.session import Session
from orchestrator.service.project import Project
from orchestrator.store.agents import AgentRecord
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.records import FlowRun
from orchestrator.store.tables import HEAD


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n')
    found = Project.find(tmp_path)
    with found.store():
        pass
    return found


def checks(project: Project) -> dict[str, Check]:
    found = all_checks(Session(project_dir=project.root), target=None, profiles_dir=None)
    return {check.name: check for check in found}


def database(project: Project) -> Path:
    found = service_checks.store_file(project)
    assert found is not None
    return found


def test_a_sound_store(project: Project) -> None:
    found = checks(project)
    assert found["integrity"].found == "ok"
    assert found["schema"] == Check("schema", HEAD)
    assert "no runs yet" in found["run store"].found
    assert (found["outbox"].found, found["outbox"].exit_code) == ("0 given up, 0 waiting", 0)
    assert found["time zones"].found.startswith("tzdata 20")
    assert " GiB free at " in found["disk"].found
    assert "agent" not in found
    assert all(found[name].exit_code == 0 for name in ("integrity", "schema", "run store", "disk"))


def test_a_file_that_is_damaged(project: Project) -> None:
    path = database(project)
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                     "i + 1 FROM n WHERE i < 500) SELECT i, hex(randomblob(100)) FROM n")  # fmt: skip
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    data = bytearray(path.read_bytes())
    data[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(bytes(data))
    found = checks(project)
    broken = found.get("integrity", found.get("run store"))
    assert broken is not None
    assert broken.exit_code == 3
    assert "restore" in str(broken.fix)
    path.write_bytes(b"no database at all" * 1000)
    found = checks(project)
    assert (found["run store"].exit_code, "not a database" in found["run store"].found) == (3, True)


@pytest.mark.parametrize(
    ("version", "said", "code"),
    [("0001", f"the next run brings it to {HEAD}", 0), ("9999", f"knows up to {HEAD}", 3)],
)
def test_a_schema_of_another_version_is_left_as_it_is(
    project: Project, version: str, said: str, code: int
) -> None:
    path = database(project)
    with sqlite3.connect(path) as file:
        file.execute("UPDATE alembic_version SET version_num = ?", (version,))
    file.close()
    schema = checks(project)["schema"]
    assert said in schema.found
    assert schema.exit_code == code
    with sqlite3.connect(path) as file:
        kept = file.execute("SELECT version_num FROM alembic_version").fetchone()
    file.close()
    assert kept == (version,)


def test_agents_that_are_silent_or_of_another_version(project: Project) -> None:
    now = instants.now()
    with project.store() as store:
        here = service_checks._version()
        store.enlist(AgentRecord("a1", "alive", host="h", pid=1, version=here, heartbeat=now))
        store.enlist(AgentRecord("a2", "older", host="h", pid=2, version="0.0.1", heartbeat=now))
        silent = now - timedelta(minutes=5)
        store.enlist(AgentRecord("a3", "silent", host="h", pid=3, version=here, heartbeat=silent))
        with instants.fixed(now):
            found = list(service_checks.agent_checks(store))
    assert [check.exit_code for check in found] == [0, 3, 3]
    assert f"runs version 0.0.1, here is {here}" in found[1].found
    assert "was last heard of 300 s ago" in found[2].found


def test_runs_that_are_late_say_why(project: Project) -> None:
    now = instants.now()
    assert checks(project)["waiting runs"] == Check("waiting runs", "none is late")
    with project.store() as store:
        due = now - timedelta(minutes=6)
        for number in range(2):
            store.create_run(
                FlowRun(f"r{number}", "nightly", "shop", created=due, due=due, labels=("gpu",))
            )
        old = now - timedelta(minutes=1)
        store.enlist(AgentRecord("a1", "lost", labels=("gpu",), started=old, heartbeat=old))
        with instants.fixed(now):
            late = service_checks.late_check(store, "shop")
            assert (late.found, late.exit_code) == ("2 late: no agent is there", 3)
            store.enlist(AgentRecord("a2", "plain", started=now, heartbeat=now))
            late = service_checks.late_check(store, "shop")
            assert (late.found, late.exit_code) == ("2 late: no agent has its labels gpu", 3)
            store.enlist(AgentRecord("a3", "big", labels=("gpu",), started=now, heartbeat=now))
            late = service_checks.late_check(store, "shop")
            assert (late.found, late.exit_code) == (
                "2 late: the agents that could take it are busy", 0,
            )  # fmt: skip


def test_a_policy_that_cannot_be_read(project: Project) -> None:
    assert "policy" not in checks(project)
    path = project.root / "policy.toml"
    path.write_text("")
    assert checks(project)["policy"] == Check("policy", "policy.toml is read")
    path.unlink()
    path.symlink_to("nowhere")
    assert checks(project)["policy"].exit_code == 2
    path.unlink()
    path.write_text("x = [")
    found = checks(project)["policy"]
    assert (found.exit_code, "not TOML" in found.found) == (2, True)


def test_what_was_given_up_is_counted(project: Project) -> None:
    with project.store() as store:
        store.put([Notification("state", "shop/team", {}) for _ in range(3)])
        store.failed(store.outbox()[0].id, "no answer", None)
        assert len(store.outbox(state=Delivery.DEAD)) == 1
    outbox = checks(project)["outbox"]
    assert (outbox.found, outbox.exit_code) == ("1 given up, 2 waiting", 3)


def test_a_disk_that_is_full_and_old_zones(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_checks, "_SPARE", 1 << 62)
    monkeypatch.setattr(service_checks, "_OLDEST_ZONES", "9999z")
    found = checks(project)
    assert (found["disk"].exit_code, found["time zones"].exit_code) == (3, 2)
    assert "history_days" in str(found["disk"].fix)


def test_a_store_on_a_server(tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "orchestrator.toml").write_text(f'name = "shop"\nstore = "{postgres_url}"\n')
    project = Project.find(tmp_path)
    assert checks(project)["schema"].found == "none yet; the first run makes it"
    with project.store():
        pass
    found = checks(project)
    assert found["schema"].found == HEAD
    assert found["run store"].exit_code == 0
