"""Requests to runs, limits with their leases, and keys by which a run is made only once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add a column to the runs, and four tables."""
    # Added in place: to copy the table would, on SQLite, delete all that refers to its rows.
    op.add_column("flow_runs", sa.Column("idempotency_key", sa.Text))
    op.create_index("flow_runs_idempotency_key", "flow_runs", ["idempotency_key"], unique=True)
    _requests()
    _limits()


def _run_id(*, primary_key: bool = False) -> sa.Column[str]:
    run = sa.ForeignKey("flow_runs.id", ondelete="CASCADE")
    return sa.Column("run_id", sa.Text, run, nullable=False, primary_key=primary_key)


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", _SERIAL, primary_key=True),
        _run_id(),
        sa.Column("key", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("requests_run", "requests", ["run_id", "id"])


def _limits() -> None:
    op.create_table(
        "limits",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("slots", sa.Integer, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, primary_key=True),
        _run_id(),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("leases_run", "leases", ["run_id"])
    op.create_table(
        "limit_waits",
        sa.Column("name", sa.Text, primary_key=True),
        _run_id(primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("limit_waits_run", "limit_waits", ["run_id"])
