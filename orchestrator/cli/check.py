"""A check of ``orchestrator doctor``: one thing looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Args:
        name: What was looked at.
        found: What was found.
        fix: What to do about it, if something is wrong.
        exit_code: 0 if it is as it should be.
    """

    name: str
    found: str
    fix: str | None = None
    exit_code: int = 0
