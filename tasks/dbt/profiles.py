"""Reads dbt's profiles.yml without dbt: where it is, which target, and what database it names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tasks.dbt.errors import DbtProfileError, DbtProjectError

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_URL = re.compile(r"^[A-Za-z][\w+.-]+:")
_MOTHERDUCK = re.compile(r"^(md|motherduck):")
_ONE_EXPRESSION = re.compile(r"^\s*\{\{((?:(?!\}\}).)*)\}\}\s*$", re.DOTALL)
_DATABASE_KEYS = ("database", "dbname", "project", "catalog")
_SCHEMA_KEYS = ("schema", "dataset")


@dataclass(frozen=True)
class Profile:
    """One target of one profile, rendered.

    Args:
        name: The profile.
        target: The target within it.
        adapter_type: dbt's word for the warehouse: ``duckdb``, ``snowflake``, ``postgres``.
        values: The target's settings; they may hold secrets, so they never show in a ``repr``.
        threads: As the profile says, 1 where it does not.
        path: The profiles.yml it was read from.
        project_dir: What relative paths in it are relative to.

    Example:
        >>> Profile("shop", "dev", "duckdb", {"path": "dev.duckdb"}, project_dir="/srv").database_path
        '/srv/dev.duckdb'
    """

    name: str
    target: str
    adapter_type: str
    values: Mapping[str, Any] = field(repr=False)
    threads: int = 1
    path: str = ""
    project_dir: str = ""

    @property
    def database_path(self) -> str | None:
        """The DuckDB file, absolute; ``:memory:`` and URLs as they stand; else ``None``."""
        if self.adapter_type != "duckdb":
            return None
        path = str(self.values.get("path") or ":memory:")
        return (
            path if path == ":memory:" or _URL.match(path) else os.path.join(self.project_dir, path)
        )

    @property
    def catalog(self) -> str | None:
        """The database that unqualified names of the target belong to."""
        named = next((self.values[k] for k in _DATABASE_KEYS if self.values.get(k)), None)
        if named is None and self.database_path is not None:
            return _catalog_of_file(self.database_path)
        return None if named is None else str(named)

    @property
    def schema(self) -> str | None:
        """The schema that unqualified names of the target belong to."""
        named = next((self.values[k] for k in _SCHEMA_KEYS if self.values.get(k)), None)
        return "main" if named is None and self.adapter_type == "duckdb" else named


def load_profile(
    project_dir: str,
    *,
    profiles_dir: str | None = None,
    profile: str | None = None,
    target: str | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Profile:
    """Read the profile that dbt would use for a project.

    Args:
        project_dir: Absolute folder of the dbt project.
        profiles_dir: As ``--profiles-dir``.
        profile: As ``--profile``; the project's own otherwise.
        target: As ``--target``; the profile's own otherwise.
        variables: What ``var()`` gives in profiles.yml, as ``--vars``.

    Raises:
        DbtProjectError: There is no readable dbt_project.yml.
        DbtProfileError: There is no profiles.yml, or it lacks the profile or the target.
    """
    path = os.path.join(find_profiles_dir(project_dir, profiles_dir), "profiles.yml")
    render = _Renderer(variables or {}, path)
    name = (
        profile or os.environ.get("DBT_PROFILE") or render(read_project(project_dir).get("profile"))
    )
    if not name:
        raise DbtProfileError(
            "the dbt project names no profile",
            where=os.path.join(project_dir, "dbt_project.yml"),
            fix="add a line `profile: <name>`, or pass --profile",
        )
    raw = _pick(_read_yaml(path, DbtProfileError), str(name), "profile", path)
    target = target or os.environ.get("DBT_TARGET") or render(raw.get("target")) or "default"
    outputs = raw.get("outputs")
    chosen = _pick(outputs, str(target), f"target of profile '{name}'", path)
    values = render(chosen)
    if not values.get("type"):
        raise DbtProfileError(
            f"target '{target}' of profile '{name}' has no type",
            where=path,
            fix="add the adapter, for example `type: duckdb`",
        )
    threads = values.pop("threads", 1)
    return Profile(
        str(name), str(target), str(values.pop("type")), values, int(threads), path, project_dir
    )


def find_profiles_dir(project_dir: str, profiles_dir: str | None = None) -> str:
    """Return the folder of profiles.yml, looked for as dbt does when it runs in the project.

    Raises:
        DbtProfileError: There is none.
    """
    given = profiles_dir or os.environ.get("DBT_PROFILES_DIR")
    home = str(Path.home() / ".dbt")
    tried = [os.path.join(project_dir, os.path.expanduser(given))] if given else [project_dir, home]
    for folder in tried:
        if os.path.isfile(os.path.join(folder, "profiles.yml")):
            return os.path.normpath(folder)
    raise DbtProfileError(
        "no profiles.yml found",
        where=", ".join(tried),
        fix="write one beside dbt_project.yml, or name its folder with --profiles-dir",
    )


def read_project(project_dir: str) -> dict[str, Any]:
    """Return dbt_project.yml as it stands.

    Raises:
        DbtProjectError: It is missing, or no YAML mapping.
    """
    path = os.path.join(project_dir, "dbt_project.yml")
    if not os.path.isfile(path):
        raise DbtProjectError(
            "no dbt project here: dbt_project.yml is missing",
            where=project_dir,
            fix="run in the project's folder, or name it",
        )
    return _read_yaml(path, DbtProjectError)


def _read_yaml(path: str, error: type[DbtProfileError] | type[DbtProjectError]) -> dict[str, Any]:
    name = os.path.basename(path)
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise error(f"{name} is not YAML: {_reason(problem)}", where=where, fix="mend it") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise error(f"{name} cannot be read: {problem}", where=path) from None
    if not isinstance(content, dict):
        raise error(
            f"{name} is empty or no mapping", where=path, fix="see dbt's documentation of it"
        )
    return content


def _reason(problem: yaml.YAMLError) -> str:
    return getattr(problem, "problem", None) or str(problem).splitlines()[0]


def _pick(mapping: Any, key: str, kind: str, path: str) -> dict[str, Any]:
    known = sorted(k for k in mapping if k != "config") if isinstance(mapping, dict) else []
    value = mapping.get(key) if known else None
    if isinstance(value, dict):
        return value
    raise DbtProfileError(
        f"no {kind} is called '{key}'" if key not in known else f"the {kind} '{key}' is empty",
        where=path,
        fix="it has: " + ", ".join(known) if known else f"add the {kind}",
    )


def _catalog_of_file(path: str) -> str:
    """Name the catalog as DuckDB does: the first part of the file's name, leading dots aside."""
    if path == ":memory:":
        return "memory"
    if _MOTHERDUCK.match(path):
        return _MOTHERDUCK.sub("", path).split("?")[0] or "my_db"
    return os.path.basename(path).lstrip(".").split(".")[0]


