"""Software environments: the versions here, compared with those of a scheduler and its workers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from orchestrator.errors import ClusterError
from orchestrator.presets import written_at

#: What work and its values pass through on a worker.
PACKAGES = (
    "dask", "distributed", "cloudpickle", "analytics-orchestrator", "dbt-core", "sqlglot",
    "duckdb", "pandas", "pyarrow",
)  # fmt: skip
#: What a scheduler needs: it opens work, but not the tasks in it.
_OF_SCHEDULERS = ("python", "dask", "distributed", "cloudpickle", "analytics-orchestrator")
_SCHEDULER = "scheduler"

#: By package; None for one that is not installed.
Versions = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A package that is not the same somewhere.

    Args:
        package: Its name.
        here: The driver's version.
        there: The other one; None if it is not installed.
        places: Where the other one is.
    """

    package: str
    here: str
    there: str | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """The versions that work is to find where it runs; looked at once in each process."""

    versions: tuple[tuple[str, str], ...]

    def insist(self) -> None:
        """Refuse to go on where they differ.

        Raises:
            ClusterError: They do.
        """
        found = _differences_of_this_process(self)
        if found:
            raise refusal(found)


@cache
def _differences_of_this_process(expected: Expected) -> tuple[Difference, ...]:
    return tuple(differences(dict(expected.versions), {"this worker": here(missing=True)}))


def here(*, missing: bool = False) -> dict[str, str | None]:
    """The versions of this process.

    Args:
        missing: Whether to name packages that are not installed, too.

    Example:
        >>> here()["python"] == ".".join(map(str, __import__("sys").version_info[:2]))
        True
    """
    found: dict[str, str | None] = {"python": ".".join(map(str, sys.version_info[:2]))}
    found |= {name: _installed(name) for name in PACKAGES}
    return {name: said for name, said in found.items() if missing or said is not None}


def expected() -> Expected:
    """The versions of this process, to go with work."""
    return Expected(tuple((name, said) for name, said in here().items() if said is not None))


def answer(packages: Mapping[str, str | None]) -> dict[str, str | None]:
    """Read what Dask says of one of its processes: of Python, only what matters."""
    python = str(packages.get("python") or "")
    return {**packages, "python": ".".join(python.split(".")[:2]) or None}


def differences(
    ours: Mapping[str, str | None],
    workers: Mapping[str, Versions],
    scheduler: Versions | None = None,
) -> list[Difference]:
    """Compare environments.

    Args:
        ours: The driver's.
        workers: By address.
        scheduler: The scheduler's; of it only what it needs counts.

    Example:
        >>> differences({"dask": "2"}, {"w1": {"dask": "1"}, "w2": {"dask": "2"}, "w3": {}})
        [Difference(package='dask', here='2', there='1', places=('w1',)), \
Difference(package='dask', here='2', there=None, places=('w3',))]
    """
    found: list[Difference] = []
    for package, version_here in ours.items():
        places = dict(workers)
        if scheduler is not None and package in _OF_SCHEDULERS:
            places = {_SCHEDULER: scheduler, **places}
        others: dict[str | None, list[str]] = {}
        for place, versions in places.items():
            there = versions.get(package)
            if there != version_here:
                others.setdefault(there, []).append(place)
        found += [Difference(package, str(version_here), v, tuple(p)) for v, p in others.items()]
    return found


def refusal(found: Iterable[Difference], cluster: str | None = None) -> ClusterError:
    """The error that tells them.

    Args:
        found: What differs.
        cluster: Name of the preset.
    """
    name = f"cluster {cluster!r}" if cluster else "the cluster"
    return ClusterError(
        f"the software of {name} is not that of the driver:\n{table(found)}",
        where=written_at(cluster),
        fix="make the workers' image or environment anew from what is installed here; or say "
        'check_versions = "warn"',
    )


def table(found: Iterable[Difference]) -> str:
    """A table of package, here, there, and where.

    Example:
        >>> print(table([Difference("duckdb", "1.4", None, ("tcp://a:1", "tcp://b:1"))]))
        package  here  there    where
        duckdb   1.4   missing  tcp://a:1, tcp://b:1
    """
    rows = [("package", "here", "there", "where")]
    rows += [(d.package, d.here, d.there or "missing", _places(d.places)) for d in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _places(places: tuple[str, ...]) -> str:
    shown = ", ".join(places[:3])
    return shown if len(places) <= 3 else f"{shown} and {len(places) - 3} more"


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
