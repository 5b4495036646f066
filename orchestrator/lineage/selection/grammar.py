"""The grammar of dbt-style selectors: text in, criteria out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import SelectionError
from orchestrator.nearest import near_to

#: Methods that can be answered from tasks alone, with what each compares.
METHODS = {
    "fqn": "name or dotted path of names",
    "path": "file or folder",
    "file": "file name",
    "tag": "tag",
    "config": "config value (config.materialized:table)",
    "package": "dbt package",
    "source": "dbt source",
    "resource_type": "kind of task (model, test, sql, python, …)",
    "test_type": "generic, singular, data or unit",
    "test_name": "generic test, or unit test",
    "group": "dbt group",
    "access": "private, protected or public",
    "version": "latest, prerelease, old or none",
    "exposure": "dbt exposure",
    "metric": "dbt metric",
    "semantic_model": "dbt semantic model",
    "saved_query": "dbt saved query",
    "unit_test": "dbt unit test",
    "changed": "file that differs from a git ref (changed:origin/main)",
}
#: Methods that compare with an earlier run or an earlier manifest, and who answers them.
_COMPARING = {
    "state": "give it to dbt, in a flow: DbtBuild(select='state:…', state=DIR)",
    "result": "`orchestrator runs retry RUN` runs again what failed; "
    "dbt itself takes result: with --state DIR",
    "source_status": "give it to dbt: DbtShellTask('dbt build --select source_status:… "
    "--state DIR')",
}
_SPEC = re.compile(
    r"(?P<at>@)?"
    r"(?P<parents>(?P<parents_depth>\d*)\+)?"
    r"(?:(?P<method>[\w.]+):)?(?P<value>.*?)"
    r"(?P<children>\+(?P<children_depth>\d*))?"
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One selector without set operators, like ``2+tag:nightly+``.

    Args:
        raw: As it was written.
        method: A key of :data:`METHODS`.
        arguments: Dotted words after the method (``config.meta.owner`` gives ``meta``, ``owner``).
        value: What the method looks for.
        siblings: ``@``: with all descendants, and all ancestors of these.
        parents: ``+`` in front: how many steps upstream; None for all, 0 for no sign.
        children: ``+`` behind: how many steps downstream; None for all, 0 for no sign.
    """

    raw: str
    method: str
    arguments: tuple[str, ...]
    value: str
    siblings: bool = False
    parents: int | None = 0
    children: int | None = 0


def parse(expressions: Iterable[str]) -> list[list[Criterion]]:
    """Read selectors: spaces join (union), commas narrow (intersection).

    Args:
        expressions: Each may hold several, parted by spaces.

    Raises:
        SelectionError: A selector cannot be read, or its method is not known.

    Example:
        >>> [[c.value for c in group] for group in parse(["a b,tag:c"])]
        [['a'], ['b', 'c']]
    """
    words = [word for expression in expressions for word in expression.split()]
    return [[parse_criterion(part, word) for part in word.split(",")] for word in words]


def parse_criterion(text: str, within: str | None = None) -> Criterion:
    """Read one selector.

    Args:
        text: Like ``+tag:nightly``.
        within: The whole it stands in, for the error.

    Raises:
        SelectionError: It cannot be read, or its method is not known.
    """
    match = _SPEC.fullmatch(text)
    if not match or not match["value"]:
        raise SelectionError(
            f"the selector {within or text!r} names nothing",
            fix="write a name, or method:value, like orders, +orders, tag:nightly,path:models",
        )
    if match["at"] and match["children"]:
        raise SelectionError(
            f"the selector {text!r} has both @ and a + behind",
            fix=f"@ takes all descendants already: @{match['value']}",
        )
    method, *arguments = _method(match["method"], match["value"], text).split(".")
    return Criterion(
        raw=text,
        method=method,
        arguments=tuple(arguments),
        value=match["value"],
        siblings=bool(match["at"]),
        parents=_depth(match["parents"], match["parents_depth"]),
        children=_depth(match["children"], match["children_depth"]),
    )


def _depth(sign: str | None, number: str | None) -> int | None:
    if not sign:
        return 0
    return int(number) if number else None


def _method(named: str | None, value: str, text: str) -> str:
    if named is None:
        return _default_method(value)
    first, _, rest = named.partition(".")
    if first in _COMPARING:
        raise SelectionError(
            f"{first}: in {text!r} compares with an earlier run, which is not known here",
            fix=_COMPARING[first],
        )
    if first not in METHODS:
        near = near_to(first, METHODS)
        raise SelectionError(
            f"{first!r} in {text!r} is no selector method",
            where="known methods: " + ", ".join(METHODS),
            fix=f"did you mean {near}:{value}?" if near else "use one of the known methods",
        )
    if (first == "config") != bool(rest):
        raise SelectionError(
            f"the method in {text!r} cannot be read",
            fix="write config.KEY:VALUE; other methods take no dotted words",
        )
    return named


def _default_method(value: str) -> str:
    """What a bare word means, as in dbt: a path, a file name or a name."""
    if "/" in value:
        return "path"
    return "file" if value.lower().endswith((".sql", ".py", ".csv")) else "fqn"
