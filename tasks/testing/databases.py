"""Temporary DuckDB databases in the place of a project's warehouses and of its dbt profiles."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import Any

import yaml

from orchestrator.errors import ConfigurationError, OrchestratorError
from orchestrator.model import building
from orchestrator.model.dataset import Namespace
from orchestrator.model.flow import Flow
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.task import FunctionTask, Task
from orchestrator.model.warehouse import Warehouse
from orchestrator.service.project import Project
from tasks.dbt.build import DbtBuild
from tasks.dbt.profiles import Profile, find_profiles_dir, load_profile, read_project
from tasks.dbt.shell import DbtShellTask
from tasks.duckdb.opening import MEMORY
from tasks.duckdb.warehouse import DuckDBWarehouse, catalog_of
from tasks.testing.translated import TranslatedWarehouse
from tasks.warehouses import absolute, make

#: dbt's artifacts of tests, apart from those of runs.
_TARGET = "target/testing"
_FILE = re.compile(r"[^\s'\"=,;()]*\.(?:duckdb|ddb|db)\b")
_KEPT = ("extensions", "settings", "config_options", "threads", "plugins")
_NAME = "test"  #: of the database of a project that has no warehouse


class TemporaryDatabases:
    """The databases of one test.

    Args:
        project: The project.
        flow: What will run, if that is known: its dbt projects get profiles, too.
        folder: Where the databases are made.

    Attributes:
        environment: Variables that are set while the test runs.
        notes: What people should know of how it runs.
    """

    def __init__(self, project: Project, flow: Flow | None, folder: Path) -> None:
        self._root, self._settings = project.root, project.settings
        self._folder = folder
        self._real: dict[str, str] = {}  # real path of each database that is left alone
        self._dialects: dict[tuple[str, str], str] = {}  # of dbt projects, by folder and target
        self._found: dict[RunOptions, _Finder] = {}
        self.notes: tuple[str, ...] = ()
        self._builds = [task for task in flow or () if isinstance(task, DbtBuild)]
        self._manifest: str | None = None
        self._dbt_projects = list(dict.fromkeys(self._projects_of(flow)))
        self._profiles = self._written_profiles() if self._dbt_projects else None
        self.environment: dict[str, str] = {}
        if self._profiles is not None:
            self.environment = {
                "DBT_PROFILES_DIR": str(self._profiles), "DBT_TARGET_PATH": _TARGET,
                "DBT_LOG_PATH": str(folder / "logs"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            }  # fmt: skip

    # -- what runs ask ---------------------------------------------------------------------

    def options(self, asked: RunOptions) -> RunOptions:
        """What a run was asked for with, and the profiles of the test."""
        chosen = asked if asked.target else replace(asked, target=self._settings.target)
        if self._profiles is None:
            return chosen
        chosen = replace(chosen, profiles_dir=str(self._profiles))
        return replace(chosen, manifest=chosen.manifest or self._manifest)

    def prepare(self, planning: Planning) -> None:
        """Let dbt parse, so that SQL files can name its models as in a run."""
        if len(self._builds) == 1:
            self._manifest = str(self._builds[0].artifacts(planning)[0])

    def finder(self, options: RunOptions) -> _Finder:
        """Gives the database that stands in for a named warehouse."""
        return self._found.setdefault(options, _Finder(self, options))

    def holder(self, catalog: str | None, options: RunOptions) -> Warehouse:
        """The database that stands in for the one with this catalog; else the default one."""
        known = self.all(options)
        alike = (w for w in known if (w.namespace.catalog or "").lower() == str(catalog).lower())
        return next(alike, known[0])

    def all(self, options: RunOptions) -> list[Warehouse]:
        """All databases of the test, the default one first; one, if the project has none."""
        find = self.finder(options)
        named = [find(name) for name in (None, *self._settings.warehouses)]
        of_dbt = [self._of_dbt(folder, options, "dbt") for folder in self._dbt_projects]
        known = [warehouse for warehouse in (*named, *of_dbt) if warehouse is not None]
        return known or [find.own()]

    def refuse(self, tasks: Iterable[Task], files: Mapping[str, Path]) -> None:
        """Refuse what names a real database itself, and so would reach it.

        Raises:
            ConfigurationError: A task does.
        """
        for task in tasks:
            texts = list(_texts_of(task))
            if task.name in files and files[task.name].is_file():
                texts.append(files[task.name].read_text(encoding="utf-8", errors="replace"))
            named = next((found for text in texts for found in self._databases_in(text)), None)
            own_profile = isinstance(task, DbtShellTask) and (task.dbt_kwargs or task.profiles_dir)
            if named is None and not own_profile:
                continue
            what = f"names the database {named}" if named else "brings a dbt profile of its own"
            raise ConfigurationError(
                f"task {task.name!r} {what}, which a test must not touch",
                where=building.place(task.defined_at),
                fix=f'stub it: stub={{"{task.name}": …}}; or let it take its connection by the name '
                "of a warehouse, for which a test has a temporary database",
            )

    # -- databases -------------------------------------------------------------------------

    def made(self, name: str, options: RunOptions) -> Warehouse:
        """The database for one ``[warehouses.NAME]`` table."""
        config = self._settings.warehouses[name]
        kind = config.get("type")
        if kind == "dbt":
            folder = os.path.realpath(self._root / str(config.get("project_dir", ".")))
            return self._of_dbt(folder, options, name, config)
        if kind == "duckdb":
            return self._of_duckdb(name, config, options)
        space = self._namespace(name, config, options)
        return self._standing_in(name, str(kind), space)

    def _of_duckdb(self, name: str, config: Mapping[str, Any], options: RunOptions) -> Warehouse:
        real = absolute(str(config.get("path", MEMORY)), self._root)
        table = dict(config) | {"path": self.instead_of(real)}
        if "attach" in table:
            table["attach"] = [self._attached(item) for item in table["attach"]]
        return make(name, table, root=self._root, options=options)

    def _of_dbt(
        self, folder: str, options: RunOptions, name: str, config: Mapping[str, Any] | None = None
    ) -> Warehouse:
        table = {"type": "dbt", **(config or {}), "project_dir": folder}
        table.pop("profiles_dir", None)
        found = make(name, table, root=self._root, options=options)
        target = options.target or str((config or {}).get("target") or "")
        dialect = self._dialects.get((folder, target)) or self._dialects.get((folder, ""))
        if dialect in (None, "duckdb") or not isinstance(found, DuckDBWarehouse):
            return found
        return self._translated(found, str(dialect))

    def _standing_in(self, name: str, dialect: str, space: Namespace) -> Warehouse:
        path = self.instead_of(f"{dialect}://{name}/{space.catalog}", space.catalog or dialect)
        table = {"type": "duckdb", "path": path, "schema": space.schema or "main"}
        made = make(name, table, root=self._root, options=RunOptions())
        assert isinstance(made, DuckDBWarehouse)
        return self._translated(made, dialect)

    def _translated(self, made: DuckDBWarehouse, dialect: str) -> Warehouse:
        self._note(f"warehouse {made.name!r} is {dialect}: its SQL is translated and run on DuckDB")
        return TranslatedWarehouse(
            made.name, made.opening, made.catalog, made.schema, made.files, dialect
        )

    def _namespace(self, name: str, config: Mapping[str, Any], options: RunOptions) -> Namespace:
        """Where names live on the real warehouse; it is not connected to."""
        try:
            return make(name, config, root=self._root, options=options).namespace
        except OrchestratorError:  # a password that only the real thing needs
            catalog = config.get("database") or config.get("dbname")
            return Namespace(str(config.get("type")), str(catalog or name), config.get("schema"))

    def own(self) -> Warehouse:
        """The database of a project that has none."""
        table = {"type": "duckdb", "path": self.instead_of(f"{_NAME}.duckdb", _NAME)}
        return make(_NAME, table, root=self._root, options=RunOptions())

    def instead_of(self, real: str, catalog: str | None = None) -> str:
        """Path of the temporary file for a database; its catalog is called as the real one's."""
        if os.path.isabs(real):
            self._real[real] = real
        mark = hashlib.sha256(real.encode()).hexdigest()[:8]
        folder = self._folder / "databases" / mark
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder / f"{catalog or catalog_of(real)}.duckdb")

    def _attached(self, item: Any) -> Any:
        if isinstance(item, str):
            return {"path": self.instead_of(absolute(item, self._root))}
        path = absolute(str(item.get("path", "")), self._root)
        kept = {key: value for key, value in item.items() if key == "alias"}
        return {**kept, "path": self.instead_of(path)}

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes = (*self.notes, text)

    # -- dbt -------------------------------------------------------------------------------

    def _projects_of(self, flow: Flow | None) -> Iterator[str]:
        """Folders of the dbt projects that may run."""
        for task in flow or ():
            if isinstance(task, DbtBuild):
                yield os.path.realpath(self._root / task.project_dir)
            elif isinstance(task, DbtShellTask):
                folder = os.path.realpath(self._root / str(task.cwd or "."))
                if os.path.isfile(os.path.join(folder, "dbt_project.yml")):
                    yield folder
        for config in self._settings.warehouses.values():
            if config.get("type") == "dbt":
                yield os.path.realpath(self._root / str(config.get("project_dir", ".")))
        for file in sorted(
            (*self._root.glob("dbt_project.yml"), *self._root.glob("*/dbt_project.yml"))
        ):
            yield os.path.realpath(file.parent)

    def _written_profiles(self) -> Path:
        """Write a profiles.yml in which every target is a temporary DuckDB file."""
        profiles: dict[str, Any] = {}
        for folder in self._dbt_projects:
            if os.path.isfile(os.path.join(folder, "dbt_project.yml")):
                name, profile = self._profile_of(folder)
                profiles[name] = profile
        place = self._folder / "profiles"
        place.mkdir(parents=True, exist_ok=True)
        (place / "profiles.yml").write_text(yaml.safe_dump(profiles))
        return place

    def _profile_of(self, folder: str) -> tuple[str, dict[str, Any]]:
        name = os.environ.get("DBT_PROFILE") or str(read_project(folder).get("profile") or "")
        raw = self._raw_profile(folder, name)
        outputs = raw.get("outputs") or {"dev": {"type": "duckdb"}}
        default = raw.get("target")
        if default not in outputs and "{" not in str(default):
            default = self._settings.target or next(iter(outputs))
        made = {target: self._output(folder, name, target, outputs[target]) for target in outputs}
        self._dialects[(folder, "")] = self._dialects[(folder, _rendered_target(folder, outputs))]
        return name, {"target": default, "outputs": made}

    def _raw_profile(self, folder: str, name: str) -> Mapping[str, Any]:
        own = next(
            (c.get("profiles_dir") for c in self._settings.warehouses.values()
             if c.get("type") == "dbt" and c.get("profiles_dir")), None,
        )  # fmt: skip
        try:
            place = find_profiles_dir(folder, str(self._root / str(own)) if own else None)
            found = yaml.safe_load(Path(place, "profiles.yml").read_text(encoding="utf-8"))
        except (OrchestratorError, OSError, yaml.YAMLError, UnicodeDecodeError):
            return {}
        profile = found.get(name) if isinstance(found, dict) else None
        return profile if isinstance(profile, dict) else {}

    def _output(self, folder: str, profile: str, target: str, raw: Any) -> dict[str, Any]:
        """One target, on DuckDB."""
        said = raw if isinstance(raw, dict) else {}
        kind = str(said.get("type", "duckdb"))
        self._dialects[(folder, target)] = kind
        try:
            known = load_profile(folder, profile=profile, target=target)
        except OrchestratorError:  # a variable that only the real target needs
            plain = {k: v for k, v in said.items() if not (isinstance(v, str) and "{{" in v)}
            known = Profile(profile, target, kind, plain, project_dir=folder)
        threads = said.get("threads")
        output: dict[str, Any] = {"type": "duckdb", "schema": known.schema or "main"}
        output["threads"] = threads if isinstance(threads, int) else 1
        if kind != "duckdb":
            catalog = known.catalog or kind
            return output | {"path": self.instead_of(f"{kind}://{catalog}", catalog)}
        real = absolute(known.database_path or MEMORY, Path(folder))
        output |= {key: known.values[key] for key in _KEPT if key in known.values}
        output["path"] = self.instead_of(real)
        if known.values.get("attach"):
            output["attach"] = [self._attached(item) for item in known.values["attach"]]
        return output

    # -- who names a database --------------------------------------------------------------

    def _databases_in(self, text: str) -> Iterator[str]:
        """Real databases of the project, and other files of databases that are there."""
        for found in _FILE.findall(text):
            path = os.path.realpath(self._root / os.path.expanduser(found))
            if path.startswith(str(self._folder.resolve())):
                continue
            if path in self._real or (os.path.isabs(found) and os.path.isfile(path)):
                yield found


