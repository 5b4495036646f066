"""The end of a run as Markdown: for pull requests and the summaries of CI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from orchestrator.cli.terminal import undeclared
from orchestrator.cli.terminal.failure import (
    Excerpt,
    cause_lines,
    excerpt,
    first_cause,
    trace_lines,
)
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.summary import because, counts
from orchestrator.cli.terminal.text import clean, counted, duration, first_line, one_line, shorten
from orchestrator.cli.terminal.words import word
from orchestrator.errors import OrchestratorError
from orchestrator.model.events import TaskChanged
from orchestrator.model.state import StateType

_IN_FULL, _IN_BRIEF, _WARNINGS, _TABLES, _CAUSES, _NAMES = 10, 50, 20, 100, 10, 20
_LINES, _COLUMNS = 12, 200
_LARGEST = 60_000  #: characters; a comment on GitHub takes 65,536
_NO_TABLES = frozenset({"test", "unit_test", "operation", "parameter"})
_CUT = "_… the rest is left out: the summary would be too long_"


def summary(progress: Progress) -> str:
    """Return how a run ended: state and counts, failures with their SQL, warnings, tables, what was skipped.

    Args:
        progress: The run.

    Example:
        >>> print(summary(Progress(flow="nightly")))
        ## nightly has not ended
        <BLANKLINE>
        no tasks
        <BLANKLINE>
    """
    parts = [*_head(progress), *_failures(progress), *_warnings(progress)]
    parts += [*_undeclared(progress), *_tables(progress), *_skipped(progress)]
    return _joined(parts)


def refusal(flow: str, error: BaseException) -> str:
    """Return that a run could not begin, and why.

    Args:
        flow: Its flow.
        error: What hindered it.

    Example:
        >>> print(refusal("nightly", OrchestratorError("no such table")).splitlines()[0])
        ## nightly could not run
    """
    told = (
        str(error) if isinstance(error, OrchestratorError) else f"{type(error).__name__}: {error}"
    )
    return _joined([f"## {text(flow)} could not run", fenced(clean(told).splitlines())])


def text(value: object) -> str:
    r"""Return foreign text on one line, nothing of it read as Markdown or HTML.

    Example:
        >>> print(text("a|b <i> `c`"))
        a\|b \<i\> \`c\`
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~&!$-])", r"\\\1", one_line(value))


def code(value: object, *, in_table: bool = False) -> str:
    r"""Return foreign text on one line, as code.

    Example:
        >>> print(code("a|b"), code("a|b", in_table=True), code("x`y"))
        `a|b` `a\|b` ``x`y``
    """
    line = one_line(value) or " "
    fence = "`" * (1 + _longest_run(line))
    room = " " if line.startswith("`") or line.endswith("`") else ""
    shown = line.replace("|", "\\|") if in_table else line
    return f"{fence}{room}{shown}{room}{fence}"


def fenced(lines: Iterable[str], language: str = "text") -> str:
    """Return lines in a fence that none of them closes."""
    kept = [shorten(line.rstrip(), _COLUMNS) for line in lines]
    fence = "`" * max(3, 1 + max(map(_longest_run, kept), default=0))
    return "\n".join([f"{fence}{language}", *kept, fence])


def _longest_run(line: str) -> int:
    return max((len(run) for run in re.findall("`+", line)), default=0)


def _joined(parts: Iterable[str]) -> str:
    """Parts below one another, as many as there is room for."""
    kept: list[str] = []
    room = _LARGEST
    for part in parts:
        room -= len(part) + 2
        if room < 0:
            kept.append(_CUT)
            break
        kept.append(part)
    return "\n\n".join(kept) + "\n"


def _head(progress: Progress) -> Iterator[str]:
    end = progress.ended
    if end is None:
        yield f"## {text(progress.flow)} has not ended"
        yield counts(progress)
        return
    shown, _ = word(end.state)
    yield f"## {text(progress.flow)}: {shown}"
    yield f"**{counts(progress)}** in {duration(end.seconds)}, run {code(progress.run_id)}"
    said = first_line(end.state.message)
    if said and not end.state.is_successful() and not progress.failed():
        yield text(said)


