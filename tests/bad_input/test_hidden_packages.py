"""A module of the user's own that is named as one of our packages: it is named, with a way out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.screens import assert_nothing_left, masked, same_screen
from tests.dbt.project import write_project

FLOW = "from orchestrator import Flow\nfrom tasks import ShellTask\nwith Flow('n') as flow:\n    ShellTask('true')()\n"
SCRIPT = [str(Path(sys.executable).with_name("orchestrator"))]
MODULE = [sys.executable, "-m", "orchestrator.cli.main"]


def run(folder: Path, program: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, *words], cwd=folder, capture_output=True, text=True, timeout=120,
        env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip


# With `python -m` and an orchestrator.py of the user's, Python runs that file and none of ours.
@pytest.mark.parametrize(
    ("program", "name"),
    [
        (SCRIPT, "tasks.py"),
        (SCRIPT, "tasks/__init__.py"),
        (SCRIPT, "orchestrator.py"),
        (MODULE, "tasks.py"),
        (MODULE, "tasks/__init__.py"),
    ],
)
def test_where_flows_import_from(tmp_path: Path, program: list[str], name: str) -> None:
    project = write_project(
        tmp_path, {"orchestrator.toml": 'name = "shop"\n', "flows/f.py": FLOW, name: "x = 1\n"}
    )
    done = run(project, program, "run", "n")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "rename it" in done.stderr
    same_screen(f"hidden-by-{name.replace('/', '-')}", masked(done.stderr, project))
    assert_nothing_left(project)

    whole = project / name.split("/")[0]
    whole.rename(whole.with_name("my_" + whole.name))
    assert run(project, program, "run", "n").returncode == 0


@pytest.mark.slow
def test_a_bare_dbt_project_imports_nothing_of_its_own(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"models/a.sql": "select 1 as id", "tasks.py": "x = 1\n"})
    done = run(project, SCRIPT, "plan", ".")
    assert done.returncode == 0, done.stderr
    done = run(project, MODULE, "plan", ".")
    assert done.returncode == 2
    assert "my_tasks.py" in done.stderr
