"""What is to happen with occurrences that were missed, and with runs that meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.schedule.clock import chosen
from orchestrator.schedule.length import length_of

DAY = 86_400


class CatchUp(StrEnum):
    """What becomes of occurrences that came while nobody was there to make their runs."""

    LATEST = "latest"  #: one run for the last of them, with the data intervals of all
    ALL = "all"  #: a run for each, one after the other
    NONE = "none"  #: no run


class RunOverlap(StrEnum):
    """What becomes of an occurrence that comes while a run of its schedule is under way."""

    SKIP = "skip"  #: no run
    BUFFER_ONE = "buffer_one"  #: one run afterwards, for all that came meanwhile
    BUFFER_ALL = "buffer_all"  #: a run for each afterwards, one after the other
    CANCEL_OTHER = "cancel_other"  #: that run is asked to stop; this one begins when it has
    TERMINATE_OTHER = "terminate_other"  #: that run is ended at once, this one begins at once
    ALLOW_ALL = "allow_all"  #: both run


class OnLost(StrEnum):
    """What becomes of a run that ended though nobody wished it: its process or its agent did."""

    FAIL = "fail"  #: that is its end
    RETRY = "retry"  #: another run finishes what it left


@dataclass(frozen=True, slots=True)
class Policies:
    """What one schedule of a deployment says besides its clocks.

    Args:
        catch_up: Missed occurrences.
        window: No run is made later than this after it could have begun, in seconds.
        most: With ``all``, at most so many missed occurrences get a run.
        overlap: Occurrences that come while a run is under way.
        on_lost: Runs whose process or agent ended.
        most_retries: With ``retry``, so many runs at most finish one another.

    Example:
        >>> Policies.from_dict({"catch_up": "all", "catch_up_window": "P2D"}).window
        172800
    """

    catch_up: CatchUp = CatchUp.LATEST
    window: int = DAY
    most: int = 100
    overlap: RunOverlap = RunOverlap.BUFFER_ONE
    on_lost: OnLost = OnLost.FAIL
    most_retries: int = 2

    @classmethod
    def from_dict(cls, shape: Mapping[str, Any]) -> Policies:
        """Read what stands beside the clocks in a deployment's schedule.

        Args:
            shape: May have ``catch_up``, ``catch_up_window`` (ISO 8601 or seconds),
                ``max_catch_up``, ``overlap``, ``on_lost`` and ``max_lost_retries``.

        Raises:
            FlowError: A value is none of those possible.
        """
        given = {name: shape[name] for name in _NAMES if shape.get(name) is not None}
        own = cls()
        return cls(
            chosen(CatchUp, given.get("catch_up", own.catch_up), "catch_up"),
            _seconds(given.get("catch_up_window", own.window)),
            _number(given, "max_catch_up", own.most),
            chosen(RunOverlap, given.get("overlap", own.overlap), "overlap"),
            chosen(OnLost, given.get("on_lost", own.on_lost), "on_lost"),
            _number(given, "max_lost_retries", own.most_retries),
        )


_NAMES = (
    "catch_up", "catch_up_window", "max_catch_up", "overlap", "on_lost", "max_lost_retries",
)  # fmt: skip


def _seconds(given: object) -> int:
    if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
        return int(given)
    seconds: int = length_of(given).about
    return seconds


def _number(given: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = given.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FlowError(f"{name}={value!r} is no number of runs", fix=f"write {name}=10")
    return value
