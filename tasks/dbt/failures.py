"""Turns what dbt raises into the project's errors: one screen, the place, the next step."""

from __future__ import annotations

import os
import re
from pathlib import Path

from orchestrator.errors import OrchestratorError, SelectionError, WarehouseBusyError
from tasks.dbt.errors import (
    DbtParseError,
    DbtProfileError,
    DbtProjectError,
    DbtUsageError,
    DbtWarehouseError,
)

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LOCK = re.compile(
    r'Could not set lock on file "([^"]+)": Conflicting lock is held in (.+?) ?\(PID (\d+)\)'
)
_LOCK_UNNAMED = re.compile(r'Could not set lock on file "([^"]+)"')
_FILE = re.compile(r"([\w./\\-]+\.(?:sql|ya?ml|py|csv|md))\b")
_LINE = re.compile(r"\bline (\d+)", re.IGNORECASE)
_SCREEN = 14
_OF_PROFILE = ("profile named", "adapter type", "read your profiles.yml")
_NO_ADAPTER = re.compile(r"Could not find adapter type (\S+?)!")
#: Adapters that an extra of ours brings, each in the version that goes with this dbt.
_EXTRAS = frozenset({"postgres", "snowflake"})


def translate(error: BaseException, project_dir: str) -> OrchestratorError:
    """Return the project's error for one of dbt's.

    dbt's classes are told apart by name, so that reading an error needs no import of dbt.
    """
    if isinstance(error, OrchestratorError):
        return error
    told = error.format_message() if hasattr(error, "format_message") else str(error)
    text = clean(told or type(error).__name__)
    return busy(text) or _by_class(error, text, project_dir)


def busy(text: str) -> WarehouseBusyError | None:
    """Return the error of a DuckDB file that another process holds, if the text tells of one.

    Example:
        >>> print(busy('IO Error: Could not set lock on file "/a/b.duckdb": Conflicting lock is '
        ...            'held in /usr/bin/duckdb (PID 7).'))
        the DuckDB file b.duckdb is held by duckdb (PID 7)
          where: /a/b.duckdb
          fix:   close it there (one process may hold a DuckDB file), then run again
    """
    named, hit = _LOCK.search(text), _LOCK_UNNAMED.search(text)
    if hit is None:
        return None
    holder = f"{os.path.basename(named[2])} (PID {named[3]})" if named else "another process"
    return WarehouseBusyError(
        f"the DuckDB file {os.path.basename(hit[1])} is held by {holder}",
        where=hit[1],
        fix="close it there (one process may hold a DuckDB file), then run again",
    )


def clean(text: str, lines: int = _SCREEN) -> str:
    """Strip colours and blank ends, and keep one screen of a text."""
    kept = [line.rstrip() for line in _ANSI.sub("", text).strip().splitlines() if line.strip()]
    if len(kept) > lines:
        kept = [*kept[:lines], f"… {len(kept) - lines} more lines"]
    return "\n".join(kept)


def _by_class(error: BaseException, text: str, project_dir: str) -> OrchestratorError:
    names = {cls.__name__ for cls in type(error).__mro__}
    where = _place(text, project_dir)
    if "dbt deps" in text:
        fix = f"run: dbt deps --project-dir {project_dir}"
        return DbtProjectError(f"packages are not installed\n{text}", where=project_dir, fix=fix)
    if "UsageError" in names or "DbtUsageException" in names:
        return DbtUsageError(f"dbt refuses its options\n{text}", fix="see dbt build --help")
    if names & {"DbtSelectorsError", "InvalidSelectorError"} or "find selector named" in text:
        return SelectionError(f"dbt cannot read the selection\n{text}", where=project_dir)
    missing = _NO_ADAPTER.search(text)
    if missing is not None:
        return _no_adapter(missing[1], text, where)
    if "DbtProfileError" in names or any(words in text for words in _OF_PROFILE):
        fix = "mend profiles.yml; `dbt debug` checks it"
        return DbtProfileError(f"dbt cannot use the profile\n{text}", where=where, fix=fix)
    if "DbtProjectError" in names:
        fix = "mend dbt_project.yml"
        return DbtProjectError(f"dbt cannot read the project\n{text}", where=where, fix=fix)
    if names & {"ParsingError", "CompilationError", "DbtValidationError", "ValidationError"}:
        fix = "mend the file; `orchestrator plan .` tells whether dbt can read it, and runs nothing"
        return DbtParseError(f"dbt cannot parse the project\n{text}", where=where, fix=fix)
    if names & {"FailedToConnectError", "DbtDatabaseError", "ConnectionException"} or _of_driver(
        error
    ):
        fix = "see whether the database can be reached: `dbt debug`"
        what = f"dbt cannot prepare the warehouse\n{text}"
        return DbtWarehouseError(what, where=project_dir, fix=fix)
    if "DbtRuntimeError" in names:
        return DbtParseError(f"dbt stopped\n{text}", where=where)
    return OrchestratorError(f"dbt broke off: {type(error).__name__}\n{text}", where=where)


def _no_adapter(kind: str, text: str, where: str) -> DbtProfileError:
    package = f"analytics-orchestrator[{kind}]" if kind in _EXTRAS else f"dbt-{kind}"
    return DbtProfileError(
        f"the adapter of dbt for type {kind!r} is not installed in this Python environment\n{text}",
        where=where,
        fix=f"if the type is right, install its adapter where orchestrator runs: "
        f'pip install "{package}"; else mend `type` in profiles.yml',
    )


def _of_driver(error: BaseException) -> bool:
    return type(error).__module__.split(".")[0] in {"duckdb", "_duckdb", "psycopg2", "snowflake"}


def _place(text: str, project_dir: str) -> str:
    """Name the first file the text names, with its line where there is one."""
    file, line = _FILE.search(text), _LINE.search(text)
    if file is None:
        return project_dir
    path = _in_project(file[1], project_dir)
    return f"{path}:{line[1]}" if line else path


def _in_project(name: str, project_dir: str) -> str:
    """Complete a path that dbt gives from a folder of models on, if one file only fits."""
    root = Path(project_dir)
    if (root / name).exists():
        return name
    fitting = [p for p in root.glob(f"*/**/{name}") if "target" not in p.parts]
    return str(fitting[0].relative_to(root)) if len(fitting) == 1 else name
