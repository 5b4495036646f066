"""A DuckDB connection that takes down what runs on it, and passes everything on."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import duckdb

from orchestrator.model.dataset import Dataset, Namespace, fold
from orchestrator.model.executed import StatementRecorder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: What a statement reads only the database can say, where its text holds one of these.
_OPAQUE = re.compile(
    r"\b(?:query_table|query|getvariable)\s*\(|^\s*execute\b"
    # Or a table macro; DuckDB's own table functions read no table.
    r"|\b(?:from|join)\s+(?!read_|range\b|generate_series\b|unnest\b|glob\b|duckdb_|pragma_)"
    r"[\w.]+\s*\(",
    re.IGNORECASE,
)
#: Methods that take a SQL text as their first argument.
_RUN = frozenset({"execute", "executemany", "sql", "query", "from_query"})
#: Methods that read files, by the SQL function that does the same.
_FILES = {
    "read_csv": "read_csv", "from_csv_auto": "read_csv",
    "read_parquet": "read_parquet", "from_parquet": "read_parquet",
    "read_json": "read_json",
}  # fmt: skip
_NAMED = frozenset({"table", "view"})
#: DuckDB looks for data frames in the frame that calls it: so it is called from the user's own.
_IN_FRAME = compile("__orchestrator_call__()", "<warehouse>", "eval")
_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class RecordedConnection:
    """Stands for a connection in the hands of a user's function.

    Args:
        connection: The connection; :attr:`unrecorded` gives it back, for calls that take no other.
        recorder: Takes the statements down.
        namespace: How names in them are read.

    Example:
        >>> recorder = StatementRecorder()
        >>> con = RecordedConnection(duckdb.connect(), recorder, Namespace())
        >>> con.sql("select 42").fetchall(), recorder.statements()[0].text
        ([(42,)], 'select 42')
    """

    def __init__(
        self, connection: DuckDBPyConnection, recorder: StatementRecorder, namespace: Namespace
    ) -> None:
        self.unrecorded = connection
        self._recorder, self._namespace = recorder, namespace

    @property
    def __class__(self) -> type:
        """The connection's: libraries ask for it to know what they deal with."""
        return duckdb.DuckDBPyConnection

    @__class__.setter
    def __class__(self, other: type) -> None:
        raise TypeError("a connection stays what it is")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.unrecorded, name)
        if name in _RUN:
            return self._recorded(found, self._add)
        if name in _FILES:
            return self._recorded(found, functools.partial(self._add_files, _FILES[name]))
        if name in _NAMED:
            return self._recorded(found, self._add_name)
        if name == "append":
            return self._recorded(found, self._add_rows)
        return self._passing(found) if callable(found) else found

    def __enter__(self) -> RecordedConnection:
        self.unrecorded.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.unrecorded.__exit__(*error)

    def __repr__(self) -> str:
        return repr(self.unrecorded)

    def cursor(self) -> RecordedConnection:
        """A connection of its own to the same database, which takes down its statements too."""
        return RecordedConnection(self.unrecorded.cursor(), self._recorder, self._namespace)

    duplicate = cursor

    # -- passing on ------------------------------------------------------------------------

    def _recorded(self, method: Callable[..., Any], add: Callable[..., None]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            frame = sys._getframe(1)
            add(frame, *args, **kwargs)
            return self._own(_called_from(frame, functools.partial(method, *args, **kwargs)))

        return call

    def _passing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            frame = sys._getframe(1)
            return self._own(_called_from(frame, functools.partial(method, *args, **kwargs)))

        return call

    def _own(self, result: Any) -> Any:
        return self if result is self.unrecorded else result

    # -- taking down -----------------------------------------------------------------------

    def _add(self, frame: FrameType, query: Any = None, *args: Any, **kwargs: Any) -> None:
        values = args[0] if args else kwargs.get("parameters", kwargs.get("params"))
        for text in _texts(query):
            self._take(frame, text, said_to_read(self.unrecorded, text, values, self._namespace))

    def _add_files(self, function: str, frame: FrameType, paths: Any = None, **_: Any) -> None:
        for path in [paths] if isinstance(paths, (str, os.PathLike)) else _listed(paths):
            name = os.fspath(path).replace("'", "''")
            self._take(frame, f"SELECT * FROM {function}('{name}')")

    def _add_name(self, frame: FrameType, name: Any = None, *_: Any, **__: Any) -> None:
        self._take(frame, f"SELECT * FROM {name}")

    def _add_rows(self, frame: FrameType, name: Any = None, *_: Any, **__: Any) -> None:
        self._take(frame, f"INSERT INTO {name} VALUES (0)")

    def _take(self, frame: FrameType, text: str, reads: Iterable[Dataset] = ()) -> None:
        self._recorder.add(
            text,
            self._namespace,
            connection=id(self.unrecorded),
            place=_place(frame),
            reads=reads,
        )


def said_to_read(
    connection: DuckDBPyConnection, text: str, values: Any, namespace: Namespace
) -> tuple[Dataset, ...]:
    """What DuckDB says that a statement reads, where its text alone does not tell.

    ``query_table(…)``, ``query(…)`` and ``EXECUTE`` name their tables in a value.
    """
    if not _OPAQUE.search(text):
        return ()
    try:
        rows = connection.execute(f"EXPLAIN (FORMAT json) {text}", values or None).fetchall()
        plans = [json.loads(plan) for _, plan in rows]
    except (duckdb.Error, ValueError):  # the statement itself will say what is wrong with it
        return ()
    return tuple(dict.fromkeys(_dataset(name, namespace) for name in _scanned(plans)))


def behind(
    connection: DuckDBPyConnection, names: Iterable[Dataset], namespace: Namespace
) -> Iterator[tuple[Dataset, Dataset]]:
    """The tables that stand behind views, each with the view that was named."""
    for name in names:
        try:
            tables = connection.get_table_names(f"FROM {_quoted(name)}", qualified=True)
        except duckdb.Error:  # dropped again, or only there for its own connection
            continue
        for table in sorted(tables):
            dataset = _dataset(table, namespace)
            if dataset != name:
                yield name, dataset


def _called_from(frame: FrameType, call: Callable[[], Any]) -> Any:
    names = {**frame.f_locals, "__orchestrator_call__": call}
    return eval(_IN_FRAME, frame.f_globals, names)


def _scanned(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for part in plan:
            yield from _scanned(part)
    elif isinstance(plan, dict):
        if str(plan.get("name", "")).strip().endswith("SCAN"):
            table = (plan.get("extra_info") or {}).get("Table")
            if isinstance(table, str):
                yield table
        yield from _scanned(plan.get("children", ()))


def _dataset(name: str, namespace: Namespace) -> Dataset:
    try:
        return Dataset.parse(name, namespace)
    except ValueError:
        return namespace.resolve(fold(name, True, namespace.dialect))


def _quoted(dataset: Dataset) -> str:
    parts = (dataset.catalog, dataset.schema, dataset.name)
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts if part)


def _texts(query: Any) -> Iterable[str]:
    if isinstance(query, str):
        return (query,)
    if isinstance(query, duckdb.Statement):
        return (query.query,)
    return [text for item in _listed(query) for text in _texts(item)]


def _listed(items: Any) -> Iterable[Any]:
    return items if isinstance(items, (list, tuple)) else ()


def _place(frame: FrameType) -> Callable[[int], str]:
    """File and line of the nearest caller that is no library."""
    seen: FrameType | None = frame
    while seen is not None and any(part in seen.f_code.co_filename for part in _LIBRARIES):
        seen = seen.f_back
    found = seen or frame
    place = f"{found.f_code.co_filename}:{found.f_lineno}"
    return lambda line: place
