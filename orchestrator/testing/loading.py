"""Makes tables of rows that a test gives: mappings, files, a query, Arrow or pandas."""

from __future__ import annotations

import datetime as dt
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Rows = list[dict[str, Any]]

_READERS = {
    ".csv": "read_csv_auto", ".tsv": "read_csv_auto", ".parquet": "read_parquet",
    ".json": "read_json_auto", ".jsonl": "read_json_auto", ".ndjson": "read_json_auto",
}  # fmt: skip
_QUERIES = ("select", "with", "values", "from")
_KEYS = ("rows", "format", "fixture", "types")
_TYPES: dict[type, str] = {
    bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", dt.date: "DATE",
    dt.time: "TIME", dt.timedelta: "INTERVAL", bytes: "BLOB", uuid.UUID: "UUID",
}  # fmt: skip
_LARGEST = 2**63
_HANDED = "rows_of_the_test"


def load(
    connection: DuckDBPyConnection,
    table: str,
    given: Any,
    *,
    what: str,
    folders: Sequence[Path] = (),
) -> None:
    """Make a table of given rows, in place of what stands under its name.

    Args:
        connection: Where.
        table: Its name as SQL has it, quoted.
        given: Mappings; a path of a CSV, Parquet or JSON file; a query; an Arrow table or a data
            frame; or a mapping with ``rows``, and with ``format`` (``dict``, ``csv``, ``sql``),
            ``fixture`` (a file) and ``types`` (by column) as in a SQL test.
        what: Whose rows, for messages.
        folders: Where files are looked for.

    Raises:
        UsageError: They cannot be read, or their types cannot be told.
    """
    given, types = _said(given, what)
    if isinstance(given, _Csv):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rows.csv")
            file.write_text("\n".join(line.strip() for line in given.strip().splitlines()) + "\n")
            load(connection, table, {"fixture": file, "types": types}, what=what)
        return
    query = _query(given, what, folders)
    if query is not None:
        _make(connection, table, query, types, what)
    elif hasattr(given, "__arrow_c_stream__") or hasattr(given, "__dataframe__"):
        connection.register(_HANDED, given)
        try:
            _make(connection, table, f"select * from {_HANDED}", types, what)
        finally:
            connection.unregister(_HANDED)
    else:
        _insert(connection, table, mappings(given, what), types, what)


def rows_of(given: Any, what: str, folders: Sequence[Path] = ()) -> Rows:
    """Read given rows as mappings.

    Raises:
        UsageError: They cannot be read.

    Example:
        >>> rows_of("select 1 as id, null as note", "the rows")
        [{'id': 1, 'note': None}]
    """
    if isinstance(given, (list, tuple)):
        return mappings(given, what)
    if isinstance(given, Mapping) and not given.get("rows") and "fixture" not in given:
        _said(given, what)
        return []
    import duckdb

    with duckdb.connect(":memory:") as connection:
        load(connection, "given", given, what=what, folders=folders)
        return fetched(connection, "select * from given")


