"""Reads docstrings and signatures, and sets them as Markdown; what the references of the code share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

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


def told(text: str | None) -> Told:
    """Read a docstring."""
    parts = _SECTION.split(inspect.cleandoc(text or ""))
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    summary, _, more = parts[0].strip().partition("\n\n")
    example = found.get("Example", found.get("Examples", ""))
    return Told(
        one_line(summary),
        plain(more.strip()),
        entries(found.get("Args", "")),
        entries(found.get("Raises", "")),
        one_line(found.get("Returns", "")),
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
    return {name: one_line(description) for name, description in found.items()}


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
                default_of(parameter.default) if given else "",
                described_as,
            )
        )
    return tuple(rows)


def table(rows: tuple[Argument, ...]) -> str:
    """The rows as a table."""
    if not rows:
        return ""
    lines = [
        f"| `{row.name}` | {_code(row.type)} | {_code(row.default)} | {cell(row.description)} |"
        for row in rows
    ]
    return "| argument | type | default | what it says |\n|---|---|---|---|\n" + "\n".join(lines)


def _type(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def default_of(value: Any) -> str:
    """A default as it is shown."""
    shown = repr(value.value if isinstance(value, Enum) else value)
    return "…" if shown == "<factory>" else shown


def _code(text: str) -> str:
    return f"`{cell(text)}`" if text else ""


def cell(text: str) -> str:
    """A text as a cell of a table holds it."""
    return text.replace("|", "\\|").replace("\n", " ")


def one_line(text: str) -> str:
    """A paragraph as one line."""
    return plain(" ".join(text.split()))


def plain(text: str) -> str:
    """Docstrings' references and double backticks as Markdown has them."""
    text = re.sub(r":(?:class|meth|func|mod|data):`~?(?:[\w.]*\.)?([\w]+)`", r"`\1`", text)
    return text.replace("``", "`")
