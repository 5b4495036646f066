"""Finds a user's project and loads its flows, warehouses and store."""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import secrets
from orchestrator.errors import NotFoundError, OrchestratorError, ProjectError, StoreError
from orchestrator.lineage import EffectsCache
from orchestrator.model.flow import Flow
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.warehouse import Warehouse
from orchestrator.service.flow_modules import FlowModules, read_flows
from orchestrator.service.hiding import refuse_other_packages
from orchestrator.settings import Settings, find_project, load_settings

if TYPE_CHECKING:
    from orchestrator.store.base import RunStore

#: Kinds of folders that are a flow as they stand: ``(folder) -> Flow | None``.
_FLOW_PLUGINS = "orchestrator.flows"
#: Makers of warehouses: ``(name, config, root=, options=) -> Warehouse``.
_WAREHOUSE_PLUGINS = "orchestrator.warehouses"


class Project:
    """A folder with ``orchestrator.toml``, or one that is a flow as it stands (a dbt project).

    Args:
        root: The folder.
        settings: Its settings.
        configured: Whether it has an ``orchestrator.toml``.
    """

    def __init__(self, root: Path, settings: Settings, *, configured: bool) -> None:
        self.root, self.settings, self.configured = root, settings, configured
        self.name = settings.name
        #: Told of each module that was left out because it cannot be imported.
        self.on_left_out: Callable[[OrchestratorError], None] = lambda error: None

    @classmethod
    def find(cls, start: Path, flags: Mapping[str, object] | None = None) -> Project:
        """Find the project that a folder belongs to.

        Args:
            start: Where to look; upwards for ``orchestrator.toml``, else for a dbt project, else
                the folder itself.
            flags: Settings given on the command line.

        Raises:
            ProjectError: There is no such folder, or a module hides one of ours.
        """
        start = start.expanduser().resolve()
        if not start.is_dir():
            raise ProjectError(
                f"there is no folder {start}", fix="give the folder of a project, or go into it"
            )
        refuse_other_packages()
        configured = find_project(start)
        root = configured or _dbt_project(start) or start
        return cls(root, load_settings(root, flags or {}), configured=configured is not None)

    # -- flows -----------------------------------------------------------------------------

    @cached_property
    def modules(self) -> FlowModules:
        """What is found under ``flows/``, imported once."""
        return read_flows(self.root, self.settings.flows)

    @cached_property
    def flows(self) -> Mapping[str, Flow]:
        """All of the project's flows by name: those under ``flows/``, or the folder itself as one.

        Raises:
            ProjectError: A module cannot be imported, two flows share a name, or there is none.
        """
        for error in self.modules.wrong:
            raise error
        return self._found()

    def readable_flows(self) -> tuple[dict[str, Flow], dict[Path, OrchestratorError]]:
        """Return the flows by name and, by file, why a module has none; no module hides another.

        Where :attr:`flows` refuses the project as a whole, this tells what of it can be read.
        """
        found = self.modules
        twice = {Path(error.where): error for error in found.twice.values() if error.where}
        return dict(found.flows), {**twice, **found.broken}

    def flow_names(self) -> list[str]:
        """Names of the project's flows, as far as they can be read.

        Raises:
            ProjectError: None can be read, or there is none.
        """
        names = list(self._found())
        self._tell_left_out()
        return names

    def flow(self, name: str = ".") -> Flow:
        """Return a flow by name; ``"."`` is the project's dbt project, or its only flow.

        A module that cannot be imported stands in the way of its own flows only.

        Raises:
            NotFoundError: There is no such flow, or ``"."`` could mean several.
            ProjectError: Its module cannot be imported, or there are two of that name.
        """
        if name == ".":
            if self.whole is not None:
                return self.whole
            if len(self.flows) == 1:
                return next(iter(self.flows.values()))
        if name in self.modules.twice:
            raise self.modules.twice[name]
        flows = self._found()
        if name in flows:
            self._tell_left_out()
            return flows[name]
        if broken := self.modules.without(name):
            raise broken
        raise _no_flow(name, flows, self.modules.broken, self.settings.flows)

    def _tell_left_out(self) -> None:
        tell, self.on_left_out = self.on_left_out, lambda error: None
        for error in self.modules.broken.values():
            tell(error)

    def _found(self) -> Mapping[str, Flow]:
        """The flows that can be read.

        Raises:
            ProjectError: None can be read, or there is none.
        """
        flows = self.modules.flows
        if flows:
            return flows
        if self.whole is not None:
            return {self.whole.name: self.whole}
        for error in self.modules.wrong:
            raise error
        raise ProjectError(
            "there is nothing to run here: no flow and no dbt project",
            where=str(self.root),
            fix="go to a folder with dbt_project.yml or orchestrator.toml, "
            "or write a flow under flows/",
        )

    @cached_property
    def whole(self) -> Flow | None:
        """The folder itself as a flow, if it is one as it stands (a dbt project)."""
        for plugin in _plugins(_FLOW_PLUGINS):
            flow: Flow | None = plugin(self.root)
            if flow is not None:
                return flow
        return None

    # -- warehouses and planning -----------------------------------------------------------

    def planning(self, options: RunOptions | None = None, run_id: str = "") -> Planning:
        """Return what tasks may ask while a flow of this project is planned.

        Args:
            options: What the run was started with.
            run_id: The run, if one is planned.
        """
        from orchestrator.service.deploying.changes import FindGitChanges

        chosen = options or RunOptions()
        cache = EffectsCache(self.settings.state_dir / "cache" / "lineage.json")
        return Planning(
            root=self.root,
            state_dir=self.settings.state_dir,
            find_warehouse=Warehouses(self, chosen),
            analyze=cache.analyze,
            save_cache=cache.save,
            options=chosen,
            run_id=run_id,
            strict_sql=self.settings.strict_sql,
            busy_timeout=self.settings.busy_timeout,
            changes=FindGitChanges(self.root, self.settings.flows, self.settings.state_dir),
        )

    def secrets(self) -> AbstractContextManager[None]:
        """Make this project the one whose secrets are read, for a block."""
        return secrets.provided_by(secrets.default_provider(self.settings.state_dir))

    def store(self) -> RunStore:
        """Open the project's run store; what it records is told to whom the settings name.

        Raises:
            ConfigurationError: A ``[notifications.NAME]`` table cannot be read.
            StoreError: It cannot be opened.
        """
        from orchestrator.service.notify.service import announcing
        from orchestrator.store.opening import open_store

        if self.settings.store.startswith("sqlite"):
            private_folder(self.settings.state_dir)
        return announcing(self, lambda: open_store(self.settings.store))


