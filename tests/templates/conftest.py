"""Each test of templates works in a folder of its own."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; the machine's own settings of git count for nothing."""
    # plumbum, and so copier, keeps the environment as it is when it is first imported.
    importlib.import_module("plumbum")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path
