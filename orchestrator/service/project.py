"""Finds a user's project and loads its flows, warehouses and store."""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from orchestrator import secrets
from orchestrator.errors import NotFoundError, OrchestratorError, ProjectError, StoreError
from orchestrator.lineage import EffectsCache
from orchestrator.model.flow import Flow
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.warehouse import Warehouse
from orchestrator.service.hiding import refuse_hiding, refuse_other_packages
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
    def flows(self) -> dict[str, Flow]:
        """The project's flows by name: those under ``flows/``, or the folder itself as one.

        Raises:
            ProjectError: A module cannot be imported, two flows share a name, or there is none.
        """
        found: dict[str, Flow] = {}
        paths = sorted(self.settings.flows.glob("*.py"))
        if paths:
            refuse_hiding(self.root)
        for path in paths:
            for flow in _flows_in(_loaded(path, self.root)):
                if flow.name in found:
                    raise ProjectError(
                        f"two flows are named {flow.name!r}",
                        where=str(path),
                        fix="give each flow a name of its own",
                    )
                found[flow.name] = flow
        if not found and self.whole is not None:
            found[self.whole.name] = self.whole
        if not found:
            raise ProjectError(
                "there is nothing to run here: no flow and no dbt project",
                where=str(self.root),
                fix="go to a folder with dbt_project.yml or orchestrator.toml, "
                "or write a flow under flows/",
            )
        return found

    def readable_flows(self) -> tuple[dict[str, Flow], dict[Path, OrchestratorError]]:
        """Return the flows by name and, by file, why a module has none; no module hides another.

        Where :attr:`flows` refuses the project as a whole, this tells what of it can be read.
        """
        found: dict[str, Flow] = {}
        errors: dict[Path, OrchestratorError] = {}
        for path in sorted(self.settings.flows.glob("*.py")):
            try:
                refuse_hiding(self.root)
                for flow in _flows_in(_loaded(path, self.root)):
                    if found.setdefault(flow.name, flow) is not flow:
                        errors[path] = ProjectError(f"two flows are named {flow.name!r}")
            except OrchestratorError as error:
                errors[path] = error
        return found, errors

    def flow_names(self) -> list[str]:
        """Names of the project's flows."""
        return list(self.flows)

    def flow(self, name: str = ".") -> Flow:
        """Return a flow by name; ``"."`` is the project's dbt project, or its only flow.

        Raises:
            NotFoundError: There is no such flow, or ``"."`` could mean several.
        """
        if name == ".":
            if self.whole is not None:
                return self.whole
            if len(self.flows) == 1:
                return next(iter(self.flows.values()))
        if name in self.flows:
            return self.flows[name]
        near = difflib.get_close_matches(name, self.flows, 3)
        raise NotFoundError(
            f"there is no flow {name!r}" if name != "." else "which flow? there are several",
            where=str(self.settings.flows),
            fix=("did you mean " + " or ".join(near) + "? " if near else "")
            + "the flows: "
            + ", ".join(self.flows),
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
            _private_folder(self.settings.state_dir)
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


def _loaded(path: Path, root: Path) -> ModuleType:
    """Import a user's flow module from its file, with the project's folder importable."""
    import cloudpickle

    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    name = f"orchestrator_flows_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ProjectError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except OrchestratorError:
        raise
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise ProjectError(
            f"{path.name} cannot be imported: {type(error).__name__}: {error}",
            where=_last_line(error, path),
            fix="mend the module; `python " + str(path) + "` shows the whole traceback",
        ) from error
    # Workers cannot import a module that was loaded from a file: it travels with its tasks.
    cloudpickle.register_pickle_by_value(module)
    return module


def _last_line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _flows_in(module: ModuleType) -> list[Flow]:
    flows = [value for value in vars(module).values() if isinstance(value, Flow)]
    return list(dict.fromkeys(flows))


def _dbt_project(start: Path) -> Path | None:
    """The nearest folder upwards that is a dbt project, as dbt itself looks for one."""
    return next((d for d in (start, *start.parents) if (d / "dbt_project.yml").is_file()), None)


def _private_folder(folder: Path) -> None:
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