class _Renderer:
    """Renders the Jinja that dbt allows in profiles.yml: ``env_var``, ``var`` and filters."""

    def __init__(self, variables: Mapping[str, Any], path: str) -> None:
        self._path = path
        self._names = {"env_var": self._env_var, "var": lambda k, d=None: variables.get(k, d)}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self(v) for v in value]
        return self._text(value) if isinstance(value, str) and "{" in value else value

    @cached_property
    def _jinja(self) -> SandboxedEnvironment:
        """Made when there is something to render: most profiles hold plain values."""
        from jinja2.sandbox import SandboxedEnvironment

        jinja = SandboxedEnvironment()
        jinja.filters.update(
            as_text=str, as_native=yaml.safe_load, as_bool=yaml.safe_load, as_number=yaml.safe_load
        )
        return jinja

    def _text(self, text: str) -> Any:
        from jinja2 import TemplateError

        single = _ONE_EXPRESSION.match(text)
        try:
            if single:
                return self._jinja.compile_expression(single[1])(**self._names)
            return self._jinja.from_string(text).render(**self._names)
        except TemplateError as problem:
            raise DbtProfileError(
                f"profiles.yml cannot be rendered: {problem}",
                where=self._path,
                fix="mend its Jinja",
            ) from None

    def _env_var(self, name: str, default: str | None = None) -> str:
        value = os.environ.get(name, default)
        if value is None:
            raise DbtProfileError(
                f"profiles.yml needs the environment variable {name}",
                where=self._path,
                fix=f"set {name}, or give env_var('{name}', 'a default')",
            )
        return value
