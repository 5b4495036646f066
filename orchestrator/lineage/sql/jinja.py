"""Rendering the Jinja of ``.sql`` files in a sandbox; what is not known is reported, not guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.lineage.sql.effects import SqlProblem

#: ``ref('model')`` or ``ref('package', 'model')`` → what stands in the SQL.
Ref = Callable[..., object]
#: ``source('source', 'table')`` → what stands in the SQL.
SourceOf = Callable[[str, str], object]

#: A template may not grow beyond this many characters.
_MAX_OUTPUT = 8 * 1024 * 1024
#: A line of output is looked for in this many lines of the template.
_REACH = 50
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered text.

    Args:
        sql: The text; where ``problems`` is not empty it is not to be trusted.
        lines: For each line of ``sql`` the line of the template it comes from.
        refs: (arguments of ``ref``, line of the template).
        sources: (source, table, line of the template).
        problems: What could not be rendered.
    """

    sql: str
    lines: tuple[int, ...] = ()
    refs: tuple[tuple[tuple[str, ...], int], ...] = ()
    sources: tuple[tuple[str, str, int], ...] = ()
    problems: tuple[SqlProblem, ...] = ()

    def line_of(self, line: int) -> int:
        """Line of the template that a line of ``sql`` comes from."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else line


@dataclass(slots=True)
class _Record:
    """What the template referred to, and where it is at."""

    line_now: Callable[[], int] = lambda: 1
    refs: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    sources: list[tuple[str, str, int]] = field(default_factory=list)


class _MissingError(Exception):
    """A name that the template uses and nobody gave."""


class _TooLongError(Exception):
    """The text has grown beyond all measure."""


def render(
    text: str,
    *,
    ref: Ref | None = None,
    source: SourceOf | None = None,
    var: Mapping[str, Any] | None = None,
    env_var: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Rendered:
    """Render the Jinja in a SQL text.

    Args:
        text: The template.
        ref: Called with the arguments of ``ref``; without it, ``ref`` is an unknown name.
        source: Called with the arguments of ``source``, in the same way.
        var: Values of ``var('name')``; a default given in the template counts too.
        env_var: Values of ``env_var('NAME')``, in the same way.
        params: Values that the template names directly, also as ``params.name``.

    Returns:
        The text, what it referred to, and what could not be rendered.

    Example:
        >>> render("select * from {{ ref('orders') }}", ref=lambda name: f"main.{name}").sql
        'select * from main.orders'
    """
    if not _TEMPLATE.search(text):
        return Rendered(text, tuple(range(1, text.count("\n") + 2)))
    record = _Record()
    names = _names(record, ref, source, var or {}, env_var or {}, params or {})
    try:
        sql, lines = _run(text, names, record)
    except Exception as error:  # code in a template may fail in any way
        line = _line_of_failure(error, 1)
        problem = SqlProblem(_message(error), line, 1, _line(text, line))
        return Rendered(text, (), tuple(record.refs), tuple(record.sources), (problem,))
    return Rendered(sql, lines, tuple(record.refs), tuple(record.sources))


def _run(text: str, names: Mapping[str, Any], record: _Record) -> tuple[str, tuple[int, ...]]:
    """Render chunk by chunk, asking before each which line of the template it comes from."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    template = environment.from_string(text)
    stream = template.root_render_func(template.new_context(dict(names)))
    frame = getattr(stream, "gi_frame", None)
    record.line_now = lambda: template.get_corresponding_lineno(frame.f_lineno) if frame else 1
    written = text.split("\n")
    chunks: list[str] = []
    lines: list[int] = [1]
    size = 0
    try:
        for chunk in stream:
            line = record.line_now()
            size += len(chunk)
            if size > _MAX_OUTPUT:
                raise _TooLongError(f"the rendered text is longer than {_MAX_OUTPUT} characters")
            if not chunks or chunks[-1].endswith("\n"):
                lines[-1] = line
            for piece in chunk.split("\n")[1:]:
                line = _where(piece.strip(), written, line)
                lines.append(line)
            chunks.append(chunk)
    except Exception:
        environment.handle_exception()  # raises it again, with lines of the template
    return "".join(chunks), tuple(lines)


def _where(piece: str, written: list[str], line: int) -> int:
    """The line after ``line`` that holds ``piece``, or ``line`` where none does."""
    if not piece:
        return min(line + 1, len(written))
    reach = range(line, min(line + _REACH, len(written)))
    return next((index + 1 for index in reach if piece in written[index]), line)


def _names(
    record: _Record,
    ref: Ref | None,
    source: SourceOf | None,
    var: Mapping[str, Any],
    env_var: Mapping[str, str],
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """What a template can name; functions that were not given stay unknown."""

    def noted_ref(*parts: str, **options: Any) -> object:
        assert ref is not None
        record.refs.append((tuple(parts), record.line_now()))
        return ref(*parts, **options)

    def noted_source(name: str, table: str) -> object:
        assert source is not None
        record.sources.append((name, table, record.line_now()))
        return source(name, table)

    names: dict[str, Any] = {**params, "params": dict(params)}
    names["var"] = _lookup("var", var)
    names["env_var"] = _lookup("env_var", env_var)
    if ref is not None:
        names["ref"] = noted_ref
    if source is not None:
        names["source"] = noted_source
    return names


def _lookup(function: str, values: Mapping[str, Any]) -> Callable[..., Any]:
    def look_up(name: str, *default: Any) -> Any:
        if name in values:
            return values[name]
        if default:
            return default[0]
        raise _MissingError(f"{function}({name!r}) is not set and has no default")

    return look_up


def _message(error: Exception) -> str:
    from jinja2 import TemplateError

    if isinstance(error, TemplateError):
        return str(error.message or error)
    return (
        str(error)
        if isinstance(error, (_MissingError, _TooLongError))
        else f"{type(error).__name__}: {error}"
    )


def _line_of_failure(error: Exception, otherwise: int) -> int:
    """Line of the template at which it failed, from the error itself or from its traceback."""
    own = getattr(error, "lineno", None)
    if isinstance(own, int):
        return own
    found, trace = otherwise, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _line(text: str, line: int) -> str:
    lines = text.split("\n")
    return lines[line - 1].strip()[:80] if 0 < line <= len(lines) else ""
