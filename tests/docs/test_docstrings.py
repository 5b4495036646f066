"""The examples in docstrings run, and every module says in one sentence what it is."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import pytest

from tests.docs import pages

#: Modules that are run, not imported: Alembic's own, and the one that imports it.
RUN_BY_OTHERS = ("orchestrator/store/migrations",)


def modules() -> list[Path]:
    found = sorted(p for top in ("orchestrator", "tasks") for p in (pages.ROOT / top).rglob("*.py"))
    return [
        path.relative_to(pages.ROOT)
        for path in found
        if not str(path.relative_to(pages.ROOT)).startswith(RUN_BY_OTHERS)
    ]


def with_examples() -> list[Path]:
    return [path for path in modules() if ">>>" in (pages.ROOT / path).read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", with_examples(), ids=str)
def test_examples_run(path: Path, in_tmp: Path) -> None:
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not found.failed


def test_there_are_examples() -> None:
    assert len(with_examples()) > 20


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    opening = ast.get_docstring(ast.parse((pages.ROOT / path).read_text(encoding="utf-8")))
    assert opening, "the module does not say what it is"
    assert opening.splitlines()[0].rstrip().endswith("."), "a sentence ends with a full stop"
