"""Writes docs/tasks.md, the reference of all tasks, from their own docstrings and signatures.

python docs/write_task_reference.py            # writes it
python docs/write_task_reference.py --check    # says whether it is up to date
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from reference_page import keep

import tasks
from orchestrator.model.group import TaskGroup
from orchestrator.model.task import Task

PAGE = Path(__file__).with_name("tasks.md")
OPENING = """\
# Tasks

This page is written from the tasks' own docstrings by `python docs/write_task_reference.py`.

Import them from `tasks`: `from tasks import ShellTask`. Drivers of databases and other extras are
imported when a task runs. What every task takes besides its own arguments (`name`, `max_retries`,
`timeout`, `trigger`, `reads`, `writes` …) stands under [all tasks](#all-tasks). In a flow a task is
called with the arguments of its `run`.

More than arguments: [dbt](dbt.md), [commands, git, messages](shell.md), [SQL](sql.md), [files](files.md),
[HTTP](http.md), [reports](reports.md), [Python](python-tasks.md), [writing flows](writing-flows.md), and whole examples in the [cookbook](cookbook/README.md).
"""
_SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Attributes|Example|Examples|Note):$", re.M)
_ENTRY = re.compile(r"^ {4}((?:\*{0,2}\w+, )*\*{0,2}\w+): ?(.*)$")


@dataclass(frozen=True)
class Told:
    """What a docstring says.

    Args:
        summary: Its first paragraph.
        more: The paragraphs after it.
        args: Description of each argument.
        raises: When each error is raised.
        returns: What is returned.
        example: The lines of the example.
    """

    summary: str = ""
    more: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    raises: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""
    example: str = ""


@dataclass(frozen=True)
class Argument:
    """One row of a table of arguments."""

    name: str
    type: str
    default: str
    description: str


@dataclass(frozen=True)
class Entry:
    """One public name of ``tasks``.

    Args:
        name: The name.
        home: The module it lives in.
        told: What its docstring says, errors of ``run`` included.
        arguments: What it is made with.
        called: The signature of ``run``, for what is called in a flow.
        call_arguments: Those arguments of ``run`` that it is not made with.
        is_task: Whether it runs in flows.
    """

    name: str
    home: str
    told: Told
    arguments: tuple[Argument, ...]
    called: str | None
    call_arguments: tuple[Argument, ...]
    is_task: bool


def told(text: str | None) -> Told:
    """Read a docstring."""
    parts = _SECTION.split(inspect.cleandoc(text or ""))
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    summary, _, more = parts[0].strip().partition("\n\n")
    example = found.get("Example", found.get("Examples", ""))
    return Told(
        _line(summary),
        _plain(more.strip()),
        entries(found.get("Args", "")),
        entries(found.get("Raises", "")),
        _line(found.get("Returns", "")),
        inspect.cleandoc(example),
    )


def entries(text: str) -> dict[str, str]:
    """Read the indented ``name: description`` entries of a section; a name may be several."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.strip("\n").splitlines():
        entry = _ENTRY.match(line)
        if entry is not None:
            names = [name.strip(" *") for name in entry[1].split(",")]
            found |= dict.fromkeys(names, entry[2])
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: _line(description) for name, description in found.items()}


def arguments(function: Any, described: Mapping[str, str]) -> tuple[Argument, ...]:
    """The rows of a signature."""
    rows = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "cls") or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        several = parameter.kind is parameter.VAR_KEYWORD
        described_as = described.get(parameter.name, "")
        if several and not described_as:
            described_as = "As any task takes them."
        given = parameter.default is not parameter.empty
        rows.append(
            Argument(
                ("**" if several else "") + parameter.name,
                "" if several else _type(parameter.annotation),
                _default(parameter.default) if given else "",
                described_as,
            )
        )
    return tuple(rows)


def public() -> list[str]:
    """The public names."""
    return sorted(tasks._HOMES, key=lambda name: (tasks._HOMES[name], name.lower()))


def entry(name: str) -> Entry:
    """What there is to say of a public name."""
    thing, home = getattr(tasks, name), tasks._HOMES[name]
    kind = thing if inspect.isclass(thing) else type(thing)
    is_task = issubclass(kind, Task)
    made = told(inspect.getdoc(kind if is_task else thing))
    if not is_task:
        own = thing if inspect.isfunction(thing) else kind.__init__
        return Entry(name, home, made, _own(own, made.args), None, (), False)
    # A task that stands ready is called, never made: only the arguments of its run count.
    described = _inherited(kind)
    own_arguments = arguments(kind.__init__, described) if inspect.isclass(thing) else ()
    ran = told(inspect.getdoc(kind.run))
    both = Told(
        made.summary, made.more, made.args, {**made.raises, **ran.raises},
        ran.returns or made.returns, made.example or ran.example,
    )  # fmt: skip
    if issubclass(kind, TaskGroup):
        return Entry(name, home, both, own_arguments, None, (), True)
    taken = {argument.name for argument in own_arguments}
    injected = {"warehouse", "upstream_states"}
    passed = arguments(kind.run, {**described, **ran.args})
    rows = [argument for argument in passed if argument.name not in taken | injected]
    called = ", ".join(
        parameter.name
        + ("" if parameter.default is parameter.empty else "=" + _default(parameter.default))
        for parameter in inspect.signature(kind.run).parameters.values()
        if parameter.name not in {"self", *injected}
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    )
    return Entry(name, home, both, own_arguments, called, tuple(rows), True)


