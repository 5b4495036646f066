"""The time zone database: the files of the tzdata package, so that all machines agree."""

from __future__ import annotations

import difflib
import importlib.resources
from functools import cache

import pendulum
import tzdata

from orchestrator.errors import FlowError


@cache
def zone_names() -> frozenset[str]:
    """The names of all time zones."""
    listed = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="ascii")
    return frozenset(listed.split())


def zone_data_version() -> str:
    """The version of the time zone database in use, such as ``2026f``."""
    return str(tzdata.IANA_VERSION)


def load_zone(name: str) -> pendulum.Timezone:
    """Read a zone.

    Raises:
        FlowError: There is none of that name; names the nearest.
    """
    if name not in zone_names():
        by_folded = {known.casefold(): known for known in sorted(zone_names())}
        wanted = str(name).strip().replace(" ", "_").casefold()
        near = difflib.get_close_matches(wanted, by_folded, 3, 0.7)
        offered = " or ".join(repr(by_folded[folded]) for folded in near)
        raise FlowError(
            f"there is no time zone {name!r}",
            fix=f"did you mean {offered}?" if near else "name one as 'America/New_York' or 'UTC'",
        )
    path = importlib.resources.files("tzdata.zoneinfo").joinpath(*name.split("/"))
    with path.open("rb") as file:
        return pendulum.Timezone.from_file(file, key=name)
