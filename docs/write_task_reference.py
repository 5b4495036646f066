"""Writes docs/tasks.md, the reference of all tasks, from their own docstrings and signatures.

python docs/write_task_reference.py            # writes it
python docs/write_task_reference.py --check    # says whether it is up to date
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docstrings import Argument, Told, arguments, cell, default_of, table, told
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
        + ("" if parameter.default is parameter.empty else "=" + default_of(parameter.default))
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
    rows = [f"| `{name}` | `{home}` | {cell(what)} |" for name, home, what in inside()]
    parts.append(
        "## Behind them\n\nClasses to subclass, and those that other tasks are made of.\n\n"
        "| class | module | what it is |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    return "\n".join(parts)


def section(found: Entry) -> str:
    """Return the section of one name."""
    parts = [f"## {found.name}", found.told.summary, found.told.more, f"In `{found.home}`."]
    parts.append(table(found.arguments))
    if found.called is not None:
        made = found.name + ("(…)" if found.arguments else "")
        parts.append(f"In a flow: `{made}({found.called})`.")
        parts.append(table(found.call_arguments))
    if found.told.returns:
        parts.append(f"Result: {found.told.returns}")
    if found.told.raises:
        rows = [f"| `{name}` | {cell(when)} |" for name, when in found.told.raises.items()]
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
    rows = [f"| [{e.name}](#{e.name.lower()}) | {cell(e.told.summary)} |" for e in found]
    return "| task | what it does |\n|---|---|\n" + "\n".join(rows) + "\n"


def _all_tasks() -> str:
    described = told(inspect.getdoc(Task))
    rows = table(arguments(Task.__init__, described.args))
    return f"## All tasks\n\nWhat every task takes.\n\n{rows}\n"


def main() -> int:
    """Write the page, or compare it."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
