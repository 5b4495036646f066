"""Asks dbt itself, in a process of its own, for its graph and for what its selectors choose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.lineage.dbt.manifest import Manifest


@dataclass(frozen=True)
class Shop:
    """The project and what dbt says of it."""

    folder: Path
    manifest: Manifest
    chosen: dict[str, set[str]]  #: by the text of the selection
    order: set[tuple[str, str]]  #: (before, after) in `dbt build`
    generated: list[tuple[Path, set[tuple[str, str]]]]  #: made-up manifests, each with its order


def ask(project: Path, selections: list[list[str]], manifests: list[Path] = ()) -> dict[str, Any]:
    """Parse a project and answer with dbt's own code.

    Args:
        project: Folder with dbt_project.yml and profiles.yml.
        selections: Arguments of ``dbt ls``, one list for each question.
        manifests: More manifest.json whose build order is wanted.

    Returns:
        ``chosen``: for each selection its unique ids; ``order`` and ``orders``: for the project
        and each manifest, the (before, after) pairs of unique ids in `dbt build`, closed.
    """
    question = {
        "project": str(project),
        "selections": selections,
        "manifests": [str(path) for path in manifests],
    }
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=240,
        cwd=project,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    from dbt.cli.main import dbtRunner

    common = ["--project-dir", ".", "--profiles-dir", ".", "--quiet", "--log-level-file", "none"]
    parsed = dbtRunner().invoke(["parse", *common])
    assert parsed.success, parsed.exception
    manifest = parsed.result
    chosen = [_selected(manifest, arguments) for arguments in question["selections"]]
    # The command line says the same as its parts, which are a hundred times as fast.
    for arguments, keys in list(zip(question["selections"], chosen, strict=True))[:3]:
        command = ["ls", *common, "--output", "json", "--output-keys", "unique_id", *arguments]
        listed = dbtRunner(manifest=manifest).invoke(command)
        assert sorted(json.loads(line)["unique_id"] for line in listed.result) == keys
    return {
        "chosen": chosen,
        "order": _order(manifest),
        "orders": [_order(_load(path)) for path in question["manifests"]],
    }


def _selected(manifest: Any, arguments: list[str]) -> list[str]:
    """What the task behind `dbt ls` selects for a command line."""
    import click
    from dbt.cli.params import exclude, indirect_selection, select
    from dbt.compilation import Linker
    from dbt.flags import get_flags
    from dbt.graph import ResourceTypeSelector, parse_difference
    from dbt.task.list import ListTask
    from dbt_common.events.contextvars import task_contextvars

    command = click.command()(select(exclude(indirect_selection(lambda **given: given))))
    given = command.main(arguments, standalone_mode=False)
    object.__setattr__(get_flags(), "INDIRECT_SELECTION", given["indirect_selection"])
    graph = Linker().get_graph(manifest)
    with task_contextvars(project_root=os.getcwd()):
        selector = ResourceTypeSelector(
            graph, manifest, None, list(ListTask.DEFAULT_RESOURCE_VALUES), include_empty_nodes=True
        )
        return sorted(selector.get_selected(parse_difference(given["select"], given["exclude"])))


def _load(path: str) -> Any:
    from dbt.contracts.graph.manifest import Manifest, WritableManifest

    written = WritableManifest.read_and_check_versions(path)
    return Manifest.from_writable_manifest(written)


def _order(manifest: Any) -> list[tuple[str, str]]:
    """Every pair (before, after) of the graph that `dbt build` queues, without reduction."""
    import networkx as nx
    from dbt.compilation import Linker

    manifest.build_parent_and_child_maps()
    linker = Linker()
    linker.link_graph(manifest)
    linker.add_test_edges_1(manifest)
    # Unit tests are no part of the queue: dbt runs them inside the job of their model.
    linker.graph.remove_nodes_from(list(manifest.unit_tests))
    return [(a, b) for a in linker.graph for b in nx.descendants(linker.graph, a)]


if __name__ == "__main__":
    print(json.dumps(_answer(json.load(sys.stdin))))
