"""What a test does that cannot run here: skipped at home; in CI nothing is left out in silence."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_missing(what: str) -> NoReturn:
    """Skip with the reason, or fail where CI is set.

    Args:
        what: What is missing, and how one gets it.
    """
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
