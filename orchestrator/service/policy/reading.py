"""Reads ``policy.toml``: an unknown key offers the nearest, a value that does not fit says what would."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError, PolicyError
from orchestrator.kinds import Key, MisfitError
from orchestrator.nearest import nearest
from orchestrator.service.policy import rules
from orchestrator.service.policy.keys import BELONGS, TABLES, Form
from orchestrator.service.policy.rules import FILE_NAME
from orchestrator.toml_files import Place, read_toml, text_of


def read_policy(root: Path) -> rules.Policy | None:
    """Read the policy of a project.

    Args:
        root: The project's folder.

    Returns:
        The policy; None where there is no file, so that nothing is enforced.

    Raises:
        PolicyError: It cannot be read, a key is unknown, or a value does not fit.
    """
    path = root / FILE_NAME
    if not os.path.lexists(path):  # a link that leads nowhere is a policy that cannot be read
        return None
    try:
        text = text_of(path)
    except ConfigurationError as error:
        raise _of_policy(error) from None
    return parse_policy(text)


def parse_policy(text: str) -> rules.Policy:
    """Read the text of a policy file.

    Args:
        text: TOML.

    Raises:
        PolicyError: It is not TOML, a key is unknown, or a value does not fit.

    Example:
        >>> parse_policy('[tests]\\nrequired = ["unique"]').tests.required
        ('unique',)
    """
    try:
        document, lines = read_toml(text, Path(FILE_NAME))
    except ConfigurationError as error:
        raise _of_policy(error) from None
    policy = _Reading(lines).policy(document)
    _check_exceptions(policy)
    return policy


def _of_policy(error: ConfigurationError) -> PolicyError:
    return PolicyError(error.what, where=error.where, fix=error.fix)


class _Reading:
    """Reads the tables of one file."""

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self._lines = lines

    def policy(self, document: Mapping[str, Any]) -> rules.Policy:
        """Read all tables."""
        for name in document:
            if name not in TABLES:
                raise self._unknown("table", (name,), TABLES)
        ones = {
            name: table.rule(**self._values((name,), document[name]))
            for name, table in TABLES.items()
            if table.form is Form.ONE and name in document
        }
        return rules.Policy(
            teams=self._teams(document.get("teams", {})),
            exceptions=self._exceptions(document.get("exceptions", [])),
            **ones,
        )

    def _teams(self, tables: object) -> dict[str, rules.Team]:
        if not isinstance(tables, Mapping):
            raise self._wrong(("teams",), f"expected tables [teams.NAME], got {tables!r}")
        found: dict[str, rules.Team] = {}
        for name, table in tables.items():
            place = ("teams", name)
            if not isinstance(table, Mapping):
                raise self._wrong(place, f"expected a table [teams.NAME], got {table!r}")
            values = self._values(place, table)
            if not any(values.get(key) for key in BELONGS):
                raise PolicyError(
                    f"nothing belongs to team {name!r}",
                    where=self._at(place),
                    fix=f"say what does, by one or more of {', '.join(BELONGS)}",
                )
            found[name] = rules.Team(name, **values)
        return found

    def _exceptions(self, tables: object) -> tuple[rules.Excepted, ...]:
        if not isinstance(tables, list):
            raise self._wrong(("exceptions",), f"expected tables [[exceptions]], got {tables!r}")
        found = []
        for number, table in enumerate(tables):
            place = ("exceptions", str(number))
            values = self._values(place, table)
            found.append(rules.Excepted(subjects=values.pop("for"), **values))
        return tuple(found)

    def _values(self, place: Place, given: object) -> dict[str, Any]:
        """The values of one table by key, each checked, and ``said``: the lines they stand in."""
        table = TABLES[place[0]]
        brackets = _brackets(place)
        if not isinstance(given, Mapping):
            raise self._wrong(place, f"expected a table {brackets}, got {given!r}")
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in table.keys:
                raise self._unknown("key", (*place, name), table.keys)
            values[name] = self._value(table.keys[name], (*place, name), value)
        for name, key in table.keys.items():
            if key.required and name not in values:
                raise PolicyError(
                    f"{brackets} lacks its key {name!r}",
                    where=self._at(place),
                    fix=f"{name}: {key.says[0].lower()}{key.says[1:]}",
                )
        numbers = {name: self._lines.get((*place, name), 0) for name in table.keys}
        numbers[""] = self._lines.get(place, 0)
        return {"said": rules.Said(_dotted(place), numbers, frozenset(values)), **values}

    def _value(self, key: Key, place: Place, value: object) -> Any:
        try:
            return key.kind(value)
        except MisfitError as error:
            raise self._wrong(place, str(error), error.place) from None
        except ValueError as error:
            raise self._wrong(place, str(error)) from None

    def _unknown(self, what: str, place: Place, known: Iterable[str]) -> PolicyError:
        table = f" in {_brackets(place[:-1])}" if len(place) > 1 else ""
        return PolicyError(
            f"unknown {what} {place[-1]!r}{table}",
            where=self._at(place),
            fix=nearest(place[-1], known, f"{what}s: "),
        )

    def _wrong(self, place: Place, what: str, within: Place = ()) -> PolicyError:
        named = ".".join(place)
        if TABLES[place[0]].form is Form.LIST and len(place) > 2:
            named = f"{place[2]} in {_brackets(place)}"
        return PolicyError(f"{named}: {what}", where=self._at((*place, *within)))

    def _at(self, place: Place) -> str:
        while place and place not in self._lines:
            place = place[:-1]
        return f"{FILE_NAME}:{self._lines[place]}" if place else FILE_NAME


def _dotted(place: Place) -> str:
    """A table's name: ``teams.core``, ``exceptions``."""
    return place[0] if TABLES[place[0]].form is Form.LIST else ".".join(place)


def _brackets(place: Place) -> str:
    """How a table's head is written: ``[teams.core]``, ``[[exceptions]]``."""
    listed = TABLES[place[0]].form is Form.LIST
    return f"[[{_dotted(place)}]]" if listed else f"[{_dotted(place)}]"


# -- exceptions name rules that there are --------------------------------------------------------


def _check_exceptions(policy: rules.Policy) -> None:
    known = list(rule_names(policy.teams))
    for excepted in policy.exceptions:
        if excepted.rule not in known:
            raise PolicyError(
                f"there is no rule {excepted.rule!r}",
                where=excepted.said.at("rule"),
                fix=nearest(excepted.rule, known, "rules: "),
            )


def rule_names(teams: Iterable[str]) -> Iterable[str]:
    """Names of all rules, and of the tables that stand for several."""
    for name, table in TABLES.items():
        if name in ("published", "exceptions"):
            continue
        named = table.form is Form.NAMED
        for each in [f"{name}.{team}" for team in teams] if named else [name]:
            yield each
            skipped = (*BELONGS, "breach", "own_schemas") if named else ("breach", "own_schemas")
            yield from (f"{each}.{key}" for key in table.keys if key not in skipped)
        if named:
            yield name
