"""How annotations are read, as objects and as texts."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from orchestrator import task
from orchestrator.errors import FlowError
from orchestrator.model.type_hints import hints_of, lines_of, type_name
from tasks import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow
    from polars import DataFrame as Frame

Orders = Annotated["pd.DataFrame", Table("raw.orders")]


def kinds(function: Callable[..., Any]) -> dict[str, list[str]]:
    return {name: [hint.type_name for hint in found] for name, found in hints_of(function).items()}


def test_types_imported_for_type_checkers_are_known_by_name() -> None:
    def function(
        a: Annotated[pd.DataFrame, 1],
        b: Annotated[Frame, 1],
        c: Annotated[pyarrow.Table, 1],
        d: Annotated[list[pd.DataFrame], 1],
        e: Orders,
        f: int,
        g: Frame | None = None,
    ) -> tuple[Annotated[pd.DataFrame, 1], Annotated[Frame, 2]]: ...

    assert kinds(function) == {
        "a": ["pandas.DataFrame"],
        "b": ["polars.DataFrame"],
        "c": ["pyarrow.Table"],
        "d": ["builtins.list"],
        "e": ["pandas.DataFrame"],
        "return": ["pandas.DataFrame", "polars.DataFrame"],
    }


def test_names_of_the_function_around_are_seen() -> None:
    import polars as mine

    table = Table("made.here")

    def function(a: Annotated[mine.DataFrame, table]) -> None: ...

    (hint,) = hints_of(function)["a"]
    assert hint.marks == (table,)
    assert hint.type_name.startswith("polars.")


def test_annotations_that_are_objects(tmp_path: Path) -> None:
    source = (
        "from typing import Annotated\nimport pandas\nfrom tasks import Table\n"
        "def f(a: Annotated[pandas.DataFrame, Table('t')], *, b: Annotated['list', 1] = ()): ...\n"
    )
    module = types.ModuleType("objects")
    exec(compile(source, str(tmp_path / "objects.py"), "exec"), module.__dict__)
    assert kinds(module.f) == {"a": ["pandas.DataFrame"], "b": ["builtins.list"]}
    assert lines_of(module.f) == {}  # there is no source to look at


def test_each_argument_has_its_line() -> None:
    def function(
        a: int,
        *,
        b: int,
    ) -> int: ...

    first = function.__code__.co_firstlineno
    assert lines_of(function) == {"a": first + 1, "b": first + 3, "return": first + 4}


def test_other_peoples_annotations_do_no_harm() -> None:
    @task
    def plain(a: Undefined, b: Annotated[int, "metres"] = 0, c: 1 / 0 = 2) -> tuple[int, str]:  # type: ignore  # noqa: F821
        return a + b + c, ""

    assert not plain.injection
    assert plain.run(1) == (3, "")


def test_two_things_of_one_argument() -> None:
    with pytest.raises(FlowError, match="the annotation of argument a says several things"):

        @task
        def function(a: Annotated[list, Table("one"), Table("two")]) -> None: ...


def test_a_member_of_the_result_without_a_table() -> None:
    with pytest.raises(FlowError, match="the result says nothing for one of its members"):

        @task
        def function() -> tuple[Annotated[list, Table("one")], int]: ...


def test_what_a_table_says_of_itself_is_passed_on() -> None:
    with pytest.raises(FlowError, match="names no table"):

        @task
        def function(a: Annotated[pd.DataFrame, Table("orders.csv")]) -> None: ...


def test_names_of_types() -> None:
    assert type_name(list[dict[str, int]]) == "builtins.list"
    assert type_name(Any) == "typing.Any"
