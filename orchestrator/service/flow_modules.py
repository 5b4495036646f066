"""Reads the flows of a project's modules; one that cannot be read keeps no other from being found."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from orchestrator.errors import OrchestratorError, ProjectError
from orchestrator.model.flow import Flow
from orchestrator.service.hiding import refuse_hiding


@dataclass(frozen=True)
class FlowModules:
    """What is found under ``flows/``.

    Args:
        flows: By name.
        broken: By file, why a module cannot be read.
        twice: By name, the refusal of a flow that is there more than once.
    """

    flows: Mapping[str, Flow]
    broken: Mapping[Path, OrchestratorError]
    twice: Mapping[str, OrchestratorError]

    @property
    def wrong(self) -> list[OrchestratorError]:
        """Everything that is wrong, in the order of the files."""
        return [*self.broken.values(), *self.twice.values()]

    def without(self, name: str) -> OrchestratorError | None:
        """Why a flow is not found: of the modules that cannot be read, the one that speaks of it.

        Args:
            name: A flow that is not among :attr:`flows`.
        """
        if len(self.broken) == 1 and not self.flows:
            return next(iter(self.broken.values()))
        named = (error for path, error in self.broken.items() if _speaks_of(path, name))
        return next(named, None)


def read_flows(root: Path, folder: Path) -> FlowModules:
    """Import every module of a folder.

    Args:
        root: The project's folder, from which modules import one another.
        folder: The folder.
    """
    flows: dict[str, Flow] = {}
    broken: dict[Path, OrchestratorError] = {}
    twice: dict[str, OrchestratorError] = {}
    for path in sorted(folder.glob("*.py")):
        try:
            refuse_hiding(root)
            found = _flows_in(_loaded(path, root))
        except OrchestratorError as error:
            broken[path] = error
            continue
        for flow in found:
            if flows.setdefault(flow.name, flow) is not flow:
                twice[flow.name] = ProjectError(
                    f"two flows are named {flow.name!r}",
                    where=str(path),
                    fix="give each flow a name of its own",
                )
    return FlowModules(flows, broken, twice)


def _speaks_of(path: Path, name: str) -> bool:
    if path.stem == name:
        return True
    text = path.read_text(errors="replace")
    return any(f"{quote}{name}{quote}" in text for quote in "\"'")


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