def inside() -> Iterator[tuple[str, str, str]]:
    """The task classes that stand behind public names: class, module, what it is."""
    shown = {getattr(tasks, name) for name in tasks._HOMES if inspect.isclass(getattr(tasks, name))}
    for module in modules():
        for name, kind in sorted(vars(module).items()):
            if not inspect.isclass(kind) or not issubclass(kind, Task) or name.startswith("_"):
                continue
            if kind.__module__ == module.__name__ and kind not in shown:
                yield name, module.__name__, told(kind.__doc__).summary


def modules() -> Iterator[Any]:
    """Every module of ``tasks`` that can be imported here; tasks themselves import no driver."""
    for found in sorted(m.name for m in pkgutil.walk_packages(tasks.__path__, "tasks.")):
        try:
            yield importlib.import_module(found)
        except ImportError as error:
            if (error.name or "tasks").split(".")[0] in ("tasks", "orchestrator"):
                raise


def lacks(found: Entry) -> list[str]:
    """What an entry lacks to be a complete one."""
    missing = [
        f"argument {argument.name} has no description"
        for argument in (*found.arguments, *found.call_arguments)
        if not argument.description
    ]
    if not found.told.summary:
        missing.append("no docstring")
    if found.is_task and not found.told.raises:
        missing.append("no Raises: which errors does it end with?")
    if found.is_task and ">>>" not in found.told.example:
        missing.append("no Example")
    return missing


def page() -> str:
    """Return the text of the page."""
    found = [entry(name) for name in public()]
    parts = [OPENING, _overview(found)]
    parts += [section(each) for each in found]
    parts.append(_all_tasks())
    rows = [f"| `{name}` | `{home}` | {_cell(what)} |" for name, home, what in inside()]
    parts.append(
        "## Behind them\n\nClasses to subclass, and those that other tasks are made of.\n\n"
        "| class | module | what it is |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    return "\n".join(parts)


def section(found: Entry) -> str:
    """Return the section of one name."""
    parts = [f"## {found.name}", found.told.summary, found.told.more, f"In `{found.home}`."]
    parts.append(_table(found.arguments))
    if found.called is not None:
        made = found.name + ("(…)" if found.arguments else "")
        parts.append(f"In a flow: `{made}({found.called})`.")
        parts.append(_table(found.call_arguments))
    if found.told.returns:
        parts.append(f"Result: {found.told.returns}")
    if found.told.raises:
        rows = [f"| `{name}` | {_cell(when)} |" for name, when in found.told.raises.items()]
        parts.append("| error | when |\n|---|---|\n" + "\n".join(rows))
    if found.told.example:
        parts.append(f"```pycon\n{found.told.example}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _inherited(kind: type) -> dict[str, str]:
    """What a class and those it is made from say of arguments, its own word last."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        found |= told(each.__doc__).args if issubclass(each, Task) else {}
    return found


def _own(function: Any, described: Mapping[str, str]) -> tuple[Argument, ...]:
    try:
        return arguments(function, described)
    except (TypeError, ValueError):
        return ()


def _overview(found: list[Entry]) -> str:
    rows = [f"| [{e.name}](#{e.name.lower()}) | {_cell(e.told.summary)} |" for e in found]
    return "| task | what it does |\n|---|---|\n" + "\n".join(rows) + "\n"


def _all_tasks() -> str:
    described = told(inspect.getdoc(Task))
    rows = _table(arguments(Task.__init__, described.args))
    return f"## All tasks\n\nWhat every task takes.\n\n{rows}\n"


def _table(rows: tuple[Argument, ...]) -> str:
    if not rows:
        return ""
    lines = [
        f"| `{row.name}` | {_code(row.type)} | {_code(row.default)} | {_cell(row.description)} |"
        for row in rows
    ]
    return "| argument | type | default | what it says |\n|---|---|---|---|\n" + "\n".join(lines)


def _type(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def _default(value: Any) -> str:
    return repr(value.value if isinstance(value, Enum) else value)


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _line(text: str) -> str:
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    """Docstrings' references and double backticks as Markdown has them."""
    text = re.sub(r":(?:class|meth|func|mod|data):`~?(?:[\w.]*\.)?([\w]+)`", r"`\1`", text)
    return text.replace("``", "`")


if __name__ == "__main__":
    sys.exit(keep(PAGE, page()))
