"""Fixtures of the tests that start processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from probing import Probe


@pytest.fixture
def probe() -> Iterator[Probe]:
    made = Probe()
    yield made
    for process in made.alive():
        process.kill()
