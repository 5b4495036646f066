"""What of a Python module changed: functions that tasks run, or how its flows are put together."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def concerns_building(before: str | None, now: str | None, builders: Iterable[str] = ()) -> bool:
    """Whether a change of a module may change more than what its tasks do when they run.

    A function that is a task, or that the code outside of functions does not name, only runs when
    tasks run. Comments and layout are no change.

    Args:
        before: The module as it was; None if it is new.
        now: The module; None if it is gone.
        builders: Modules that import it and put flows together.

    Example:
        >>> module = "@task\\ndef load():\\n    return {}\\nflow = build()\\n"
        >>> concerns_building(module.format(1), module.format(2))
        False
        >>> concerns_building(module, module.replace("build()", "build(vars=1)"))
        True
    """
    if before is None or now is None:
        return True
    try:
        old, new = ast.parse(before), ast.parse(now)
        others = [ast.parse(text) for text in builders]
    except (SyntaxError, ValueError):
        return True
    differing = _differing(old, new)
    if any(not isinstance(statement, _FUNCTIONS) for statement in differing):
        return True
    named = {name for tree in (old, new, *others) for name in _names_outside(tree)}
    return any(
        not _is_task(function) and function.name in named
        for function in differing
        if isinstance(function, _FUNCTIONS)
    )


def _is_task(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is only called when a task runs, by what decorates it."""
    names = (
        node.id if isinstance(node, ast.Name) else node.attr
        for decorator in function.decorator_list
        for node in ast.walk(decorator)
        if isinstance(node, (ast.Name, ast.Attribute))
    )
    return any("task" in name.lower() for name in names)


def _differing(old: ast.Module, new: ast.Module) -> list[ast.stmt]:
    """Statements that stand in one only; what stands outside of functions counts in its order."""
    before = {ast.dump(statement): statement for statement in old.body}
    after = {ast.dump(statement): statement for statement in new.body}
    found = [before[text] for text in before if text not in after]
    found += [after[text] for text in after if text not in before]
    if _outside(before) != _outside(after):
        found += [s for s in new.body if not isinstance(s, _FUNCTIONS)]
    return found


def _outside(statements: dict[str, ast.stmt]) -> list[str]:
    return [text for text, one in statements.items() if not isinstance(one, _FUNCTIONS)]


def _names_outside(tree: ast.Module) -> Iterator[str]:
    """Every name that is read outside of functions, or in what decorates them."""
    for statement in tree.body:
        if isinstance(statement, _FUNCTIONS):
            roots: list[ast.AST] = [*statement.decorator_list, statement.args]
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        else:
            roots = [statement]
        for root in roots:
            for node in ast.walk(root):
                if isinstance(node, ast.Name):
                    yield node.id
                elif isinstance(node, ast.Attribute):
                    yield node.attr
