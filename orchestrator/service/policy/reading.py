"""Reads ``policy.toml``: an unknown key offers the nearest, a value that does not fit says what would."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError, PolicyError
from orchestrator.service.policy import rules
from orchestrator.service.policy.keys import BELONGS, FILE_NAME, TABLES, Key, Kind, Shape, Table
from orchestrator.service.policy.keys import table as table_of
from orchestrator.settings import limit_name
from orchestrator.toml_files import Place, read_toml, text_of

_LENGTH = re.compile(r"p?(?:(\d+)d)?t?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86_400, 3_600, 60, 1)


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
        known = [table.name for table in TABLES]
        for name in document:
            if name not in known:
                raise self._unknown("table", (name,), known)
        ones = {
            name: kind(**self._values(table_of(name), (name,), document[name]))
            for name, kind in _ONES.items()
            if name in document
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
            values = self._values(table_of("teams"), place, table)
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
            values = self._values(table_of("exceptions"), place, table)
            found.append(rules.Excepted(subjects=values.pop("for"), **values))
        return tuple(found)

    def _values(self, table: Table, place: Place, given: object) -> dict[str, Any]:
        """The values of one table by key, each checked, and ``said``: the lines they stand in."""
        brackets = "[[%s]]" if table.shape is Shape.LIST else "[%s]"
        if not isinstance(given, Mapping):
            raise self._wrong(
                place, f"expected a table {brackets % '.'.join(place[:2])}, got {given!r}"
            )
        known = [key.name for key in table.keys]
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise self._unknown("key", (*place, name), known)
            values[name] = self._value(table.key(name), (*place, name), value)
        for key in table.keys:
            if key.required and key.name not in values:
                raise PolicyError(
                    f"{brackets % table.name} lacks its {key.name}",
                    where=self._at(place),
                    fix=f"{key.name}: {key.description[0].lower()}{key.description[1:]}",
                )
        numbers = {name: self._lines.get((*place, name), 0) for name in (*known, "")}
        numbers[""] = self._lines.get(place, 0)
        dotted = ".".join(place[:1] if table.shape is Shape.LIST else place)
        return {"said": rules.Said(dotted, numbers, frozenset(values)), **values}

    def _value(self, key: Key, place: Place, value: object) -> Any:
        try:
            return _PARSERS[key.kind](key, value)
        except ValueError as error:
            raise self._wrong(place, str(error)) from None

    def _unknown(self, what: str, place: Place, known: list[str]) -> PolicyError:
        near = difflib.get_close_matches(place[-1], known, n=1)
        table = f" in [{'.'.join(place[:-1])}]" if len(place) > 1 else ""
        return PolicyError(
            f"unknown {what} {place[-1]!r}{table}",
            where=self._at(place),
            fix=f"did you mean {near[0]!r}?" if near else f"{what}s: " + ", ".join(known),
        )

    def _wrong(self, place: Place, what: str) -> PolicyError:
        return PolicyError(f"{'.'.join(place)}: {what}", where=self._at(place))

    def _at(self, place: Place) -> str:
        while place and place not in self._lines:
            place = place[:-1]
        return f"{FILE_NAME}:{self._lines[place]}" if place else FILE_NAME


_ONES: dict[str, Callable[..., Any]] = {
    "published": rules.Published,
    "required": rules.Required,
    "tests": rules.Tested,
    "statements": rules.Statements,
    "limits": rules.Limits,
    "rows": rules.Rows,
}


# -- values, by their kind -----------------------------------------------------------------------


def _text(key: Key, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected text, got {value!r}")
    return value.strip()


def _texts(key: Key, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f'expected a list of texts, as in ["one", "other"], got {value!r}')
    return tuple(_text(key, each) for each in value)


def _word(key: Key, value: object) -> str:
    if value not in key.choices:
        near = difflib.get_close_matches(str(value), key.choices, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"expected one of {', '.join(key.choices)}, got {value!r}{hint}")
    return str(value)


def _words(key: Key, value: object) -> tuple[str, ...]:
    return tuple(_word(key, each) for each in _texts(key, value))


def _whole(key: Key, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < key.minimum:
        raise ValueError(f"expected a whole number of at least {key.minimum}, got {value!r}")
    return value


def _switch(key: Key, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value!r}")
    return value


def _length(key: Key, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    text = re.sub(r"\s+", "", value).lower() if isinstance(value, str) else ""
    match = _LENGTH.fullmatch(text)
    numbers = [int(number or 0) for number in match.groups()] if match else []
    seconds = sum(number * unit for number, unit in zip(numbers, _SECONDS, strict=False))
    if not seconds:
        raise ValueError(f'expected a length of time, as in "2h", "90m" or "1h 30m", got {value!r}')
    return float(seconds)


def _date(key: Key, value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"expected a day, as in 2027-01-31, got {value!r}")
    return value


def _slots(key: Key, value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise ValueError(f'expected a table, as in {{"tag:heavy" = 2}}, got {value!r}')
    return {limit_name(str(name)): _whole(key, slots) for name, slots in value.items()}


_PARSERS: dict[Kind, Callable[[Key, object], Any]] = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.WORD: _word,
    Kind.WORDS: _words,
    Kind.WHOLE: _whole,
    Kind.SWITCH: _switch,
    Kind.LENGTH: _length,
    Kind.DATE: _date,
    Kind.SLOTS: _slots,
}


# -- exceptions name rules that there are --------------------------------------------------------


def _check_exceptions(policy: rules.Policy) -> None:
    known = list(rule_names(policy.teams))
    for excepted in policy.exceptions:
        if excepted.rule not in known:
            near = difflib.get_close_matches(excepted.rule, known, n=1)
            raise PolicyError(
                f"there is no rule {excepted.rule!r}",
                where=excepted.said.at("rule"),
                fix=f"did you mean {near[0]!r}?" if near else "rules: " + ", ".join(known),
            )


def rule_names(teams: Iterable[str]) -> Iterable[str]:
    """Names of all rules, and of the tables that stand for several."""
    for table in TABLES:
        if table.name in ("published", "exceptions"):
            continue
        named = table.shape is Shape.NAMED
        for each in [f"{table.name}.{team}" for team in teams] if named else [table.name]:
            yield each
            skipped = (*BELONGS, "breach", "own_schemas") if named else ("breach", "own_schemas")
            yield from (f"{each}.{key.name}" for key in table.keys if key.name not in skipped)
        if named:
            yield table.name
