"""Writes docs/reference-python.md, the reference of what `orchestrator` offers to Python.

python docs/write_python_reference.py            # writes it
python docs/write_python_reference.py --check    # says whether it is up to date
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from docstrings import Told, arguments, cell, default_of, table, told
from reference_page import keep

import orchestrator
from orchestrator import Task
from orchestrator.model.context import RunContext

PAGE = Path(__file__).with_name("reference-python.md")
OPENING = """\
# Python

This page is written from docstrings by `python docs/write_python_reference.py`. All of it is imported from
`orchestrator`, as in `from orchestrator import Flow, task`. How flows are written: [writing flows](writing-flows.md);
the library of tasks: [tasks](tasks.md).
"""
#: Headings in the order of the page, as the comments in ``orchestrator/__init__.py`` have them.
_GROUP = re.compile(r"^    # (.+)$|^    \"(\w+)\": \"", re.MULTILINE)
_SHOWN = {getattr(orchestrator, name) for name in orchestrator.__all__ if name[0].isupper()}
#: Besides the package itself: what is imported as ``from orchestrator.signals import SKIP``.
MODULES = ("signals", "triggers", "notifications", "client")


def page() -> str:
    """Return the text of the page."""
    parts = [OPENING.rstrip(), _overview()]
    for title, names in groups().items():
        parts.append(f"## {title[0].upper()}{title[1:]}")
        parts += [section(name, getattr(orchestrator, name)) for name in names]
    parts += [_module(importlib.import_module(f"orchestrator.{name}")) for name in MODULES]
    return "\n\n".join(parts) + "\n"


def groups() -> dict[str, list[str]]:
    """The public names by what they are for."""
    source = inspect.getsource(orchestrator)
    homes = source.partition("_HOMES = {")[2].partition("\n}")[0]
    found: dict[str, list[str]] = {}
    for title, name in _GROUP.findall(homes):
        if title:
            found[title] = []
        else:
            found[list(found)[-1]].append(name)
    return found


def section(name: str, thing: Any, level: int = 3) -> str:
    """Return the section of one name."""
    said = told(inspect.getdoc(thing))
    parts = [f"{'#' * level} {_heading(name)}", said.summary, said.more]
    if inspect.isclass(thing):
        parts += [_made(thing), _methods(thing)]
    elif inspect.ismodule(thing):
        parts += [_asked(RunContext), _functions(thing)]
    elif inspect.isfunction(thing):
        parts += [f"`{name}{_signature(thing)}`", table(arguments(thing, said.args))]
    parts += _endings(said)
    return "\n\n".join(part for part in parts if part)


def _heading(name: str) -> str:
    """What a section is called: `Task` and `task` cannot share an anchor."""
    return "task, the decorator" if name == "task" else name


def _overview() -> str:
    rows = [
        f"| [{name}](#{_heading(name).lower().replace(',', '').replace(' ', '-')}) | {cell(told(inspect.getdoc(getattr(orchestrator, name))).summary)} |"
        for names in groups().values()
        for name in names
    ]
    return "\n".join(["| name | what it is |", "|---|---|", *rows])


def _made(kind: type) -> str:
    """The arguments that a class is made with; a task's or a parent's that is shown, not again."""
    described: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        described |= told(each.__doc__).args
    try:
        rows = arguments(kind.__init__, described)
    except (TypeError, ValueError):
        return ""
    if kind is Task or not issubclass(kind, Task):
        return table(rows)
    every = {row.name for row in arguments(Task.__init__, {})}
    own = tuple(row for row in rows if row.name not in every - {"name", "tags"})
    shown = tuple(row for row in own if not row.name.startswith("**"))
    return "\n\n".join(filter(None, [table(shown), "Besides, what [every task](#task) takes."]))


def _methods(kind: type) -> str:
    inherited = {name for base in kind.__bases__ if base in _SHOWN for name in dir(base)}
    rows = []
    for name, method in inspect.getmembers(kind, _is_public):
        summary = told(inspect.getdoc(method)).summary
        if name[0] == "_" or not summary or (name in inherited and name not in vars(kind)):
            continue
        shown = name if isinstance(method, property) else f"{name}{_signature(method)}"
        rows.append(f"| `{cell(shown)}` | {cell(summary)} |")
    return "\n".join(["| method | what it does |", "|---|---|", *rows]) if rows else ""


def _asked(kind: type) -> str:
    """What a running task can ask for by name."""
    rows = [f"| `{name}` | {cell(text)} |" for name, text in told(kind.__doc__).args.items()]
    return "\n".join(["| name | what it says |", "|---|---|", *rows])


def _functions(module: ModuleType) -> str:
    rows = [
        f"| `{cell(name + _signature(function))}` | {cell(told(inspect.getdoc(function)).summary)} |"
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name[0] != "_" and function.__module__ == module.__name__
    ]
    return "\n".join(["| function | what it does |", "|---|---|", *rows])


def _is_public(member: object) -> bool:
    return inspect.isfunction(member) or inspect.ismethod(member) or isinstance(member, property)


def _signature(function: Any) -> str:
    shown = [
        ("*" * (p.kind is p.VAR_POSITIONAL) or "**" * (p.kind is p.VAR_KEYWORD))
        + p.name
        + ("" if p.default is p.empty else f"={default_of(p.default)}")
        for p in inspect.signature(function).parameters.values()
        if p.name not in ("self", "cls")
    ]
    return f"({', '.join(shown)})"


def _endings(said: Told) -> list[str]:
    parts = [f"Result: {said.returns}"] if said.returns else []
    if said.raises:
        rows = [f"| `{name}` | {cell(when)} |" for name, when in said.raises.items()]
        parts.append("\n".join(["| error | when |", "|---|---|", *rows]))
    if said.example.startswith("::"):
        code = textwrap.dedent(said.example.removeprefix("::")).strip()
        parts.append(f"```python docstring\n{code}\n```")
    elif said.example:
        parts.append(f"```pycon\n{said.example}\n```")
    return parts


def _module(module: ModuleType) -> str:
    said = told(module.__doc__)
    names = ", ".join(f"`{name}`" for name in module.__all__)
    parts = [f"## {module.__name__}", said.summary, f"Names: {names}."]
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            if name not in orchestrator.__all__:
                parts.append(section(name, thing))
    return "\n\n".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
