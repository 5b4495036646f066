"""Frames of every library as Arrow batches and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from orchestrator.errors import ConfigurationError, FlowError
from tasks import tables
from tasks.frames import batches_of, frame_of, is_lazy

ROWS = {"id": [1, 2], "word": ["a", None]}


def pieces() -> Iterator[Any]:
    yield pd.DataFrame({"id": [1], "word": ["a"]})
    yield [{"word": None, "id": 2}]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
        pl.LazyFrame(ROWS),
        pa.table(ROWS),
        pa.table(ROWS).to_reader(),
        pa.record_batch(ROWS),
        [{"id": 1, "word": "a"}, {"id": 2}],
        pieces(),
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_every_frame_gives_the_same_rows(frame: Any) -> None:
    assert batches_of(frame).read_all().to_pydict() == ROWS


def test_a_relation_of_duckdb_is_a_frame() -> None:
    with duckdb.connect() as connection:
        relation = connection.sql("select 7 as id")
        assert is_lazy(relation)
        assert batches_of(relation).read_all().to_pydict() == {"id": [7]}


def test_an_index_with_a_name_is_written_and_one_without_is_not() -> None:
    frame = pd.DataFrame({"customer": ["Ann", "Ann", "Bea"], "amount": [1, 2, 3]})
    summed = frame.groupby("customer").sum()
    assert batches_of(summed).schema.names == ["customer", "amount"]
    assert batches_of(frame[frame.amount > 1]).schema.names == ["customer", "amount"]


def test_later_dicts_may_have_more_keys() -> None:
    assert batches_of([{"a": 1}, {"b": 2}]).read_all().to_pylist() == [
        {"a": 1, "b": None},
        {"a": None, "b": 2},
    ]


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        (None, "nothing (None) is no frame"),
        (3, "a int is no frame"),
        ({"a": [1]}, "a dict is no frame"),
        ([1, 2], "a list is no frame"),
        (pd.Series([1]), "a Series is no frame"),
        (iter([3]), "a int is no frame"),
    ],
)
def test_what_is_no_frame_is_named(frame: Any, named: str) -> None:
    with pytest.raises(FlowError) as raised:
        batches_of(frame)
    assert named in raised.value.what
    assert "pandas or polars" in (raised.value.fix or "")


def test_a_column_of_several_types_is_named() -> None:
    with pytest.raises(FlowError, match="column mixed"):
        batches_of(pd.DataFrame({"fine": [1, 2], "mixed": [1, "x"]}))


def test_pieces_that_differ_are_an_error() -> None:
    with pytest.raises(FlowError, match="extra is not in all of them"):
        batches_of(iter([[{"a": 1}], [{"a": 1, "extra": 2}]])).read_all()


def test_gaps_do_not_make_numbers_of_whole_numbers() -> None:
    table = pa.table(
        {"whole": [1, None], "true": [True, None], "full": [1, 2], "price": [Decimal("1.50"), None]}
    )
    frame = frame_of(table.to_reader(), "pandas")
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "boolean", "int64", "object"]
    assert batches_of(frame).read_all().to_pydict() == table.to_pydict()


@pytest.mark.parametrize(
    ("kind", "of"),
    [("arrow", pa.Table), ("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("dicts", list)],
)
def test_kinds(kind: str, of: type) -> None:
    found = frame_of(pa.table(ROWS).to_reader(), kind)
    assert isinstance(found, of)
    assert len(found) == 2


def test_a_kind_that_is_not_there() -> None:
    with pytest.raises(FlowError, match="cannot be read as 'panda'"):
        frame_of(pa.table(ROWS).to_reader(), "panda")


def test_what_is_still_to_come() -> None:
    assert is_lazy(pa.table(ROWS).to_reader())
    assert is_lazy(pieces())
    assert not any(is_lazy(f) for f in ([], pa.table(ROWS), pd.DataFrame(ROWS), pl.DataFrame(ROWS)))


@pytest.mark.parametrize(("library", "kind"), [("pyarrow", "dicts"), ("polars", "polars")])
def test_a_library_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, library: str, kind: str
) -> None:
    with duckdb.connect() as connection:
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(ConfigurationError, match=f"{library}.*not installed") as raised:
            tables.read(connection, "select 1 as one", as_=kind)
    assert raised.value.fix == f"pip install {library}"
