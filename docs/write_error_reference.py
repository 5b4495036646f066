"""Writes docs/errors.md, the reference of all errors, from their docstrings and from what they say.

python docs/write_error_reference.py            # writes it
python docs/write_error_reference.py --check    # says whether it is up to date
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docstrings import told
from error_examples import EXAMPLES
from reference_page import keep

PAGE = Path(__file__).with_name("errors.md")
ROOT = PAGE.parents[1]
SOURCE = ROOT / "orchestrator" / "errors.py"
OPENING = """\
# Errors

This page is written from the errors' own docstrings by `python docs/write_error_reference.py`; the
texts are what is really said.

Every error says what happened, where, and what to do next. The command line prints it and ends with
its exit code; the API tells it with a [status](reference-api.md); with `--format json` and in the API
`kind` is its name. In Python catch `OrchestratorError`, or one of those below it: what is told of an
error holds for those below it, too.

```text
"""
_CORE = "orchestrator.errors"
ROOT_ERROR = "OrchestratorError"


@dataclass(frozen=True)
class Found:
    """One class of error, as its source tells.

    Args:
        name: The class.
        home: The module it lives in.
        bases: The classes it names as its bases.
        exit_code: Of the command line, if it says one of its own.
        docstring: What it says of itself.
    """

    name: str
    home: str
    bases: tuple[str, ...]
    exit_code: int | None
    docstring: str


def errors() -> dict[str, list[Found]]:
    """The errors by the one they stand below; read from the source, so that nothing is imported."""
    waiting = [found for found in _classes() if found.name[0] != "_"]
    tree: dict[str, list[Found]] = {ROOT_ERROR: []}
    while True:
        joined = [found for found in waiting if tree.keys() & set(found.bases)]
        if not joined:
            return tree
        for found in joined:
            tree[next(base for base in found.bases if base in tree)].append(found)
            tree[found.name] = []
        waiting = [found for found in waiting if found not in joined]


def walk(tree: dict[str, list[Found]], code: int = 3) -> Iterator[tuple[Found, str, int]]:
    """Every error with the one above it and its exit code, as the tree is read."""

    def below(name: str, inherited: int) -> Iterator[tuple[Found, str, int]]:
        for found in sorted(tree[name], key=lambda found: (found.home != _CORE, found.name)):
            own = inherited if found.exit_code is None else found.exit_code
            yield found, name, own
            yield from below(found.name, own)

    yield from below(ROOT_ERROR, code)


def page() -> str:
    """Return the text of the page."""
    drawn = ast.get_docstring(ast.parse(SOURCE.read_text(encoding="utf-8"))) or ""
    tree = "\n".join(line.strip("\n")[4:] for line in drawn.partition("::\n")[2].splitlines())
    parts = [f"{OPENING}{tree.strip()}\n```"]
    parts += [_section(*each) for each in walk(errors())]
    return "\n\n".join(parts) + "\n"


def _section(found: Found, above: str, exit_code: int) -> str:
    said = told(found.docstring)
    link = "the root" if above == ROOT_ERROR else f"[{above}](#{above.lower()})"
    parts = [
        f"## {found.name}",
        said.summary,
        said.more,
        f"In `{found.home}`, below {link}. Exit code {exit_code}.",
    ]
    if found.name in EXAMPLES:
        parts.append(f"```text\n{EXAMPLES[found.name].text()}\n```")
    return "\n\n".join(part for part in parts if part)


def _classes() -> Iterator[Found]:
    for path in sorted(
        path for top in ("orchestrator", "tasks") for path in (ROOT / top).rglob("*.py")
    ):
        home = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.bases:
                bases = tuple(base.id for base in node.bases if isinstance(base, ast.Name))
                yield Found(node.name, home, bases, _exit_code(node), ast.get_docstring(node) or "")


def _exit_code(node: ast.ClassDef) -> int | None:
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "exit_code":
            return int(ast.literal_eval(line.value))
    return None


def main() -> int:
    """Write the page, or compare it."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
