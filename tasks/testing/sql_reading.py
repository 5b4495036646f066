"""Reads SQL tests from YAML: what one gives and expects, and where it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from orchestrator.errors import UsageError
from orchestrator.model.dataset import Dataset, Namespace
from orchestrator.nearest import nearest
from orchestrator.testing.suite import Case

KEY = "sql_tests"
_KEYS = ("name", "description", "sql", "given", "expect", "overrides")
_OF_GIVEN = ("input", "rows", "format", "fixture", "types")
_OF_EXPECT = ("rows", "format", "fixture", "types", "table", "ordered")
_OF_OVERRIDES = ("vars", "parameters", "now", "timezone")
_CALL = re.compile(r"^(ref|source)\(\s*(.+?)\s*\)$")
_STARTS = re.compile(rf"^{KEY}\s*:", re.MULTILINE)


@dataclass(frozen=True)
class Given:
    """A table that a test gives.

    Args:
        names: Of the call that the SQL makes of it: ``("ref", "orders")``; of a table, its name.
        rows: In any form that tests take.
    """

    names: tuple[str, ...]
    rows: Mapping[str, Any]

    @property
    def written(self) -> str:
        """Its name as a test writes it."""
        if not self.is_call:
            return self.table
        return f"{self.names[0]}({', '.join(repr(name) for name in self.names[1:])})"

    @property
    def is_call(self) -> bool:
        """Whether it is given as ``ref`` or ``source``."""
        return self.names[0] in ("ref", "source") and len(self.names) > 1

    @property
    def table(self) -> str:
        """Its name in the temporary database."""
        return ".".join(self.names[1:] if self.is_call else self.names)


@dataclass(frozen=True)
class SqlTest:
    """One test as it is written.

    Args:
        case: Name and place.
        given: The tables that are there.
        expect: ``rows``, and perhaps ``table`` and ``ordered``.
        overrides: ``vars``, ``parameters``, ``now``, ``timezone``.
    """

    case: Case
    given: tuple[Given, ...] = ()
    expect: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)


def read_tests(text: str, file: str) -> list[SqlTest]:
    """Read the tests of a YAML file; none, if it has no ``sql_tests:``.

    Raises:
        UsageError: It is no YAML, or says what tests do not know.

    Example:
        >>> text = "sql_tests: [{name: a, sql: sql/a.sql, expect: {rows: []}}]"
        >>> [test.case.name for test in read_tests(text, "sql/tests/a.yml")]
        ['a']
    """
    if not _STARTS.search(text):
        return []
    try:
        document = yaml.safe_load(text)
        lines = _lines(yaml.compose(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise UsageError(
            f"it is no YAML: {getattr(error, 'problem', None) or error}",
            where=f"{file}:{mark.line + 1}" if mark else file,
        ) from None
    found = document.get(KEY) or []
    if not isinstance(found, list):
        raise UsageError(f"{KEY} is no list", where=file, fix="begin each test with - name:")
    return [_test(said, file, line) for said, line in zip(found, lines, strict=True)]


def _lines(root: Any) -> list[int]:
    for key, value in root.value:
        if key.value == KEY and isinstance(value, yaml.SequenceNode):
            return [item.start_mark.line + 1 for item in value.value]
    return []


def _test(said: Any, file: str, line: int) -> SqlTest:
    place = f"{file}:{line}"
    _known(said, _KEYS, "a SQL test", place)
    for key in ("name", "sql", "expect"):
        if not said.get(key):
            raise UsageError(f"a SQL test needs {key}", where=place, fix=f"add {key}:")
    expect, overrides = said["expect"], said.get("overrides") or {}
    _known(expect, _OF_EXPECT, "expect", place)
    _known(overrides, _OF_OVERRIDES, "overrides", place)
    if expect.get("table") is not None:
        _table(str(expect["table"]), place)
    if "rows" not in expect and "fixture" not in expect:
        raise UsageError("expect needs rows", where=place, fix="rows: [] expects an empty table")
    case = Case("sql", str(said["name"]), file, line, str(said["sql"]))
    given = said.get("given") or []
    if not isinstance(given, list):
        raise UsageError("given is no list", where=place, fix="begin each table with - input:")
    tables = tuple(_given(each, place) for each in given)
    names = [table.names for table in tables]
    twice = next((table for table in tables if names.count(table.names) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice.written} is given twice", where=place, fix="give it all its rows")
    return SqlTest(case, tables, expect, overrides)


def _given(said: Any, place: str) -> Given:
    _known(said, _OF_GIVEN, "given", place)
    name = str(said.get("input") or "")
    if not name:
        raise UsageError("a given table needs its name", where=place, fix="add input: raw.orders")
    rows = {key: value for key, value in said.items() if key != "input"}
    call = _CALL.match(name)
    if call is None:
        return Given((_table(name, place),), rows)
    names = [part.strip().strip("'\"") for part in call[2].split(",")]
    return Given((call[1], names[-1]) if call[1] == "ref" else (call[1], *names), rows)


def _table(name: str, place: str) -> str:
    try:
        if "(" in name:
            raise ValueError(f"{name!r} is neither a table name nor ref(…) or source(…)")
        Dataset.parse(name, Namespace())
    except ValueError as error:
        fix = "write schema.table, ref('model') or source('name', 'table')"
        raise UsageError(str(error), where=place, fix=fix) from None
    return name


def _known(said: Any, known: Iterable[str], what: str, place: str) -> None:
    if not isinstance(said, Mapping):
        raise UsageError(f"{what} is no mapping: {said!r}", where=place, fix="write key: value")
    for key in said:
        if key not in known:
            raise UsageError(
                f"{what} cannot say {key!r}",
                where=place,
                fix=nearest(key, known, "it can say "),
            )
