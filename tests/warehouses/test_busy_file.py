"""A DuckDB file that another process holds: who holds it, waiting, giving up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from holder import held

from orchestrator.errors import InfrastructureError, WarehouseBusyError
from orchestrator.model.context import RunContext, entered

Made = Callable[..., Any]


def test_it_gives_up_and_names_the_holder(
    duckdb_at: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "shop.duckdb"
    with held(path) as process:
        with pytest.raises(WarehouseBusyError) as raised, duckdb_at(busy_timeout=0.5).connect():
            pass
        assert f"held by process {process.pid} (python" in raised.value.what
        assert raised.value.where == str(path)
        assert "busy_timeout" in (raised.value.fix or "")
        waited = [r for r in caplog.records if "is held by" in r.getMessage()]
        assert len(waited) == 1
        assert str(process.pid) in waited[0].getMessage()
        assert raised.value.exit_code == 2


def test_with_no_time_to_wait_it_gives_up_at_once(duckdb_at: Made, tmp_path: Path) -> None:
    with (
        held(tmp_path / "shop.duckdb"),
        pytest.raises(WarehouseBusyError),
        duckdb_at(busy_timeout=0).connect(),
    ):
        pass


def test_an_attached_file_is_waited_for_too(duckdb_at: Made, tmp_path: Path) -> None:
    warehouse = duckdb_at(busy_timeout=0.3, attach=["other.duckdb"])
    with (
        held(tmp_path / "other.duckdb") as process,
        pytest.raises(WarehouseBusyError, match=f"process {process.pid}") as raised,
        warehouse.connect(),
    ):
        pass
    assert raised.value.where == str(tmp_path / "other.duckdb")


def test_it_goes_on_when_the_holder_lets_go(
    duckdb_at: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with held(tmp_path / "shop.duckdb") as process:
        assert process.stdin is not None

        def let_go() -> None:
            while not caplog.records:
                threading.Event().wait(0.05)
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]

        thread = threading.Thread(target=let_go)
        thread.start()
        with duckdb_at(busy_timeout=60).connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        thread.join()
    assert any("is held by" in record.getMessage() for record in caplog.records)


def test_many_threads_wait_together_not_one_after_the_other(
    duckdb_at: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = duckdb_at(busy_timeout=1.0)
    failures: list[BaseException] = []

    def try_it() -> None:
        try:
            with warehouse.connect():
                pass
        except WarehouseBusyError as error:
            failures.append(error)

    with held(tmp_path / "shop.duckdb"):
        threads = [threading.Thread(target=try_it) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=15)  # one after the other would take 20 s
        assert len(failures) == 20


def test_a_cancelled_attempt_stops_waiting(duckdb_at: Made, tmp_path: Path) -> None:
    running = RunContext("run-1", "nightly", "task")
    running.cancelled.set()
    with (
        held(tmp_path / "shop.duckdb"),
        entered(running),
        pytest.raises(InfrastructureError, match="cancelled while waiting"),
        duckdb_at(busy_timeout=600).connect(),
    ):
        pass
