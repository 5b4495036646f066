"""Loading a project's flows leaves no trace in this process."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def path_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each project puts its folder on the path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