class Warehouses:
    """Makes each named connection once, when it is first asked for.

    Args:
        project: Whose connections.
        options: dbt's target and the like, which choose among them.

    Attributes:
        made: Those that were asked for, by name.
    """

    def __init__(self, project: Project, options: RunOptions) -> None:
        self._project, self._options = project, options
        self.made: dict[str, Warehouse] = {}

    def __call__(self, name: str | None) -> Warehouse | None:
        settings = self._project.settings
        configs = settings.warehouses
        chosen = name or settings.warehouse or (next(iter(configs)) if len(configs) == 1 else None)
        if chosen is None and not configs and self._bare:
            chosen, configs = "dbt", {"dbt": {"type": "dbt"}}
        if chosen is None or chosen not in configs:
            return None
        if chosen not in self.made:
            make = next(_plugins(_WAREHOUSE_PLUGINS))
            self.made[chosen] = make(
                chosen,
                configs[chosen],
                root=self._project.root,
                options=self._options,
                busy_timeout=settings.busy_timeout,
            )
        return self.made[chosen]

    @cached_property
    def _bare(self) -> bool:
        """Whether the project is a dbt project as it stands; looked up once, not for each task."""
        return (self._project.root / "dbt_project.yml").is_file()


def _plugins(group: str) -> Any:
    for point in importlib.metadata.entry_points(group=group):
        loaded: Callable[..., Any] = point.load()
        yield loaded


def _no_flow(
    name: str, flows: Iterable[str], broken: Iterable[Path], folder: Path
) -> NotFoundError:
    near = difflib.get_close_matches(name, flows, 3)
    unread = ", ".join(path.name for path in broken)
    return NotFoundError(
        f"there is no flow {name!r}" if name != "." else "which flow? there are several",
        where=str(folder),
        fix=("did you mean " + " or ".join(near) + "? " if near else "")
        + "the flows: "
        + ", ".join(flows)
        + (f"; not read, because it cannot be imported: {unread}" if unread else ""),
    )


def _dbt_project(start: Path) -> Path | None:
    """The nearest folder upwards that is a dbt project, as dbt itself looks for one."""
    return next((d for d in (start, *start.parents) if (d / "dbt_project.yml").is_file()), None)


def private_folder(folder: Path) -> None:
    """Make the folder, out of sight of git: a store or a secret must not be committed by chance."""
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise StoreError(
            f"the folder for the project's state cannot be made: {error.strerror}",
            where=str(folder),
            fix="let it be written to, or name another with state_dir in orchestrator.toml",
        ) from error
