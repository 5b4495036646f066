"""Where the flights project is, and what a build of it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


@dataclass(frozen=True)
class Built:
    """A project that was built from January and February.

    Args:
        database: The database then.
        rebuilt: The database after February was delivered again, changed, and an aircraft's
            entry too.
        statuses: What dbt said of each node of the first build.
    """

    database: Path
    rebuilt: Path
    statuses: dict[str, str]