def _failures(progress: Progress) -> Iterator[str]:
    failed = progress.failed()
    if failed:
        yield f"### {len(failed):,} failed"
    for event in failed[:_IN_FULL]:
        yield from _failure(progress, event)
    rest = failed[_IN_FULL:]
    lines = [
        f"- {_title(progress, event)}: {text(shorten(first_cause(event), _COLUMNS))}"
        for event in rest[:_IN_BRIEF]
    ]
    if len(rest) > _IN_BRIEF:
        lines.append(f"- … {len(rest) - _IN_BRIEF:,} more")
    if lines:
        yield "\n".join(lines)


def _failure(progress: Progress, event: TaskChanged) -> Iterator[str]:
    shown, _ = word(event.state)
    facts = [shown]
    facts += [duration(event.seconds)] if event.seconds is not None else []
    facts += [f"attempt {event.attempt}"] if event.attempt > 1 else []
    yield f"#### {_title(progress, event)} ({', '.join(facts)})"
    cause = cause_lines(event)
    more = [f"… {counted(len(cause) - _LINES, 'more line')}"] if len(cause) > _LINES else []
    yield fenced([*cause[:_LINES], *more])
    found = excerpt(event)
    if found.paths:
        yield code(found.paths)
    if found.lines:
        yield fenced(_numbered(found), "sql")
    elif trace := trace_lines(event.detail):
        yield fenced(trace[-_LINES:])


def _numbered(found: Excerpt) -> Iterator[str]:
    digits = len(str(max(number for number, _ in found.lines)))
    for number, line in found.lines:
        mark = ">" if number == found.failing else " "
        yield f"{mark} {number:>{digits}} │ {line}"
    if found.rest:
        yield f"  … {counted(found.rest, 'more line')}"


def _warnings(progress: Progress) -> Iterator[str]:
    warned = progress.warned()
    if not warned:
        return
    yield f"### {counted(len(warned), 'warning')}"
    lines = []
    for event in warned[:_WARNINGS]:
        said = first_line(event.state.message)
        said = said or (counted(event.failures, "failing row") if event.failures else "")
        lines.append(
            f"- {_title(progress, event)}" + (f": {text(shorten(said, _COLUMNS))}" if said else "")
        )
    if len(warned) > _WARNINGS:
        lines.append(f"- … {len(warned) - _WARNINGS:,} more")
    yield "\n".join(lines)


def _undeclared(progress: Progress) -> Iterator[str]:
    lines = [line.plain for line in undeclared.of_run(progress, _COLUMNS)]
    if lines:
        yield "### Undeclared dependencies"
        yield fenced(lines)


def _tables(progress: Progress) -> Iterator[str]:
    """What was built, the slowest first."""
    built = [event for event in progress.done.values() if _is_built(progress, event)]
    if not built:
        return
    yield f"### {len(built):,} built"
    lines = ["| | rows | seconds |", "|---|--:|--:|"]
    for event in sorted(built, key=lambda event: -(event.seconds or 0))[:_TABLES]:
        rows = "" if event.rows is None else f"{event.rows:,}"
        took = "" if event.seconds is None else f"{event.seconds:.2f}"
        lines.append(f"| {_title(progress, event, in_table=True)} | {rows} | {took} |")
    if len(built) > _TABLES:
        lines.append(f"| … {len(built) - _TABLES:,} more | | |")
    yield "\n".join(lines)


def _is_built(progress: Progress, event: TaskChanged) -> bool:
    kind = progress.title(event.key).kind
    return event.state.type is StateType.SUCCESS and kind not in _NO_TABLES


def _skipped(progress: Progress) -> Iterator[str]:
    groups = progress.skipped()
    if not groups:
        return
    yield f"### {sum(map(len, groups.values())):,} skipped"
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))
    lines = []
    for cause, events in largest[:_CAUSES]:
        names = ", ".join(code(progress.title(event.key).name) for event in events[:_NAMES])
        more = f" and {len(events) - _NAMES:,} more" if len(events) > _NAMES else ""
        lines.append(f"- {text(because(cause, events, progress))}: {names}{more}")
    if len(largest) > _CAUSES:
        lines.append(f"- … for {counted(len(largest) - _CAUSES, 'more cause')}")
    yield "\n".join(lines)


def _title(progress: Progress, event: TaskChanged, *, in_table: bool = False) -> str:
    title = progress.title(event.key)
    return f"{text(title.kind)} {code(title.name, in_table=in_table)}".strip()