def fetched(connection: DuckDBPyConnection, query: str) -> Rows:
    """Run a query and give its rows as mappings."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def mappings(given: Any, what: str) -> Rows:
    """Check that rows are mappings, and complete each with the columns that only others have.

    Raises:
        UsageError: They are not.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise UsageError(
            f"{what} are no rows: {given!r}",
            fix='give [{"id": 1}, …], a file ("orders.csv"), a query ("select …"), '
            "an Arrow table or a data frame",
        )
    rows = list(given)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise UsageError(
                f"row {number} of {what} is {row!r}, not a mapping of columns to values",
                fix='write {"id": 1, "amount": 2.5}',
            )
    columns = dict.fromkeys(str(name) for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def _said(given: Any, what: str) -> tuple[Any, Mapping[str, str]]:
    """The rows of the long form, and the types that it says."""
    if not isinstance(given, Mapping):
        return given, {}
    for key in given:
        if key not in _KEYS:
            raise UsageError(
                f"{what}: {key!r} is not known here", fix="there is " + ", ".join(_KEYS)
            )
    types = {str(k): str(v) for k, v in (given.get("types") or {}).items()}
    kind, rows = str(given.get("format", "dict")), given.get("rows")
    if "fixture" in given:
        return Path(str(given["fixture"])), types
    if kind == "csv" and isinstance(rows, str):
        return _Csv(rows), types
    if kind == "sql" and isinstance(rows, str):
        return rows.strip(), types
    if kind == "dict" and not isinstance(rows, str):
        return rows or [], types
    raise UsageError(
        f"{what}: format {kind!r} does not go with these rows",
        fix="format: dict takes a list, csv and sql take text (rows: |), fixture: names a file",
    )


class _Csv(str):
    """The text of a CSV file."""


def _query(given: Any, what: str, folders: Sequence[Path]) -> str | None:
    """The query that reads them, where they are text or a file."""
    if isinstance(given, str):
        first = given.lstrip("( \n").split(None, 1)[:1]
        if first and first[0].lower() in _QUERIES:
            return given.rstrip().rstrip(";")
    if not isinstance(given, (str, Path)):
        return None
    path = Path(given).expanduser()
    if path.suffix.lower() not in _READERS:
        raise UsageError(
            f"{what}: {str(given)!r} is neither a file of rows nor a query",
            fix="name a file (" + ", ".join(_READERS) + ") or write select …",
        )
    tried = [folder / path for folder in (*folders, Path.cwd())]
    found = next((p for p in tried if p.is_file()), None)
    if found is None:
        raise UsageError(
            f"{what}: there is no file {str(given)!r}",
            where=", ".join(dict.fromkeys(str(p.parent) for p in tried)),
            fix="paths are relative to the project's folder; in a SQL test, also to the test's",
        )
    return _reading(found)


def _reading(path: Path) -> str:
    reader = _READERS[path.suffix.lower()]
    header = ", header = true" if reader == "read_csv_auto" else ""
    return f"select * from {reader}({_text(str(path))}{header})"


def _make(
    connection: DuckDBPyConnection, table: str, query: str, types: Mapping[str, str], what: str
) -> None:
    import duckdb

    casts = ", ".join(f"cast({_name(n)} as {kind}) as {_name(n)}" for n, kind in types.items())
    try:
        connection.execute(
            f"create table {table} as select *{f' replace ({casts})' if casts else ''} "
            f"from ({query}\n) as given"
        )
    except duckdb.Error as error:
        raise UsageError(f"{what} cannot be read: {error}", fix="mend the rows") from None


def _insert(
    connection: DuckDBPyConnection, table: str, rows: Rows, types: Mapping[str, str], what: str
) -> None:
    import duckdb

    columns = list(rows[0]) if rows else list(types)
    if not columns:
        raise UsageError(
            f"{what}: without rows nobody can tell the columns",
            fix='say them: {"rows": [], "types": {"id": "integer"}}',
        )
    for name in types:
        if name not in columns:
            raise UsageError(f"{what}: types names {name!r}, which no row has")
    kinds = {n: types.get(n) or _kind(connection, n, rows, what) for n in columns}
    try:
        made = ", ".join(f"{_name(name)} {kind}" for name, kind in kinds.items())
        connection.execute(f"create table {table} ({made})")
        places = ", ".join("?" for _ in columns)
        if rows:
            connection.executemany(
                f"insert into {table} values ({places})", [list(row.values()) for row in rows]
            )
    except duckdb.Error as error:
        raise UsageError(f"{what} cannot be made a table: {error}", fix="mend the rows") from None


def _kind(connection: DuckDBPyConnection, column: str, rows: Rows, what: str) -> str:
    """The type of a column, by the values in it."""
    values = [row[column] for row in rows if row[column] is not None]
    kinds = dict.fromkeys(_type_of(connection, value) for value in values)
    if not kinds:
        return "VARCHAR"
    if len(kinds) == 1:
        return next(iter(kinds))
    found = set(kinds)
    if found <= {"BIGINT", "HUGEINT"}:
        return "HUGEINT"
    decimals = [value for value in values if isinstance(value, Decimal)]
    if decimals and found <= {"BIGINT", *(_decimal(value) for value in decimals)}:
        return max((_decimal(value) for value in decimals), key=len)
    if found <= {"BIGINT", "HUGEINT", "DOUBLE"} | {_decimal(value) for value in decimals}:
        return "DOUBLE"
    if found <= {"DATE", "TIMESTAMP"}:
        return "TIMESTAMP"
    raise UsageError(
        f"{what}: column {column!r} has values of several types: {', '.join(kinds)}",
        fix=f'write them alike, or say the type: {{"rows": […], "types": {{"{column}": "varchar"}}}}',
    )


def _type_of(connection: DuckDBPyConnection, value: Any) -> str:
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, dt.datetime):
        return "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LARGEST:
        return "HUGEINT"
    if type(value) in _TYPES:
        return _TYPES[type(value)]
    row = connection.execute("select typeof(?)", [value]).fetchone()
    return str(row[0]) if row else "VARCHAR"


def _decimal(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    return f"DECIMAL(38, {max(9, -exponent) if isinstance(exponent, int) else 9})"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
