"""One way to meet each error: the files of a project, and what is asked of it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from orchestrator.settings import load_settings

SQL_FLOW = """\
from orchestrator import Flow
from tasks import SqlFolder

with Flow("nightly") as flow:
    SqlFolder("sql")()
"""
CONFIGURED = """\
[warehouses.main]
type = "duckdb"
path = "shop.duckdb"
"""


@dataclass(frozen=True)
class Example:
    """How to meet an error.

    Args:
        does: What is done in the project's folder.
        files: Those of the project, by path, beside an ``orchestrator.toml``.
    """

    does: Callable[[Path], object]
    files: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """What is said; the project's folder is ``…``.

        Raises:
            AssertionError: Nothing was wrong.
        """
        before, paths = Path.cwd(), list(sys.path)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            for path, text in {"orchestrator.toml": CONFIGURED, **self.files}.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
            os.chdir(folder)
            try:
                self.does(folder)
            except OrchestratorError as error:
                return str(error).replace(str(folder), "…")
            finally:
                os.chdir(before)
                sys.path[:] = paths
        raise AssertionError("nothing was wrong")


def _settings(folder: Path) -> object:
    return load_settings(folder, environ={})


def _plan(folder: Path) -> object:
    project = Project.find(folder)
    return plan_flow(project, project.flow("nightly"))


def _select(folder: Path) -> object:
    project = Project.find(folder)
    return plan_flow(project, project.flow("nightly"), Request(include=["ordres+"]))


def _policy(folder: Path) -> object:
    from orchestrator.service.policy.reading import read_policy

    return read_policy(folder)


def _manifest(folder: Path) -> object:
    from orchestrator.lineage.dbt.file import read_manifest

    return read_manifest(folder / "target" / "manifest.json")


def _command(folder: Path) -> object:
    from tasks import ShellTask

    return ShellTask("echo 'no such file: orders.csv' >&2; exit 3").run()


def _flow_of_sql(**files: str) -> dict[str, str]:
    return {"flows/nightly.py": SQL_FLOW} | {f"sql/{k}.sql": v for k, v in files.items()}


#: By the error's name, in the order of the tree.
EXAMPLES: dict[str, Example] = {
    "ConfigurationError": Example(_settings, {"orchestrator.toml": 'name = "shop"\nthreds = 8\n'}),
    "PolicyError": Example(_policy, {"policy.toml": '[tests]\nrequird = ["unique"]\n'}),
    "ProjectError": Example(lambda folder: Project.find(folder / "shpo")),
    "ManifestError": Example(_manifest, {"target/manifest.json": '{"metadata": {'}),
    "FlowError": Example(
        _plan,
        _flow_of_sql(daily="-- orchestrator: tag=core\ncreate table daily as select 1 as n;\n"),
    ),
    "ParameterError": Example(
        _plan,
        {
            "flows/nightly.py": "from orchestrator import Flow, Parameter, task\n\n@task\n"
            "def load(customer):\n    return customer\n\n"
            'with Flow("nightly") as flow:\n    load(Parameter("customer"))\n'
        },
    ),
    "CycleError": Example(
        _plan,
        _flow_of_sql(
            orders="create table orders as select * from prices;\n",
            prices="create table prices as select * from orders;\n",
        ),
    ),
    "UnorderedWritersError": Example(
        _plan,
        _flow_of_sql(
            load="create or replace table orders as select 1 as id;\n",
            repair="create or replace table orders as select 2 as id;\n",
        ),
    ),
    "DroppedDatasetError": Example(
        _plan,
        _flow_of_sql(
            clean_up="drop table staged;\n", orders="create table orders as select * from staged;\n"
        ),
    ),
    "SqlError": Example(
        _plan,
        {
            "orchestrator.toml": f"strict_sql = true\n{CONFIGURED}",
            **_flow_of_sql(daily="create table daily as\nselect id, from where orders;\n"),
        },
    ),
    "SelectionError": Example(
        _select, _flow_of_sql(orders="create table orders as select 1 as id;\n")
    ),
    "NotFoundError": Example(
        lambda folder: Project.find(folder).flow("nigtly"),
        _flow_of_sql(orders="create table orders as select 1 as id;\n"),
    ),
    "CommandFailed": Example(_command),
}
