"""The slots of limits in a SQL database: taken, kept alive, given back, and waited for in line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Delete,
    Table,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.store.lines import PLACE, Line, refusing, waits_since
from orchestrator.store.rows import Row, micros
from orchestrator.store.tables import leases, limit_waits, limits

_NAMES: BindParameter[Any] = bindparam("b_names", expanding=True)
_SLOTS = select(limits).where(limits.c.name.in_(_NAMES)).order_by(limits.c.name).with_for_update()
_TAKEN = select(leases.c.name, leases.c.holder).where(leases.c.name.in_(_NAMES))
_WAITING = select(limit_waits).where(limit_waits.c.name.in_(_NAMES))
_SERVED = delete(limit_waits).where(
    limit_waits.c.name.in_(_NAMES), limit_waits.c.run_id == bindparam("b_run")
)
RENEW = (
    update(leases).where(leases.c.run_id == bindparam("b_run")).values(expires=bindparam("b_until"))
)
RELEASE = delete(leases).where(leases.c.holder == bindparam("b_holder"))
GIVE_BACK = delete(leases).where(leases.c.run_id == bindparam("b_run"))
LEAVE_LINES = delete(limit_waits).where(limit_waits.c.run_id == bindparam("b_run"))


def _expired(table: Table) -> Delete:
    # A row that its own driver renews at this moment is locked, and not expired: it is passed over.
    key = tuple(table.primary_key.columns)
    old = select(*key).where(table.c.name.in_(_NAMES), table.c.expires < bindparam("b_now"))
    return delete(table).where(tuple_(*key).in_(old.with_for_update(skip_locked=True)))


_EXPIRED = (_expired(leases), _expired(limit_waits))


def set_limit(connection: Connection, name: str, slots: int | None) -> None:
    """Write down a limit, or strike it out."""
    if slots is None:
        connection.execute(delete(limits).where(limits.c.name == name))
    else:
        _upsert(connection, limits, [{"name": name, "slots": slots}])


def acquire(
    connection: Connection,
    names: Collection[str],
    holder: str,
    run_id: str,
    now: datetime,
    until: datetime,
) -> tuple[str, ...]:
    """Take a slot of each limit, or stand in line; returns the names that stood in the way."""
    lines = _lines(connection, names, holder, now)
    at = micros(now)
    assert at is not None
    refused = refusing(lines, run_id, at)
    if not lines:
        return ()
    if refused:
        place = {"run_id": run_id, "expires": micros(now + PLACE)}
        since = waits_since(lines, run_id, at)
        _upsert(connection, limit_waits, [{"name": n, "since": since, **place} for n in refused])
    else:
        lease = {"holder": holder, "run_id": run_id, "taken": at, "expires": micros(until)}
        _upsert(connection, leases, [{"name": name, **lease} for name in lines])
        connection.execute(_SERVED, {"b_names": list(lines), "b_run": run_id})
    return refused


def _lines(
    connection: Connection, names: Collection[str], holder: str, now: datetime
) -> dict[str, Line]:
    """The limits as they stand; nobody else changes them until the transaction ends."""
    wanted = {"b_names": list(names), "b_now": micros(now)}
    lines = {row.name: Line(row.slots) for row in connection.execute(_SLOTS, wanted)}
    if not lines:
        return lines
    for forgotten in _EXPIRED:
        connection.execute(forgotten, wanted)
    for name, other in connection.execute(_TAKEN, wanted):
        if name in lines and other != holder:
            lines[name].taken += 1
    for row in connection.execute(_WAITING, wanted):
        if row.name in lines:
            lines[row.name].waiting[row.run_id] = row.since
    return lines


def _upsert(connection: Connection, table: Table, values: list[Row]) -> None:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    written = dialect.insert(table)
    key = [column.name for column in table.primary_key.columns]
    changed: Mapping[str, Any] = {
        column.name: written.excluded[column.name]
        for column in table.columns
        if column.name not in key
    }
    connection.execute(written.on_conflict_do_update(index_elements=key, set_=changed), values)
