"""Every key that ``policy.toml`` may hold: its kind, and one line that says what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from orchestrator.kinds import LENGTH, SWITCH, TEXT, TEXTS, Key, Kind, choice, several, whole
from orchestrator.service.policy import rules
from orchestrator.service.policy.rules import IGNORE, REFUSE, WARN
from orchestrator.settings import limits

#: What says of a team that a task is its own; one of these at least.
BELONGS = ("flows", "paths", "tags", "owners")


class Form(StrEnum):
    """How a table of the file is written."""

    ONE = "one"  #: ``[tests]``
    NAMED = "named"  #: ``[teams.NAME]``, any number of them
    LIST = "list"  #: ``[[exceptions]]``, any number of them


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file.

    Args:
        form: How often it may stand there.
        rule: What it is read into, whose fields' defaults hold where a key is left out.
        says: What it is for, in one line.
        keys: What it may hold.
    """

    form: Form
    rule: type[Any]
    says: str
    keys: Mapping[str, Key]


def _words(words: tuple[str, ...]) -> Kind:
    return several(choice(words), f'["{words[0]}", "{words[1]}"]')


def _date(value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"expected a day, as in 2027-01-31, got {str(value)!r}")
    return value


#: ``2027-01-31``.
DATE = Kind(_date, {"type": "string", "format": "date"})

#: Statements that may be forbidden.
STATEMENTS = (
    "drop", "truncate", "delete", "delete_without_where", "update", "update_without_where",
    "insert", "merge", "alter", "create", "copy", "grant", "call", "execute", "use", "attach",
    "install",
)  # fmt: skip


_SAID = ("owner", "description")
_BREACH = Key(choice((REFUSE, WARN)), "Whether a breach refuses check and deploy, or is only told.")

TABLES: dict[str, Table] = {
    "teams": Table(
        Form.NAMED,
        rules.Team,
        "What belongs to a team, and where the team may write.",
        {
            "flows": Key(TEXTS, "Patterns of names of flows; all their tasks are the team's."),
            "paths": Key(TEXTS, "Patterns of files, such as models/marketing/**."),
            "tags": Key(TEXTS, "Patterns of tags of tasks and dbt nodes."),
            "owners": Key(TEXTS, "Patterns of owners, as tasks and dbt nodes name them."),
            "warehouses": Key(
                TEXTS,
                "Patterns of connections, or databases, that it may write to; any if left out.",
            ),
            "schemas": Key(
                TEXTS,
                "Patterns of schemas (or database.schema) that it may write; any if left out.",
            ),
            "reads": Key(
                TEXTS, "Patterns of schemas it may read besides its own; any if left out."
            ),
            "breach": _BREACH,
        },
    ),
    "published": Table(
        Form.ONE,
        rules.Published,
        "Which tables count as published: those that any key here names.",
        {
            "schemas": Key(TEXTS, "Patterns of schemas whose tables are published."),
            "tags": Key(TEXTS, "Patterns of tags whose tables are published."),
            "access": Key(
                _words(("public", "protected", "private")),
                "Access of dbt models that are published.",
            ),
            "exposed": Key(SWITCH, "Whether what a dbt exposure uses is published."),
        },
    ),
    "required": Table(
        Form.ONE,
        rules.Required,
        "What must be said of flows and tables.",
        {
            "flows": Key(_words(_SAID), "What each flow of flows/ must say of itself."),
            "published": Key(_words(_SAID), "What must be said of each published table."),
            "team": Key(SWITCH, "Whether each task that writes must belong to a team."),
            "breach": _BREACH,
        },
    ),
    "tests": Table(
        Form.ONE,
        rules.Tested,
        "Which tests published tables must have.",
        {
            "required": Key(
                TEXTS, "Names of tests, such as unique and not_null; any stands for any test."
            ),
            "breach": _BREACH,
        },
    ),
    "statements": Table(
        Form.ONE,
        rules.Statements,
        "Which SQL statements may not stand in files, tasks and dbt hooks.",
        {
            "forbidden": Key(_words(STATEMENTS), "Statements that may stand nowhere."),
            "only_in_own_schemas": Key(
                _words(STATEMENTS),
                "Statements that may only concern schemas that their team may write.",
            ),
            "own_schemas": Key(TEXTS, "Patterns of own schemas of tasks that belong to no team."),
            "unreadable": Key(
                choice((REFUSE, WARN, IGNORE)), "What becomes of SQL that cannot be read."
            ),
            "breach": _BREACH,
        },
    ),
    "limits": Table(
        Form.ONE,
        rules.Limits,
        "How long flows may run, and how much of them at the same time.",
        {
            "max_runtime": Key(LENGTH, "Each flow has a timeout, which is no longer than this."),
            "max_threads": Key(whole(1), "The most tasks at the same time in one process."),
            "max_workers": Key(whole(1), "The most worker processes of a Dask cluster."),
            "concurrency": Key(
                limits(1), "Limits that orchestrator.toml must set, and the most that each may be."
            ),
            "breach": _BREACH,
        },
    ),
    "rows": Table(
        Form.ONE,
        rules.Rows,
        "How many rows a task may write, by what it wrote last.",
        {
            "max": Key(whole(1), "The most rows that the last good run of a task wrote."),
            "breach": _BREACH,
        },
    ),
    "exceptions": Table(
        Form.LIST,
        rules.Excepted,
        "What a rule does not hold for, why, and until when.",
        {
            "rule": Key(
                TEXT,
                "The rule, or the table of several: statements.forbidden, teams.marketing, tests.",
                required=True,
            ),
            "for": Key(
                TEXTS,
                "Patterns of files, tables, tasks or flows that it does not hold for.",
                required=True,
            ),
            "reason": Key(TEXT, "Why, for whoever reads it next year.", required=True),
            "until": Key(DATE, "The last day that it counts (UTC); for ever if left out."),
        },
    ),
}