class _Finder:
    """Gives the database that stands in for a warehouse, made once.

    Attributes:
        made: Those that were asked for, by name.
    """

    def __init__(self, databases: TemporaryDatabases, options: RunOptions) -> None:
        self._databases, self._options = databases, options
        self._settings, self._root = databases._settings, databases._root
        self.made: dict[str, Warehouse] = {}

    def __call__(self, name: str | None) -> Warehouse | None:
        configs = self._settings.warehouses
        chosen = name or self._settings.warehouse
        if chosen is None and len(configs) == 1:
            chosen = next(iter(configs))
        if chosen is None and not configs and (self._root / "dbt_project.yml").is_file():
            return self._of_dbt()
        if chosen is None or chosen not in configs:
            return None
        if chosen not in self.made:
            self.made[chosen] = self._databases.made(chosen, self._options)
        return self.made[chosen]

    def own(self) -> Warehouse:
        """The database of a project that has no warehouse."""
        if _NAME not in self.made:
            self.made[_NAME] = self._databases.own()
        return self.made[_NAME]

    def _of_dbt(self) -> Warehouse:
        """That of the project, where it is a dbt project as it stands."""
        if "dbt" not in self.made:
            root = os.path.realpath(self._root)
            self.made["dbt"] = self._databases._of_dbt(root, self._options, "dbt")
        return self.made["dbt"]


def _rendered_target(folder: str, outputs: Mapping[str, Any]) -> str:
    try:
        found = load_profile(folder).target
    except OrchestratorError:
        found = ""
    return found if found in outputs else next(iter(outputs))


def _texts_of(task: Task) -> Iterator[str]:
    """Texts in a task that may name a file: its attributes, its function's constants."""
    yield from _texts({k: v for k, v in vars(task).items() if k != "defined_at"})
    if isinstance(task, FunctionTask):
        yield from _constants(getattr(task.fn, "__code__", None))


def _texts(value: Any, depth: int = 3) -> Iterator[str]:
    if isinstance(value, (str, os.PathLike)):
        yield os.fspath(value)
    elif isinstance(value, DuckDBWarehouse):
        yield value.opening.path
    elif depth and isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item, depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _texts(item, depth - 1)


def _constants(code: CodeType | None) -> Iterator[str]:
    for constant in code.co_consts if code is not None else ():
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        else:
            yield from _texts(constant)
