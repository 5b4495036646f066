"""Projects as large as they come: each node ends as with `dbt build`."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.dbt.test_dbt_equality import outcome
from tests.examples.large_project import write_large_project
from tests.examples.side_by_side import PROGRAM, contents

_PATIENCE = 3600


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "tests", "of_each"),
    [
        (60, 200, 4),
        pytest.param(800, 3000, 20, marks=pytest.mark.slow),
    ],
)
def test_each_node_ends_as_with_dbt_build(
    tmp_path: Path, models: int, tests: int, of_each: int
) -> None:
    theirs, ours = (
        write_large_project(tmp_path / name, models, tests, of_each) for name in ("theirs", "ours")
    )
    for folder, words in (
        (theirs, [PROGRAM.with_name("dbt"), "build"]),
        (ours, [PROGRAM, "run", "."]),
    ):
        environment = os.environ | {"DBT_PROFILES_DIR": str(folder)}
        done = subprocess.run(
            words, cwd=folder, env=environment, timeout=_PATIENCE, capture_output=True
        )
        assert done.returncode == 1, done.stderr
    assert outcome(ours) == outcome(theirs)
    assert contents(ours / "shop.duckdb") == contents(theirs / "shop.duckdb")
    counts = Counter(values[0] for values in outcome(ours).values())
    assert sum(counts.values()) == models + tests
    assert (counts["error"], counts["fail"], counts["warn"]) == (of_each, of_each, of_each)
    assert 0 < counts["skipped"] < (models + tests) / 5
