"""What a task does when files are missing, are there already, or come too late."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from orchestrator.errors import FlowError


class IfMissing(StrEnum):
    """What a task does when there is no file."""

    FAIL = "fail"  #: it fails
    SKIP = "skip"  #: it is skipped, and what depends on it too
    IGNORE = "ignore"  #: it succeeds, having done nothing


class IfExists(StrEnum):
    """What a task does with a file that is there already."""

    OVERWRITE = "overwrite"  #: puts the new one in its place
    SKIP = "skip"  #: leaves it as it is
    FAIL = "fail"  #: fails before anything is written


class OnTimeout(StrEnum):
    """What a task does when it has waited long enough."""

    FAIL = "fail"  #: it fails
    SKIP = "skip"  #: it is skipped, and what depends on it too


def chosen(words: Any, said: Any, what: str, name: str) -> Any:
    """Read one of the words of an enum.

    Raises:
        FlowError: It is none of them.
    """
    try:
        return words(said)
    except ValueError:
        raise FlowError(
            f"{what}={said!r} of task {name!r} is not known",
            fix="say " + " or ".join(repr(str(word)) for word in words),
        ) from None
