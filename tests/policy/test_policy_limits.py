"""How long, how wide and how much: flows, settings, clusters, and what the last runs wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tests.policy.shops import SETTINGS, look, looked_at, only, told, write

SQL = {"sql/a.sql": "select 1"}


def flow(arguments: str, imports: str = "") -> dict[str, str]:
    text = f"from orchestrator import Flow\nfrom tasks import SqlFolder\n{imports}\n"
    return {
        **SQL,
        "flows/nightly.py": text
        + f'with Flow("nightly"{arguments}) as flow:\n    SqlFolder("sql")()\n',
    }


@pytest.mark.parametrize(
    ("arguments", "has"),
    [
        ("", "no timeout"),
        (", timeout=7201", "a timeout of 2 h 1 s"),
        (", timeout=7200", None),
        (", timeout=__import__('datetime').timedelta(minutes=5)", None),
    ],
)
def test_runtime(tmp_path: Path, arguments: str, has: str | None) -> None:
    report = looked_at(tmp_path, '[limits]\nmax_runtime = "2h"\n', flow(arguments))
    if has is None:
        assert not report.breaches
        return
    breach = only(report)
    assert (breach.rule, breach.set_at) == ("limits.max_runtime", "policy.toml:2")
    assert breach.where == "flows/nightly.py:4"
    assert breach.what == f"flow nightly has {has}, and may run for 2 h at most"
    assert breach.fix == "give it one: Flow(…, timeout=7200)"


def test_threads_of_the_settings(tmp_path: Path) -> None:
    policy = "[limits]\nmax_threads = 8\n"
    settings = "threads = {}\n" + SETTINGS.replace("    ", "")
    files = {**SQL, "orchestrator.toml": settings.format(8)}
    assert not looked_at(tmp_path, policy, files).breaches
    breach = only(looked_at(tmp_path, policy, {**files, "orchestrator.toml": settings.format(9)}))
    assert breach.where == "orchestrator.toml:1 (threads)"
    assert "runs 9 tasks at the same time in one process, and 8 are allowed" in breach.what


def test_threads_and_workers_of_an_executor(tmp_path: Path) -> None:
    policy = "[limits]\nmax_threads = 4\nmax_workers = 3\n"
    dask = "from orchestrator import DaskExecutor"
    wide = 'executor=DaskExecutor(cluster_kwargs={"n_workers": 4, "threads_per_worker": 5})'
    report = looked_at(tmp_path, policy, flow(f", {wide}", dask))
    assert told(report) == [
        ("limits.max_threads", "flows/nightly.py:4 (executor)"),
        ("limits.max_workers", "flows/nightly.py:4 (executor)"),
    ]
    grows = 'executor=DaskExecutor(adapt_kwargs={"minimum": 1, "maximum": 10})'
    breach = only(looked_at(tmp_path, policy, flow(f", {grows}", dask)))
    assert breach.what == "flow nightly may have 10 workers, and 3 are allowed"
    narrow = 'executor=DaskExecutor(cluster_kwargs={"n_workers": 3, "threads_per_worker": 4})'
    assert not looked_at(tmp_path, policy, flow(f", {narrow}", dask)).breaches


def test_workers_of_a_cluster_by_name(tmp_path: Path) -> None:
    policy = "[limits]\nmax_workers = 3\n"
    clusters = """
[clusters.big]
class = "local"
adapt = { minimum = 1, maximum = 20 }

[clusters.unused]
class = "local"
arguments = { n_workers = 50 }
"""
    files = {
        **flow(', cluster="big"'),
        "orchestrator.toml": SETTINGS.replace("    ", "") + clusters,
    }
    breach = only(looked_at(tmp_path, policy, files))
    assert breach.where == "orchestrator.toml:6 ([clusters.big])"
    assert breach.what == "flow nightly may have 20 workers, and 3 are allowed"


@pytest.mark.parametrize(
    ("said", "has"),
    [("", "sets no limit"), ('[limits]\n"tag:heavy" = 3', "lets 3 run"),
     ('[limits]\n"tag:heavy" = 2', None)],
)  # fmt: skip
def test_concurrency(tmp_path: Path, said: str, has: str | None) -> None:
    policy = '[limits]\nconcurrency = { "tag:heavy" = 2 }\n'
    settings = {"orchestrator.toml": SETTINGS.replace("    ", "") + said}
    report = looked_at(tmp_path, policy, {**SQL, **settings})
    assert [breach.what for breach in report.breaches] == (
        [f"tag:heavy may run 2 at the same time, and orchestrator.toml {has}"] if has else []
    )


ROWS = "[rows]\nmax = 99\n"
MAKES = {"sql/big.sql": "create schema if not exists core;\n"
         "create or replace table core.big as select * from range(10);\n"
         "insert into core.big select * from range({});"}  # fmt: skip


def made(rows: int) -> dict[str, str]:
    return {name: text.format(rows) for name, text in MAKES.items()}


def test_rows_without_a_run_are_not_known(tmp_path: Path) -> None:
    report = looked_at(tmp_path, ROWS, made(1000))
    assert not report.breaches
    assert report.notes == (
        "rows.max was not looked at: there is no run store here, so no run to go by",
    )
    assert not (tmp_path / ".orchestrator" / "store.db").exists()


def test_rows_that_the_last_good_run_wrote(tmp_path: Path) -> None:
    write(tmp_path, {"policy.toml": ROWS, **made(200)})
    result = run_flow(Project.find(tmp_path), Project.find(tmp_path).flow("nightly"), Request())
    assert result.state.is_successful()
    report = look(tmp_path)
    breach = only(report)
    assert (breach.rule, breach.set_at) == ("rows.max", "policy.toml:2")
    assert breach.where == "sql/big.sql:2"
    assert "rows to lake.core.big, and 99 are allowed" in breach.what
    assert breach.evidence[0].startswith(f"run {result.run_id[:8]} wrote ")
    assert not breach.refuses  # it would keep from deploying what mends it
    refusing = look(write(tmp_path, {"policy.toml": ROWS + 'breach = "refuse"\n', **made(200)}))
    assert refusing.refused
    # A later run that writes less is what counts.
    write(tmp_path, {"policy.toml": ROWS, **made(20)})
    assert run_flow(
        Project.find(tmp_path), Project.find(tmp_path).flow("nightly"), Request()
    ).state.is_successful()
    assert not look(tmp_path).breaches
