"""DbtShellTask: profiles that are private and never leak, real dbt runs told node by node."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestrator.errors import ConfigurationError
from orchestrator.log import capture
from orchestrator.model import context
from orchestrator.process.result import CommandCancelled, CommandFailed
from orchestrator.secrets import EnvironmentSecrets, Secret, provided_by
from tasks.dbt.shell import DbtShellTask, NodeFinished

#: Stands in for dbt where only its surroundings matter: shows its profile and environment.
STAND_IN = """#!/bin/bash
echo "dir=$DBT_PROFILES_DIR"
echo "format=$DBT_LOG_FORMAT"
if [ -e "$DBT_PROFILES_DIR/profiles.yml" ]; then
  stat -c 'mode=%a' "$DBT_PROFILES_DIR/profiles.yml"
  cat "$DBT_PROFILES_DIR/profiles.yml"
fi
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    program = tmp_path / "venv" / "bin" / "dbt"
    program.parent.mkdir(parents=True)
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return program


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three models: one good, one that fails, one after it."""
    root = tmp_path / "tiny"
    (root / "models").mkdir(parents=True)
    (root / "dbt_project.yml").write_text("name: tiny\nprofile: tiny\n")
    (root / "models" / "good.sql").write_text("select 1 as id\n")
    (root / "models" / "bad.sql").write_text("select nope from missing_table\n")
    (root / "models" / "after.sql").write_text("select * from {{ ref('bad') }}\n")
    return root


def _shown(task: DbtShellTask, **arguments: object) -> tuple[dict[str, str], dict[str, object]]:
    """Run the stand-in; return the variables it saw, and the profile it saw."""
    lines = task.run(**arguments)  # type: ignore[arg-type]
    assert isinstance(lines, list)
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    return seen, yaml.safe_load("\n".join(line for line in lines if "=" not in line)) or {}


def test_the_profile_is_private_and_gone_afterwards(stand_in: Path) -> None:
    before = dict(os.environ)
    task = DbtShellTask(
        "dbt run",
        profile_name="shop",
        environment="dev",
        dbt_kwargs={"type": "duckdb", "path": "x.duckdb", "threads": 2},
        dbt=stand_in,
        return_all=True,
    )
    seen, profile = _shown(task)
    assert seen["mode"] == "600"
    output = {"type": "duckdb", "path": "x.duckdb", "threads": 2}
    assert profile == {"shop": {"target": "dev", "outputs": {"dev": output}}}
    assert not Path(seen["dir"]).exists()
    assert dict(os.environ) == before


def test_the_profile_is_gone_even_if_the_worker_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "dbt"
    program.write_text(
        '#!/bin/bash\necho "$DBT_PROFILES_DIR" > told.new; mv told.new told; sleep 300\n'
    )
    program.chmod(0o755)
    code = (
        "from tasks import DbtShellTask\n"
        "DbtShellTask('dbt run', 'p', dbt_kwargs={'type': 'a'}, dbt='./dbt', grace=0.5).run()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=env)
    deadline = time.monotonic() + 60
    while not (tmp_path / "told").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    folder = Path((tmp_path / "told").read_text().strip())
    assert (folder / "profiles.yml").exists()
    worker.kill()
    worker.wait()
    while folder.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.parent.exists()


def test_settings_of_the_run_are_laid_over_those_of_the_task(stand_in: Path) -> None:
    task = DbtShellTask(
        profile_name="shop",
        dbt_kwargs={"type": "duckdb", "path": "a"},
        dbt=stand_in,
        return_all=True,
    )
    _, profile = _shown(task, command="dbt run", dbt_kwargs={"path": "b"})
    assert profile["shop"]["outputs"]["default"] == {"type": "duckdb", "path": "b"}  # type: ignore[index]
    assert task.dbt_kwargs == {"type": "duckdb", "path": "a"}


def test_a_profile_written_to_a_given_folder_is_private_and_never_overwritten(
    tmp_path: Path, stand_in: Path
) -> None:
    folder = tmp_path / "profiles"
    common = {"profile_name": "p", "profiles_dir": folder, "dbt": stand_in, "return_all": True}
    seen, profile = _shown(DbtShellTask("dbt run", dbt_kwargs={"type": "a"}, **common))
    assert seen["dir"] == str(folder)
    assert stat.S_IMODE((folder / "profiles.yml").stat().st_mode) == 0o600
    assert profile["p"]["outputs"]["default"] == {"type": "a"}  # type: ignore[index]

    _, kept = _shown(DbtShellTask("dbt run", dbt_kwargs={"type": "b"}, **common))
    assert kept == profile
    _, new = _shown(
        DbtShellTask("dbt run", dbt_kwargs={"type": "b"}, overwrite_profiles=True, **common)
    )
    assert new["p"]["outputs"]["default"] == {"type": "b"}  # type: ignore[index]
    assert [file.name for file in folder.iterdir()] == ["profiles.yml"]


def test_a_profile_replaced_on_request_does_not_stay_readable(
    tmp_path: Path, stand_in: Path
) -> None:
    old = tmp_path / "profiles.yml"
    old.write_text("old: {}\n")
    old.chmod(0o644)
    DbtShellTask(
        "dbt run", "p", dbt_kwargs={"type": "a"}, profiles_dir=tmp_path, overwrite_profiles=True, dbt=stand_in
    ).run()  # fmt: skip
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_a_profile_in_the_home_folder_is_no_hindrance(
    tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    (tmp_path / ".dbt").mkdir()
    home = tmp_path / ".dbt" / "profiles.yml"
    home.write_text("mine: {}\n")
    seen, _ = _shown(DbtShellTask("dbt run", dbt=stand_in, return_all=True))
    assert seen["dir"] == ""  # dbt finds it by itself
    task = DbtShellTask("dbt run", "p", dbt_kwargs={"type": "a"}, dbt=stand_in, return_all=True)
    _, profile = _shown(task)
    assert "p" in profile
    assert home.read_text() == "mine: {}\n"


def test_an_existing_profile_named_by_the_task_s_environment_is_used(
    tmp_path: Path, stand_in: Path
) -> None:
    (tmp_path / "profiles.yml").write_text("chosen: {}\n")
    task = DbtShellTask(
        "dbt run", "p", {"DBT_PROFILES_DIR": tmp_path}, dbt_kwargs={"type": "a"}, dbt=stand_in, return_all=True
    )  # fmt: skip
    assert _shown(task)[1] == {"chosen": {}}


def test_without_the_variable_a_private_profile_is_refused(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    task = DbtShellTask(
        "dbt run", "p", set_profiles_envar=False, dbt_kwargs={"type": "a"}, dbt=stand_in
    )
    with pytest.raises(ConfigurationError, match="never learn of the profile"):
        task.run()


def test_the_profile_s_name_is_the_project_s(project: Path, stand_in: Path) -> None:
    task = DbtShellTask(
        "dbt run", dbt_kwargs={"type": "a"}, project_dir=project, dbt=stand_in, return_all=True
    )
    assert set(_shown(task)[1]) == {"tiny"}


def test_secrets_of_a_profile_reach_dbt_and_no_log(stand_in: Path) -> None:
    task = DbtShellTask(
        "dbt run",
        "p",
        dbt_kwargs={"password": "secret:PG", "token": "canary-91c4", "user": Secret("PG")},
        dbt=stand_in,
    )
    said: list[str] = []
    given = EnvironmentSecrets({"ORCHESTRATOR_SECRET_PG": "canary-55e0"})
    with provided_by(given), capture(lambda _, text: said.append(text)):
        result = task.run()
    assert "canary" not in "\n".join(said)
    assert "user: ***" in "\n".join(said).replace("      ", "")
    assert result == "      user: canary-55e0"


def test_which_dbt_runs(stand_in: Path, tmp_path: Path) -> None:
    by_folder = DbtShellTask("dbt run", dbt=stand_in.parents[1], return_all=True)
    assert "dir" in _shown(by_folder)[0]
    with pytest.raises(ConfigurationError, match="there is no dbt at"):
        DbtShellTask("dbt run", dbt=tmp_path / "nowhere").run()
    beside_python = DbtShellTask("readlink $(command -v dbt)").run()
    assert str(beside_python).endswith("/bin/dbt")


@pytest.mark.parametrize("command", ["dbt ls | sort", "x=$(dbt ls)", "dbt ls > f", "echo `dbt ls`"])
def test_what_others_read_is_not_turned_to_json(
    command: str, stand_in: Path, tmp_path: Path
) -> None:
    task = DbtShellTask(
        f"echo format=$DBT_LOG_FORMAT; {command}", dbt=stand_in, cwd=tmp_path, return_all=True
    )
    assert "format=" in task.run()  # type: ignore[operator]


@pytest.mark.parametrize("command", ["dbt ls", "dbt deps && dbt ls || dbt ls 2>&1", "dbt ls >&2"])
def test_what_the_task_reads_is_json(command: str, stand_in: Path) -> None:
    task = DbtShellTask(f"echo format=$DBT_LOG_FORMAT; {command}", dbt=stand_in, return_all=True)
    assert "format=json" in task.run()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("helper", "expected"),
    [
        ("echo start > note; x=$(date)", "format=json"),  # says nothing of dbt
        ("exec 2> >(cat)", "format="),
        ('dbt() { command dbt "$@" | sort; }', "format="),
    ],
)
def test_a_helper_script_counts_where_it_has_a_say(
    helper: str, expected: str, stand_in: Path, tmp_path: Path
) -> None:
    task = DbtShellTask(
        "echo format=$DBT_LOG_FORMAT; dbt ls",
        helper_script=helper,
        dbt=stand_in,
        cwd=tmp_path,
        return_all=True,
    )
    assert expected in task.run()  # type: ignore[operator]


def test_lines_that_only_look_like_events_are_kept_as_they_are(tmp_path: Path) -> None:
    lines = [
        "{not json",
        "{}",
        '{"info": 3}',
        '{"info": {}}',
        "[1]",
        '{"info": {"msg": null}}',
        "end",
    ]
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    got = DbtShellTask("cat lines", cwd=tmp_path, return_all=True).run()
    assert got == [*lines[:5], "end"]  # the sixth is an event that says nothing


def test_dbt_is_interrupted_not_terminated_so_that_it_cancels_its_queries(tmp_path: Path) -> None:
    program = tmp_path / "dbt"
    program.write_text(
        "#!/bin/bash\ntrap 'echo cancelled its queries; exit 1' INT\n"
        "echo running; while :; do sleep 0.05; done\n"
    )
    program.chmod(0o755)
    running = context.RunContext("run", "flow", "task")

    def stop(_: str, text: str) -> None:
        if text == "running":
            running.cancelled.set()

    with context.entered(running), capture(stop), pytest.raises(CommandCancelled) as caught:
        DbtShellTask("dbt run", dbt=program).run()
    assert caught.value.output[-1] == "cancelled its queries"


def test_a_real_build_that_fails_shows_dbt_s_own_errors(project: Path) -> None:
    nodes: list[NodeFinished] = []
    said: list[tuple[str, str]] = []
    task = DbtShellTask(
        "dbt build",
        environment="dev",
        dbt_kwargs={"type": "duckdb", "path": str(project / "tiny.duckdb"), "threads": 2},
        project_dir=project,
        on_node=nodes.append,
    )
    with capture(lambda *line: said.append(line)), pytest.raises(CommandFailed) as caught:
        task.run()
    statuses = {node.unique_id: node.status for node in nodes}
    assert statuses == {
        "model.tiny.good": "success",
        "model.tiny.bad": "error",
        "model.tiny.after": "skipped",
    }
    assert len(nodes) == 3
    assert {node.unique_id for node in nodes if node.seconds is not None} >= {"model.tiny.good"}
    shown = str(caught.value)
    assert shown.startswith("command failed with exit code 1: dbt build\n")
    assert "Failure in model bad (models/bad.sql)" in shown
    assert "Table with name missing_table does not exist" in shown
    assert "compiled code at target/compiled/tiny/models/bad.sql" in shown
    assert '{"' not in shown
    assert "\x1b" not in shown
    levels = {text.split(" sql ")[0]: level for level, text in said if " of 3 " in text}
    assert "ERROR" in levels.values()
    assert not any('{"' in text for _, text in said)
    assert not list(project.rglob("profiles.yml"))


def test_a_real_project_that_cannot_be_parsed_says_why(project: Path) -> None:
    (project / "models" / "bad.sql").write_text("select * from {{ ref('zzz') }}\n")
    task = DbtShellTask("dbt parse", dbt_kwargs={"type": "duckdb"}, project_dir=project)
    with pytest.raises(CommandFailed, match="depends on a node named 'zzz' which was not found"):
        task.run()


@pytest.mark.slow
def test_two_real_runs_at_once_each_use_their_own_profile(project: Path, tmp_path: Path) -> None:
    def build(name: str) -> str | list[str] | None:
        path = tmp_path / f"{name}.duckdb"
        return DbtShellTask(
            f"dbt run --select good --target-path {tmp_path}/{name} --log-path {tmp_path}/{name}",
            profile_name="tiny",
            environment=name,
            dbt_kwargs={"type": "duckdb", "path": str(path), "schema": f"in_{name}"},
            project_dir=project,
        ).run()

    before = dict(os.environ)
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(build, ["first", "second"]))
    assert all(str(end).startswith("Done. PASS=1 ") for end in ends)
    for name in ("first", "second"):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection:
            assert connection.sql(f"select id from in_{name}.good").fetchall() == [(1,)]
    assert dict(os.environ) == before
