"""A policy as it was read: its rules as values, each with the line that sets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

FILE_NAME = "policy.toml"
#: What a broken rule does.
REFUSE, WARN, IGNORE = "refuse", "warn", "ignore"

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """The lines that say something.

    Args:
        table: The table, dotted: ``teams.marketing``.
        lines: Line of each key that was found, and of the table itself under ``""``.
        keys: The keys that are set.
    """

    table: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()

    def at(self, key: str) -> str:
        """The place that sets a key: ``policy.toml:12``."""
        line = self.lines.get(key) or self.lines.get("")
        return f"{FILE_NAME}:{line}" if line else FILE_NAME

    def rule(self, key: str) -> str:
        """The name of the rule that a key sets."""
        return f"{self.table}.{key}"


@dataclass(frozen=True, slots=True)
class Team:
    """A ``[teams.NAME]`` table; None means that nothing is said."""

    name: str
    said: Said
    flows: Texts | None = None
    paths: Texts | None = None
    tags: Texts | None = None
    owners: Texts | None = None
    warehouses: Texts | None = None
    schemas: Texts | None = None
    reads: Texts | None = None
    breach: str = REFUSE


@dataclass(frozen=True, slots=True)
class Published:
    """The ``[published]`` table."""

    said: Said = Said("published")
    schemas: Texts = ()
    tags: Texts = ()
    access: Texts = ()
    exposed: bool = False


@dataclass(frozen=True, slots=True)
class Required:
    """The ``[required]`` table."""

    said: Said = Said("required")
    flows: Texts = ()
    published: Texts = ()
    team: bool = False
    breach: str = REFUSE


@dataclass(frozen=True, slots=True)
class Tested:
    """The ``[tests]`` table."""

    said: Said = Said("tests")
    required: Texts = ()
    breach: str = REFUSE


@dataclass(frozen=True, slots=True)
class Statements:
    """The ``[statements]`` table."""

    said: Said = Said("statements")
    forbidden: Texts = ()
    only_in_own_schemas: Texts = ()
    own_schemas: Texts = ()
    unreadable: str = WARN
    breach: str = REFUSE


@dataclass(frozen=True, slots=True)
class Limits:
    """The ``[limits]`` table; ``max_runtime`` in seconds."""

    said: Said = Said("limits")
    max_runtime: float | None = None
    max_threads: int | None = None
    max_workers: int | None = None
    concurrency: Mapping[str, int] = field(default_factory=dict)
    breach: str = REFUSE


@dataclass(frozen=True, slots=True)
class Rows:
    """The ``[rows]`` table."""

    said: Said = Said("rows")
    max: int | None = None
    breach: str = WARN


@dataclass(frozen=True, slots=True)
class Excepted:
    """One ``[[exceptions]]``."""

    said: Said
    rule: str
    subjects: Texts
    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a project.

    Args:
        teams: By name.
        published: Which tables are published.
        required: What must be said of flows and tables.
        tests: Which tests published tables must have.
        statements: Which statements are forbidden.
        limits: How long and how much.
        rows: How many rows.
        exceptions: What the rules do not hold for.
    """

    teams: Mapping[str, Team] = field(default_factory=dict)
    published: Published = Published()
    required: Required = Required()
    tests: Tested = Tested()
    statements: Statements = Statements()
    limits: Limits = Limits()
    rows: Rows = Rows()
    exceptions: tuple[Excepted, ...] = ()
