"""What a ``@task`` function says by annotation: a table in or out, a connection by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model import context
from orchestrator.model.dataset import is_path
from orchestrator.model.injection import Injected, Spot
from orchestrator.model.signals import FAIL
from orchestrator.model.warehouse import Warehouse
from tasks.frames import arrow, batches_of, frame_of, is_lazy
from tasks.sql.session import Mode, SqlSession, SqlWarehouse
from tasks.tables import loaded, mode_of, take_down, translated, written

if TYPE_CHECKING:
    from pyarrow import RecordBatch, RecordBatchReader

#: How an argument of a type is read, by the type's package and name.
_READ_AS = {
    "pandas.DataFrame": "pandas",
    "polars.DataFrame": "polars",
    "pyarrow.Table": "arrow",
    "pyarrow.RecordBatchReader": "stream",
    "builtins.list": "dicts",
    "typing.List": "dicts",
}


@dataclass(frozen=True)
class Table(Injected):
    """A table that an argument is read from, or that a result is written to.

    The argument's type says what it is read as: ``pandas.DataFrame``, ``polars.DataFrame``,
    ``pyarrow.Table``, ``list`` (of dicts), or ``pyarrow.RecordBatchReader``, which streams. The
    graph knows from it what the task reads and writes.

    Args:
        dataset: Its name, as ``reads=`` and ``writes=`` have it.
        mode: Of a result: ``append`` to the rows that are there, ``truncate``: put these in their
            place, ``replace``: make the table anew.
        warehouse: Name of its connection; that of the task, or the project's default, if left out.
        columns: The columns that are read, all if left out.

    Raises:
        FlowError: The name is that of a file, or there is no such mode.

    Example:
        >>> from typing import Annotated
        >>> from orchestrator import task
        >>> @task
        ... def late(
        ...     orders: Annotated[list, Table("raw.orders")],
        ... ) -> Annotated[list, Table("marts.late", mode="replace")]:
        ...     return [order for order in orders if order["days"] > 3]
        >>> late.run([{"id": 1, "days": 2}, {"id": 2, "days": 5}])
        [{'id': 2, 'days': 5}]
    """

    dataset: str
    mode: Mode | str = Mode.REPLACE
    warehouse: str | None = None
    columns: tuple[str, ...] | list[str] | None = None

    def __post_init__(self) -> None:
        if not self.dataset.strip() or is_path(self.dataset) or self.dataset.startswith("@"):
            raise FlowError(
                f"Table({self.dataset!r}) names no table",
                fix="name a table; a warehouse's `files` setting gives files the names of tables",
            )
        object.__setattr__(self, "mode", mode_of(self.mode))

    def check(self, spot: Spot) -> None:
        """Refuse a type that nothing can be read as; what is written is judged by what it is."""
        if not spot.is_result:
            self._kind(spot)
        elif self.columns:
            raise FlowError(
                f"task {spot.task!r}: columns= says which columns are read, and {spot} is written",
                where=spot.place,
                fix="leave it out: all columns of the frame are written",
            )

    @contextmanager
    def opened(self, spot: Spot, warehouse: Warehouse) -> Iterator[Any]:
        """Read the table; a stream stays open until the function has run."""
        kind = self._kind(spot)
        arrow()  # says so first where it is not installed
        with _sql(warehouse, spot).connect() as connection:
            session = _sql(warehouse, spot).session(connection)
            take_down(connection, self._query(), spot.place)
            with _explained(session, spot, "read", self.dataset):
                value = frame_of(session.batches(self._query()), kind)
            if kind == "stream":
                yield _retold(value, session, spot, self.dataset)
        if kind != "stream":
            _log("%s: %s rows of %s", spot, f"{len(value):,}", self.dataset)
            yield value

    def kept(self, spot: Spot, warehouse: Warehouse, value: Any) -> tuple[Any, int]:
        """Write what was returned; rows that came as a stream are gone then."""
        self._refuse_elements(spot)
        try:
            batches = batches_of(value)
        except FlowError as error:
            raise FlowError(
                f"task {spot.task!r} cannot write {self.dataset}: {error.what}",
                where=spot.place,
                fix=error.fix,
            ) from None
        with _sql(warehouse, spot).connect() as connection:
            session = _sql(warehouse, spot).session(connection)
            take_down(connection, written(self.dataset, Mode(self.mode)), spot.place)
            with _explained(session, spot, "write", self.dataset):
                rows = loaded(session, self.dataset, batches, Mode(self.mode))
        return (None if is_lazy(value) else value), rows

    def needs_arguments(self, value: Any) -> bool:
        """Whether the rows are still to come."""
        return is_lazy(value)

    def _kind(self, spot: Spot) -> str:
        package, _, name = spot.type_name.partition(".")
        kind = _READ_AS.get(f"{package}.{name.rpartition('.')[2]}")
        if kind is None:
            raise FlowError(
                f"task {spot.task!r}: {spot} cannot be read as {spot.type_name}",
                where=spot.place,
                fix=f"annotate it with {', '.join(k for k in _READ_AS if k[0] != 't')}",
            )
        return kind

    def _query(self) -> str:
        columns = ", ".join(self.columns) if self.columns else "*"
        return f"select {columns} from {self.dataset}"

    def _refuse_elements(self, spot: Spot) -> None:
        running = context.active()
        if running is None or running.map_index is None or self.mode == Mode.APPEND:
            return
        raise FlowError(
            f"each element of the mapped task {spot.task!r} would {self.mode} {self.dataset}, "
            "so that only the last one's rows would stay",
            where=spot.place,
            fix='say mode="append", or write the table once, in a task that takes all elements',
        )


@dataclass(frozen=True)
class Connection(Injected):
    """A connection to a warehouse that an argument gets, open while the function runs.

    Args:
        warehouse: Its name in ``orchestrator.toml``; that of the task, or the project's default,
            if left out.

    Example:
        >>> from typing import Annotated, Any
        >>> from orchestrator import task
        >>> @task(reads=["raw.orders"])
        ... def count(lake: Annotated[Any, Connection("lake")]):
        ...     return lake.execute("select count(*) from raw.orders").fetchone()[0]
    """

    warehouse: str | None = None

    def check(self, spot: Spot) -> None:
        """Refuse a result: a connection is never written."""
        if spot.is_result:
            raise FlowError(
                f"task {spot.task!r} cannot return a connection",
                where=spot.place,
                fix="annotate an argument with Connection, and the result with Table",
            )

    @contextmanager
    def opened(self, spot: Spot, warehouse: Warehouse) -> Iterator[Any]:
        """Open it."""
        with warehouse.connect() as connection:
            yield connection

    def kept(self, spot: Spot, warehouse: Warehouse, value: Any) -> tuple[Any, int]:
        """Never called: :meth:`check` refuses it."""
        raise NotImplementedError


def _sql(warehouse: Warehouse, spot: Spot) -> SqlWarehouse:
    if isinstance(warehouse, SqlWarehouse):
        return warehouse
    raise ConfigurationError(
        f"warehouse {warehouse.name!r} cannot read or write tables for {spot} of {spot.task!r}",
        where=spot.place,
        fix="name another one: Table(…, warehouse=…)",
    )


@contextmanager
def _explained(session: SqlSession, spot: Spot, verb: str, dataset: str) -> Iterator[None]:
    """Say of a failure which table it is about, and whose annotation names it."""
    try:
        with translated(session, f"{verb} {dataset}", f"{spot.place} ({spot} of {spot.task})"):
            yield
    except FAIL as error:
        error.message = f"cannot {verb} {dataset} for {spot}: {error.message}"
        error.args = (error.message,)
        raise


def _retold(
    reader: RecordBatchReader, session: SqlSession, spot: Spot, dataset: str
) -> RecordBatchReader:
    """The batches, with what fails on the way told as :func:`_explained` does."""
    import pyarrow

    def batches() -> Iterator[RecordBatch]:
        with _explained(session, spot, "read", dataset):
            yield from reader

    return pyarrow.RecordBatchReader.from_batches(reader.schema, batches())


def _log(text: str, *values: object) -> None:
    running = context.active()
    if running is not None:
        running.logger.info(text, *values)
