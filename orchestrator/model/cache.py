"""What an earlier result must share with an attempt to stand in for it, and how long it may."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orchestrator.errors import FlowError

#: What a result can be kept by.
WORDS = ("inputs", "code", "parameters", "hour", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class Cache:
    """Lets an earlier result stand in for a run of the task.

    Args:
        by: What must be the same: ``inputs`` (its arguments), ``code`` (of the function and of
            the functions it calls in its module), ``parameters`` (of the flow), and ``hour``,
            ``day``, ``week``, ``month`` of the instant the run was due (UTC).
        expires: How long a result may stand in; for ever, if left out.
        key: A text, or a function that takes the arguments by name and returns one, in the place
            of ``inputs``.
        location: Folder, as a path or URL, that keeps the results; ``cache`` below the project's
            state folder if left out.

    Raises:
        FlowError: ``by`` holds a word that has no meaning.

    Example:
        >>> Cache(by=("inputs", "day"), expires=timedelta(hours=12)).by
        ('inputs', 'day')
    """

    by: tuple[str, ...] = ("inputs", "code")
    expires: timedelta | None = None
    key: str | Callable[..., str] | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        by: Iterable[str] = (self.by,) if isinstance(self.by, str) else self.by
        words = tuple(word for word in by if self.key is None or word != "inputs")
        unknown = [word for word in words if word not in WORDS]
        if unknown:
            raise FlowError(
                f"a result cannot be kept by {unknown[0]!r}", fix="use " + ", ".join(WORDS)
            )
        object.__setattr__(self, "by", words)

    @classmethod
    def of(cls, said: Any) -> Cache | None:
        """Read ``cache=`` of a task: None, ``"inputs"``, a timedelta or a :class:`Cache`.

        Raises:
            FlowError: It is none of these.

        Example:
            >>> Cache.of(timedelta(hours=1)).expires
            datetime.timedelta(seconds=3600)
        """
        if said is None or said is False:
            return None
        if isinstance(said, cls):
            return said
        if said == "inputs":
            return cls()
        if isinstance(said, timedelta):
            return cls(expires=said)
        raise FlowError(
            f"{said!r} is no rule for a cache",
            fix='give cache="inputs", a timedelta, or Cache(by=…, expires=…)',
        )
