"""The Jinja of a SQL text: rendered when planned, and again when it runs if only the run can tell."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from typing import Any

from orchestrator import instants
from orchestrator.errors import SqlError
from orchestrator.model.context import RunContext
from orchestrator.nearest import did_you_mean
from tasks.sql.literals import Value
from tasks.sql.script import Script

_JINJA = re.compile(r"\{\{|\{%|\{#")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
#: What only a run knows.
LATE = ("parameters", "scheduled_time", "run_id", "flow_name", *_DAYS)
_LATE = re.compile(rf"\b(?:{'|'.join(LATE)})\b")
#: Stands for a parameter's value where only the plan is made.
UNKNOWN = "?"

#: Gives what stands in the SQL for ``("ref", "model")`` or ``("source", "name", "table")``.
ResolveRef = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A text with what its Jinja may name.

    Args:
        script: The text.
        dialect: Of the SQL.
        params: What ``{{ params.name }}`` gives.
        variables: What ``{{ var('name') }}`` gives.
        this: The table that the SELECT is made into, if it is.
        incremental: What ``is_incremental()`` gives, if it is there.
        relations: What ``ref`` and ``source`` gave when it was planned.
    """

    script: Script
    dialect: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    this: str | None = None
    incremental: bool | None = None
    relations: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def is_late(self) -> bool:
        """Whether only the run can tell what it comes to."""
        return bool(_JINJA.search(self.script.text) and _LATE.search(self.script.text))

    def planned(self, resolve: ResolveRef) -> Script:
        """Render it with a stand-in for what only the run knows.

        Args:
            resolve: What ``ref`` and ``source`` stand for.

        Raises:
            SqlError: A name in it is not known, or it is no Jinja, or a value stands where none can.
        """

        def remembered(call: tuple[str, ...]) -> str:
            self.relations[call] = found = resolve(call)
            return found

        return self._rendered(remembered, None)

    def at(self, running: RunContext | None) -> Script:
        """Render it for a run; outside one there are no parameters, and it is now.

        Raises:
            SqlError: As :meth:`planned`.
        """
        here = running or RunContext("", "", "")
        return self._rendered(self.relations.__getitem__, here)

    def _rendered(self, resolve: ResolveRef, running: RunContext | None) -> Script:
        if not _JINJA.search(self.script.text):
            return self.script
        from orchestrator.lineage.sql.jinja import render

        written: list[str] = []
        made = render(
            self.script.text,
            ref=lambda *names, **_: resolve(("ref", *names)),
            source=lambda name, table: resolve(("source", name, table)),
            var=self.variables,
            env_var=os.environ,
            params={**self._names(running, written.append), **self.params},
        )
        if made.problems:
            problem = made.problems[0]
            raise SqlError(
                f"the Jinja in {self.script.file or 'the SQL'} cannot be rendered: {problem.message}",
                where=self.script.at(problem.line),
                fix=f"known are {', '.join(self._known())}",
            )
        script = replace(self.script, text=made.sql, lines=made.lines)
        _check_values(script, written, self.dialect)
        return script

    def _known(self) -> Iterator[str]:
        yield from ("ref", "source", "var", "env_var", "params", *LATE)
        yield from ("this", "is_incremental") if self.this is not None else ()

    def _names(
        self, running: RunContext | None, written: Callable[[str], object]
    ) -> dict[str, Any]:
        def value(of: Any) -> Value:
            return Value(of, self.dialect, written)

        at = (running and running.scheduled_time) or instants.now()
        at = at.astimezone(UTC)
        found: dict[str, Any] = {
            "parameters": _Parameters(running.parameters if running else None, value),
            "scheduled_time": value(f"{at:%Y-%m-%d %H:%M:%S}+00:00"),
            "run_id": value(running.run_id if running else UNKNOWN),
            "flow_name": value(running.flow if running else UNKNOWN),
        }
        for day, offset in _DAYS.items():
            found[day] = value(f"{at + timedelta(days=offset):%Y-%m-%d}")
        if self.this is not None:
            found["this"] = self.this
            found["is_incremental"] = lambda: bool(self.incremental)
        return found


class _Parameters:
    """The flow's parameters in a template; any, where only the plan is made."""

    def __init__(self, values: Mapping[str, object] | None, made: Callable[[Any], Value]) -> None:
        self._values, self._made = values, made

    def __getitem__(self, name: str) -> Value:
        if self._values is None:
            return self._made(UNKNOWN)
        if name in self._values:
            return self._made(self._values[name])
        from jinja2 import UndefinedError

        instead = f"add it: flow.add_task(Parameter({name!r}))"
        fix = did_you_mean(name, map(str, self._values), instead)
        raise UndefinedError(f"the flow has no parameter {name!r}; {fix}")


def _check_values(script: Script, written: list[str], dialect: str) -> None:
    """Refuse a value that stands in a comment, a text or a name: there it could say anything."""
    texts = Counter(text for text in written if text.startswith("'"))
    if not texts:
        return
    from sqlglot import tokenize
    from sqlglot.errors import TokenError

    try:
        tokens = tokenize(script.text, read=dialect or None)
    except TokenError:
        tokens = []
    texts -= Counter(script.text[token.start : token.end + 1] for token in tokens)
    if texts:
        line = 1 + script.text.count("\n", 0, max(script.text.find(next(iter(texts))), 0))
        raise SqlError(
            "a value of the run stands where SQL takes none, or with quotes around it",
            where=script.at(line),
            fix="write {{ parameters.name }} alone, where a value may stand: it brings its quotes",
        )
