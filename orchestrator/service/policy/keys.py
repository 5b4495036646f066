"""Every key that ``policy.toml`` may hold: its kind, its default and one line that says what it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FILE_NAME = "policy.toml"
#: What says of a team that a task is its own; one of these at least.
BELONGS = ("flows", "paths", "tags", "owners")


class Kind(StrEnum):
    """How the value of a key is written."""

    TEXT = "text"  #: ``"…"``
    TEXTS = "texts"  #: ``["…", "…"]``; patterns where the description says so
    WORD = "word"  #: one of the key's choices
    WORDS = "words"  #: a list of the key's choices
    WHOLE = "whole"  #: a whole number, 1 or more
    SWITCH = "switch"  #: ``true`` or ``false``
    LENGTH = "length"  #: ``"2h"``, ``"90m"``, ``"1h 30m"``, ``"PT2H"``, or a number of seconds
    DATE = "date"  #: ``2027-01-31``
    SLOTS = "slots"  #: a table of limits, each a whole number: ``{"tag:heavy" = 2}``


class Shape(StrEnum):
    """How a table of the file is written."""

    ONE = "one"  #: ``[tests]``
    NAMED = "named"  #: ``[teams.NAME]``, any number of them
    LIST = "list"  #: ``[[exceptions]]``, any number of them


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table.

    Args:
        name: As it is written.
        kind: How its value is written.
        description: What it does, in one line.
        default: What holds where it is left out; None for nothing at all.
        choices: The words that it may hold, for ``WORD`` and ``WORDS``.
        required: Whether the table needs it.
        minimum: The least it may be, for ``WHOLE``.
    """

    name: str
    kind: Kind
    description: str
    default: object = None
    choices: tuple[str, ...] = ()
    required: bool = False
    minimum: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file.

    Args:
        name: As it is written in brackets.
        shape: How often it may stand there.
        description: What it is for, in one line.
        keys: What it may hold.
    """

    name: str
    shape: Shape
    description: str
    keys: tuple[Key, ...]

    def key(self, name: str) -> Key:
        """The key of a name."""
        return next(key for key in self.keys if key.name == name)


#: What a broken rule does.
REFUSE, WARN, IGNORE = "refuse", "warn", "ignore"
#: Statements that may be forbidden.
STATEMENTS = (
    "drop", "truncate", "delete", "delete_without_where", "update", "update_without_where",
    "insert", "merge", "alter", "create", "copy", "grant", "call", "execute", "use", "attach",
    "install",
)  # fmt: skip


def _breach(default: str = REFUSE) -> Key:
    return Key(
        "breach", Kind.WORD,
        "Whether a breach refuses check and deploy, or is only told.",
        default, (REFUSE, WARN),
    )  # fmt: skip


TABLES: tuple[Table, ...] = (
    Table(
        "teams", Shape.NAMED, "What belongs to a team, and where the team may write.",
        (
            Key("flows", Kind.TEXTS, "Patterns of names of flows; all their tasks are the team's."),
            Key("paths", Kind.TEXTS, "Patterns of files, such as models/marketing/**."),
            Key("tags", Kind.TEXTS, "Patterns of tags of tasks and dbt nodes."),
            Key("owners", Kind.TEXTS, "Patterns of owners, as tasks and dbt nodes name them."),
            Key(
                "warehouses", Kind.TEXTS,
                "Patterns of connections, or databases, that it may write to; any if left out.",
            ),
            Key(
                "schemas", Kind.TEXTS,
                "Patterns of schemas (or database.schema) that it may write; any if left out.",
            ),
            Key(
                "reads", Kind.TEXTS,
                "Patterns of schemas it may read besides its own; any if left out.",
            ),
            _breach(),
        ),
    ),
    Table(
        "published", Shape.ONE, "Which tables count as published: those that any key here names.",
        (
            Key("schemas", Kind.TEXTS, "Patterns of schemas whose tables are published.", ()),
            Key("tags", Kind.TEXTS, "Patterns of tags whose tables are published.", ()),
            Key(
                "access", Kind.WORDS, "Access of dbt models that are published.", (),
                ("public", "protected", "private"),
            ),
            Key("exposed", Kind.SWITCH, "Whether what a dbt exposure uses is published.", False),
        ),
    ),
    Table(
        "required", Shape.ONE, "What must be said of flows and tables.",
        (
            Key(
                "flows", Kind.WORDS, "What each flow of flows/ must say of itself.", (),
                ("owner", "description"),
            ),
            Key(
                "published", Kind.WORDS, "What must be said of each published table.", (),
                ("owner", "description"),
            ),
            Key("team", Kind.SWITCH, "Whether each task that writes must belong to a team.", False),
            _breach(),
        ),
    ),
    Table(
        "tests", Shape.ONE, "Which tests published tables must have.",
        (
            Key(
                "required", Kind.TEXTS,
                "Names of tests, such as unique and not_null; any stands for any test.", (),
            ),
            _breach(),
        ),
    ),
    Table(
        "statements", Shape.ONE, "Which SQL statements may not stand in files, tasks and dbt hooks.",
        (
            Key("forbidden", Kind.WORDS, "Statements that may stand nowhere.", (), STATEMENTS),
            Key(
                "only_in_own_schemas", Kind.WORDS,
                "Statements that may only concern schemas that their team may write.", (), STATEMENTS,
            ),
            Key(
                "own_schemas", Kind.TEXTS,
                "Patterns of own schemas of tasks that belong to no team.", (),
            ),
            Key(
                "unreadable", Kind.WORD, "What becomes of SQL that cannot be read.", WARN,
                (REFUSE, WARN, IGNORE),
            ),
            _breach(),
        ),
    ),
    Table(
        "limits", Shape.ONE, "How long flows may run, and how much of them at the same time.",
        (
            Key("max_runtime", Kind.LENGTH, "Each flow has a timeout, which is no longer than this."),
            Key("max_threads", Kind.WHOLE, "The most tasks at the same time in one process."),
            Key("max_workers", Kind.WHOLE, "The most worker processes of a Dask cluster."),
            Key(
                "concurrency", Kind.SLOTS,
                "Limits that orchestrator.toml must set, and the most that each may be.", {},
            ),
            _breach(),
        ),
    ),
    Table(
        "rows", Shape.ONE, "How many rows a task may write, by what it wrote last.",
        (
            Key("max", Kind.WHOLE, "The most rows that the last good run of a task wrote."),
            _breach(WARN),
        ),
    ),
    Table(
        "exceptions", Shape.LIST, "What a rule does not hold for, why, and until when.",
        (
            Key(
                "rule", Kind.TEXT,
                "The rule, or the table of several: statements.forbidden, teams.marketing, tests.",
                required=True,
            ),
            Key(
                "for", Kind.TEXTS, "Patterns of files, tables, tasks or flows that it does not hold for.",
                required=True,
            ),
            Key("reason", Kind.TEXT, "Why, for whoever reads it next year.", required=True),
            Key("until", Kind.DATE, "The last day that it counts (UTC); for ever if left out."),
        ),
    ),
)  # fmt: skip


def table(name: str) -> Table:
    """The table of a name."""
    return next(table for table in TABLES if table.name == name)
