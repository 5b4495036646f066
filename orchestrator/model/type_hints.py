"""Reads ``Annotated[…]`` of a function's arguments and result, also where it is only text."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from orchestrator.errors import FlowError

RESULT = "return"


@dataclass(frozen=True, slots=True)
class Hint:
    """One ``Annotated[type, mark, …]``.

    Args:
        type_name: The type with its module, as far as that is known: ``pandas.DataFrame``.
        marks: What stands after the type.
    """

    type_name: str
    marks: tuple[Any, ...]


def hints_of(function: Callable[..., Any]) -> dict[str, tuple[Hint, ...]]:
    """Return the ``Annotated[…]`` of each argument, and of ``return``; of a tuple, each member.

    Texts are read in the module of the function and in the function around it. Types may be
    imported under ``if TYPE_CHECKING:``, since only their names are needed; marks may not.

    Args:
        function: Any function.

    Raises:
        FlowError: What stands after the type cannot be found where the function is defined.
    """
    plain = inspect.unwrap(function)
    annotations: Mapping[str, Any] = getattr(plain, "__annotations__", {})
    if not any(_may_be_annotated(value) for value in annotations.values()):
        return {}
    reader = _Reader(plain)
    found = {name: reader.read(name, value) for name, value in annotations.items()}
    return {name: hints for name, hints in found.items() if hints}


def lines_of(function: Callable[..., Any]) -> dict[str, int]:
    """Return the line of each argument in its file, and of ``return``; empty without its source."""
    plain = inspect.unwrap(function)
    try:
        lines, start = inspect.getsourcelines(plain)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return {}
    defined = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)), None)
    if defined is None:
        return {}
    arguments = defined.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found = {argument.arg: start + argument.lineno - 1 for argument in every}
    if defined.returns is not None:
        found[RESULT] = start + defined.returns.lineno - 1
    return found


def _may_be_annotated(value: Any) -> bool:
    """Whether it is worth a look: any text may name an ``Annotated[…]`` that has a name of its own."""
    return isinstance(value, str) or bool(_of_object(value))


class _Reader:
    """Reads the annotations of one function."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._globals = function.__globals__
        self._locals = _around(function)
        self._imports: dict[str, str] | None = None

    def read(self, name: str, value: Any) -> tuple[Hint, ...]:
        if not isinstance(value, str):
            return tuple(self._settled(hint) for hint in _of_object(value))
        try:
            node = ast.parse(value.strip(), mode="eval").body
        except SyntaxError:
            return ()
        return self._of_node(name, node)

    def _of_node(self, name: str, node: ast.expr) -> tuple[Hint, ...]:
        try:
            return tuple(self._settled(hint) for hint in _of_object(self._evaluated(node)))
        except Exception:  # whatever a name or a call in it raises: then piece by piece
            pass
        if not isinstance(node, ast.Subscript):
            return ()
        base = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if base in ("tuple", "Tuple"):
            members = (
                self._of_node(name, item) or (Hint(ast.unparse(item), ()),) for item in inner
            )
            return tuple(hint for hints in members for hint in hints)
        if base != "Annotated" or len(inner) < 2:
            return ()
        marks = tuple(self._mark(name, item) for item in inner[1:])
        return (Hint(self._type_name(inner[0]), marks),)

    def _settled(self, hint: Hint) -> Hint:
        """With the text of a type (``Annotated["pd.DataFrame", …]``) read too."""
        if not hint.type_name.startswith("'"):
            return hint
        text = hint.type_name.strip("'")
        return Hint(self._type_name(ast.parse(text, mode="eval").body), hint.marks)

    def _mark(self, name: str, node: ast.expr) -> Any:
        try:
            return self._evaluated(node)
        except FlowError:  # it could be read, and says itself what is wrong
            raise
        except Exception as error:
            what = "result" if name == RESULT else f"argument {name!r}"
            place = lines_of(self._function).get(name, self._function.__code__.co_firstlineno)
            raise FlowError(
                f"the annotation of {what} of {self._function.__name__} cannot be read: "
                f"{ast.unparse(node)}: {error}",
                where=f"{self._function.__code__.co_filename}:{place}",
                fix="import what stands after the type when the module runs, "
                "not under `if TYPE_CHECKING:`",
            ) from None

    def _type_name(self, node: ast.expr) -> str:
        try:
            return type_name(self._evaluated(node))
        except Exception:  # imported for type checkers only: its name tells enough
            text = ast.unparse(node.value if isinstance(node, ast.Subscript) else node).strip("'")
        first, dot, rest = text.partition(".")
        if not dot and hasattr(builtins, first):
            return f"builtins.{first}"
        return self._imported().get(first, first) + dot + rest

    def _evaluated(self, node: ast.expr) -> Any:
        code = compile(ast.Expression(node), "<annotation>", "eval")
        return eval(code, self._globals, self._locals)

    def _imported(self) -> dict[str, str]:
        """What the module imports anywhere, by the name it gets there."""
        if self._imports is None:
            lines = linecache.getlines(self._function.__code__.co_filename, self._globals)
            try:
                tree = ast.parse("".join(lines))
            except SyntaxError:
                tree = ast.Module([], [])
            self._imports = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    self._imports |= {a.asname: a.name for a in node.names if a.asname}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        self._imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return self._imports


def type_name(found: Any) -> str:
    """Name a type with its module; of ``list[dict]`` the list.

    Example:
        >>> type_name(int), type_name(list[dict]), type_name("pd.DataFrame")
        ('builtins.int', 'builtins.list', "'pd.DataFrame'")
    """
    if isinstance(found, typing.ForwardRef):
        found = found.__forward_arg__
    if isinstance(found, str):
        return f"'{found}'"
    found = typing.get_origin(found) or found
    module = getattr(found, "__module__", "")
    return f"{module}.{getattr(found, '__qualname__', None) or getattr(found, '__name__', found)}"


def _of_object(found: Any) -> tuple[Hint, ...]:
    if typing.get_origin(found) is Annotated:
        return (Hint(type_name(found.__origin__), tuple(found.__metadata__)),)
    if typing.get_origin(found) is tuple:
        members = (
            _of_object(item) or (Hint(type_name(item), ()),) for item in typing.get_args(found)
        )
        return tuple(hint for hints in members for hint in hints)
    return ()


def _around(function: Any) -> dict[str, Any]:
    """Names of the function that the definition stands in, while that runs."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals is not function.__globals__:
        if frame.f_back is None:
            return {}
        frame = frame.f_back
    return dict(frame.f_locals) if frame is not None else {}
