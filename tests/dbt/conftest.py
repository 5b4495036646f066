"""Lets the tests of dbt import their helpers as ``tests.dbt.…``, however pytest was started.

This folder is no package: as a package named ``dbt`` it would hide dbt itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(autouse=True)
def no_session_left_open() -> Iterator[None]:
    """Close what a failed test leaves, so that only the test that is wrong fails."""
    yield
    from tasks.dbt import session

    if session._current is not None:
        session._current.abandon()
