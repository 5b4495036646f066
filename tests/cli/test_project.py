"""The commands on a real project: run, look, mend, retry."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.file_locks import holder
from orchestrator.cli.main import execute

FLOW = """
from pathlib import Path
from orchestrator import Flow, Parameter, context, task

HERE = Path(__file__).parents[1]

@task(writes=["raw.numbers"])
def load(count):
    context.current().logger.warning("loading %s [bold]numbers[/]", count)
    return list(range(count))

@task(reads=["raw.numbers"], writes=["mart.totals"])
def total(numbers):
    if not (HERE / "mended").exists():
        raise ValueError("no luck")
    return sum(numbers)

@task(reads=["mart.totals"])
def publish():
    (HERE / "published").touch()

with Flow("nightly") as flow:
    total(load(Parameter("count", default=3, description="How  many.")))
    publish()
"""
TASKS = {"load", "total", "publish"}


@pytest.fixture
def project(in_tmp: Path) -> Path:
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n')
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "nightly.py").write_text(FLOW)
    return in_tmp


Ran = tuple[int, str, str]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*args: str) -> Ran:
        code = execute(args)
        return (code, *capsys.readouterr())

    return run


def test_run_show_mend_retry(project: Path, call: Any) -> None:
    code, out, err = call("run", "nightly", "-p", "count=4")
    assert code == 1
    assert err[8:] == "  nightly  reading the project\n", "nothing else is said beside the run"
    assert "loading 4 [bold]numbers[/]  (python load)" in out
    assert "ValueError: no luck" in out
    assert "because python total failed:\n      publish" in out
    assert not (project / "published").exists()

    code, out, _ = call("runs", "show", "--format", "json")
    shown = json.loads(out)
    assert (code, shown["state"], shown["parameters"]) == (0, "Failed", {"count": 4})
    states = {task["key"]: task["state"] for task in shown["tasks"]}
    assert states == {"load": "Success", "total": "Failed", "publish": "Skipped"}
    assert "raise ValueError" in call("runs", "show", shown["run_id"][:6])[1]

    (project / "mended").touch()
    code, out, _ = call("runs", "retry", "latest", "--format", "json")
    events = [json.loads(row) for row in out.splitlines()]
    assert code == 0
    assert {e["key"] for e in events if e["event"] == "task"} == {"total", "publish"}
    assert events[-1]["state"] == "Success"
    assert (project / "published").exists()

    code, out, _ = call("runs", "list", "--format", "json")
    first, second = json.loads(out)["runs"]
    assert (first["retry_of"], first["state"]) == (second["run_id"], "Success")
    code, out, err = call("runs", "retry")
    assert (code, out) == (2, "")
    assert "nothing to retry" in err


def test_logs_of_a_run_and_of_one_task(project: Path, call: Any) -> None:
    call("run", "--quiet")
    said = [json.loads(row) for row in call("runs", "logs", "--format", "json")[1].splitlines()]
    assert [(e["key"], e["level"]) for e in said if "numbers" in e["text"]] == [("load", "WARNING")]
    code, out, _ = call("runs", "logs", "latest", "load", "--tail", "1")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "loading 3 [bold]numbers[/]" in out
    assert call("runs", "logs", "latest", "lod")[0] == 2


def test_plan_why_and_lineage_run_nothing(project: Path, call: Any) -> None:
    code, out, _ = call("plan", "nightly", "--select", "load", "publish", "--format", "json")
    plan = json.loads(out)
    assert code == 0
    assert [(t["key"], t["reason"]) for t in plan["tasks"]] == [
        ("load", "selected"),
        ("publish", "selected"),
    ]
    assert plan["left_out"] == [{"key": "total", "reason": "not selected"}]
    assert "wave 3  1 task" in call("plan")[1]

    code, out, _ = call("why", "load", "publish", "--format", "json")
    why = json.loads(out)
    assert (why["connected"], why["direct"], len(why["path"])) == (True, False, 2)
    assert all(edge["evidence"][0]["file"] == "flows/nightly.py" for edge in why["path"])
    assert "flows/nightly.py:" in call("why", "total")[1]

    lineage = json.loads(call("lineage", "mart.totals", "--up", "--format", "json")[1])
    assert [step["task"] for step in lineage["up"]] == ["total", "load"]
    assert not (project / ".orchestrator" / "store.db").exists()


def test_the_flow_that_has_the_task_is_found(project: Path, call: Any) -> None:
    other = "from orchestrator import Flow, task\n@task(writes=['x.y'])\ndef lone(): ...\n"
    (project / "flows" / "another.py").write_text(
        other + "with Flow('another') as f:\n    lone()\n"
    )
    for task, flow in (("lone", "another"), ("publish", "nightly")):
        assert json.loads(call("why", task, "--format", "json")[1])["flow"] == flow
    assert json.loads(call("lineage", "x.y", "--format", "json")[1])["flow"] == "another"
    assert call("why", "lone", "publish")[0] == 2
    assert call("why", "lone", "--flow", "nightly")[0] == 2
    code, _, err = call("run")
    assert code == 2
    assert "another" in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["run", "nigtly"], "nightly"),
        (["run", "-p", "cuont=3"], "count"),
        (["run", "-p", "count=x"], "takes int"),
        (["run", "--select", "lod"], "load"),
        (["run", "--select", "load", "nightly"], "put it first: nightly --select load"),
        (["why", "totl"], "total"),
        (["lineage", "mart.totls"], "totals"),
        (["runs", "show", "nosuch"], "nosuch"),
        (["plan", "--project-dir", "nowhere"], "nowhere"),
    ],
    ids=" ".join,
)
def test_misuse_exits_with_2_and_names_the_way_out(
    project: Path, call: Any, line: list[str], said: str
) -> None:
    code, out, err = call(*line)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) < 25
    code, out, _ = call(*line, "--format", "json")
    assert (code, json.loads(out)["error"]["exit_code"]) == (2, 2)


def test_flows(project: Path, call: Any) -> None:
    shape = json.loads(call("flows", "--format", "json")[1])
    assert shape["flows"] == [
        {
            "name": "nightly", "defined_at": "flows/nightly.py:22", "schedule": None,
            "parameters": [
                {"name": "count", "required": False, "default": 3, "description": "How many."}
            ],
        }
    ]  # fmt: skip
    assert shape["errors"] == []
    assert call("flows")[1] == (
        "nightly  flows/nightly.py:22  takes count=3\n         count: How many.\n"
    )


BROKEN = "import nothing_of_that_name\nfrom orchestrator import Flow\nFlow('weekly')\n"


@pytest.mark.parametrize("words", ["flows", "plan nightly", "run nightly", "deploy nightly"])
def test_a_module_that_cannot_be_imported_stops_no_other_flow(
    project: Path, call: Any, words: str
) -> None:
    (project / "flows" / "other.py").write_text(BROKEN)
    (project / "mended").touch()
    code, out, err = call(*words.split())
    assert code == 0, err
    assert "nightly" in out
    assert err.count("other.py cannot be imported") == 1
    assert "other.py:1" in err
    assert "nothing_of_that_name" in err


def test_programs_are_told_which_module_cannot_be_imported(project: Path, call: Any) -> None:
    (project / "flows" / "other.py").write_text(BROKEN)
    (error,) = json.loads(call("flows", "--format", "json")[1])["errors"]
    assert error["where"] == f"{project / 'flows' / 'other.py'}:1"
    assert "nothing_of_that_name" in error["what"]


@pytest.mark.parametrize("name", ["other", "weekly"])  # its file's name, or one that it speaks of
def test_a_flow_of_a_module_that_cannot_be_imported_says_so(
    project: Path, call: Any, name: str
) -> None:
    (project / "flows" / "other.py").write_text(BROKEN)
    code, _, err = call("run", name)
    assert code == 2
    assert "other.py:1" in err
    assert err.count("cannot be imported") == 1
    code, _, err = call("run", "nothing")
    assert code == 2
    assert "not read, because it cannot be imported: other.py" in err


@pytest.mark.parametrize("words", ["deploy", "doctor"])
def test_all_flows_are_all_of_them(project: Path, call: Any, words: str) -> None:
    (project / "flows" / "other.py").write_text(BROKEN)
    code, out, err = call(words)
    assert code == 2
    assert "other.py:1" in out + err


def test_doctor(project: Path, call: Any) -> None:
    code, out, _ = call("doctor", "--format", "json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 0
    assert checks["flows"]["found"] == "nightly"
    assert "none yet" in checks["run store"]["found"]
    assert not (project / ".orchestrator").exists()

    (project / "orchestrator.toml").write_text('[warehouses.w]\ntype = "duckdbb"\n')
    code, out, _ = call("doctor")
    assert code == 2
    assert "WRONG  warehouse w" in out
    assert "did you mean 'duckdb'?" in out


def test_doctor_names_the_process_that_holds_the_database(project: Path, call: Any) -> None:
    toml = '[warehouses.w]\ntype = "duckdb"\npath = "shop.duckdb"\n'
    (project / "orchestrator.toml").write_text(toml)
    hold = "import duckdb, sys; c = duckdb.connect('shop.duckdb'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        code, out, _ = call("doctor")
        assert process.stdin is not None
        process.stdin.close()
    assert code == 3
    assert f"(PID {process.pid})" in out
    assert "free" in call("doctor")[1]


def test_a_file_that_nobody_holds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert holder(path) is None  # one's own lock hinders nobody here


@pytest.mark.parametrize(("environ", "redrawn"), [({}, True), ({"CI": "true"}, False)])
def test_on_a_real_terminal(project: Path, environ: dict[str, str], redrawn: bool) -> None:
    (project / "mended").touch()
    master, slave = pty.openpty()
    shell = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    shell.pop("CI", None)
    running = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", "run"],
        stdout=slave, stderr=slave, env={**shell, **environ},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:  # the other end is closed
            break
    os.close(master)
    assert running.wait(timeout=60) == 0
    text = shown.decode()
    assert ("\x1b[?25l" in text) is redrawn  # the cursor is hidden only while a picture stands
    assert ("planning" in text) is redrawn
    for key in TASKS:
        assert f"python {key}" in text
    assert "3 ok" in text
