"""Indices for passes over thousands of schedules and runs, and what agents have installed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a column to the runs and one to the agents; look for runs and occurrences by new indices."""
    op.add_column("flow_runs", sa.Column("turn", sa.BigInteger))
    op.execute("UPDATE flow_runs SET turn = coalesce(due, created)")
    op.drop_index("flow_runs_pending", "flow_runs")
    free = sa.text("state = 'Pending' AND lease_expires IS NULL")
    op.create_index(
        "flow_runs_free",
        "flow_runs",
        ["labels", "turn", "created", "id"],
        sqlite_where=free,
        postgresql_where=free,
    )
    op.create_index(
        "occurrences_schedule_instant", "occurrences", ["schedule_id", "instant", "key"]
    )
    op.add_column("agents", sa.Column("packages", sa.Text))
