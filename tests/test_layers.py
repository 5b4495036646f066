"""A module imports only from lower levels, and folders of one level do not import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: The house of docs/architecture.md: place -> level. A place's own modules may import each other.
LEVELS = {
    "orchestrator.errors": 0,
    "orchestrator.instants": 0,
    "orchestrator.kinds": 0,
    "orchestrator.nearest": 0,
    "orchestrator.toml_files": 0,
    "orchestrator.late_names": 0,
    "orchestrator.environments": 0,
    "orchestrator.presets": 0,
    "orchestrator.settings": 0,
    "orchestrator.secrets": 0,
    "orchestrator.log": 0,
    "orchestrator.model": 1,
    "orchestrator.signals": 2,
    "orchestrator.triggers": 2,
    "orchestrator.states": 2,
    "orchestrator.results": 2,
    "orchestrator.cache_validators": 2,
    "orchestrator.process": 2,
    "orchestrator.lineage": 2,
    "orchestrator.schedule": 2,
    "orchestrator.drawing": 2,
    "orchestrator.store": 3,
    "orchestrator.executors": 3,
    "orchestrator.engine": 4,
    "orchestrator.service": 5,
    "orchestrator.testing": 6,
    "orchestrator.notifications": 6,
    "orchestrator.schemas": 6,
    "orchestrator.shapes": 6,
    "orchestrator.client": 6,
    "orchestrator.server": 7,
    "orchestrator.cli": 8,
    "orchestrator.__main__": 9,
    "tasks": 9,
}
#: The package itself only names what lives below, each name imported when it is first used.
FRONT_DOOR = "orchestrator"


def place_of(module: str) -> str | None:
    found = [p for p in LEVELS if module == p or module.startswith(p + ".")]
    return max(found, key=len, default=None)


def modules() -> list[Path]:
    return sorted(p for top in ("orchestrator", "tasks") for p in (ROOT / top).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downward(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if module == FRONT_DOOR:
        return
    own = place_of(module)
    assert own is not None, f"{module} has no room in the house: name its level"
    for imported, line in imports(path):
        other = place_of(imported)
        if other is None or other == own:
            continue
        below = LEVELS[other] < LEVELS[own]
        ground = LEVELS[own] == LEVELS[other] == 0
        assert below or ground, f"{path.name}:{line} imports {imported}, which is not below {own}"


def test_no_module_imports_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    names = {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
        for p in modules()
    }
    for name, path in names.items():
        top = ast.parse(path.read_text()).body
        graph[name] = set()
        for node in top:
            if isinstance(node, ast.ImportFrom) and node.module:
                targets = [f"{node.module}.{a.name}" for a in node.names] + [node.module]
                graph[name] |= {t for t in targets if t in names and t != name}
    done: set[str] = set()
    path_now: list[str] = []

    def visit(name: str) -> None:
        assert name not in path_now, "circle: " + " -> ".join([*path_now, name])
        if name in done:
            return
        path_now.append(name)
        for other in sorted(graph[name]):
            visit(other)
        path_now.pop()
        done.add(name)

    for name in sorted(graph):
        visit(name)
