"""The shop project, parsed once by dbt, with dbt's own answers about it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The benchmarks' generator is no installed package.
sys.path.insert(0, str(Path(__file__).parents[2]))

from dbt_oracle import Shop, ask
from shop_project import SELECTIONS, write_project

from benchmarks._projects import write_manifest
from orchestrator.lineage.dbt.manifest import read_manifest


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = write_project(tmp_path_factory.mktemp("shop"))
    made = tmp_path_factory.mktemp("made")
    paths = [
        write_manifest(made / f"{seed}.json", models=30, tests=60, seed=seed, ephemeral=0.5)
        for seed in range(6)
    ]
    answer = ask(folder, [text.split() for text in SELECTIONS], paths)
    orders = [_pairs(order) for order in answer["orders"]]
    return Shop(
        folder=folder,
        manifest=read_manifest(folder / "target" / "manifest.json"),
        chosen={text: set(keys) for text, keys in zip(SELECTIONS, answer["chosen"], strict=True)},
        order=_pairs(answer["order"]),
        generated=list(zip(paths, orders, strict=True)),
    )


def _pairs(listed: list[list[str]]) -> set[tuple[str, str]]:
    return {(before, after) for before, after in listed}
