"""Deployments, schedules and their occurrences, agents, notifications, and runs that name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add nine columns to the runs, and seven tables."""
    _flow_runs()
    _deployments()
    _schedules()
    _agents()
    _notifications()


def _flow_runs() -> None:
    # Added in place, as in the migration before.
    for name, kind in (
        ("deployment_id", sa.Text),
        ("version", sa.Text),
        ("schedule_id", sa.Text),
        ("scheduled", sa.BigInteger),
        ("interval_start", sa.BigInteger),
        ("interval_end", sa.BigInteger),
        ("due", sa.BigInteger),
        ("waits_for", sa.Text),
        ("agent", sa.Text),
    ):
        op.add_column("flow_runs", sa.Column(name, kind))
    pending = sa.text("state = 'Pending'")
    op.create_index(
        "flow_runs_pending",
        "flow_runs",
        ["due", "created"],
        sqlite_where=pending,
        postgresql_where=pending,
    )


def _deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("commit", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("schedules", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("executor", sa.Text),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("project", "flow", "number", name="deployments_number"),
    )
    op.create_table(
        "deployed_flows",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("flow", sa.Text, primary_key=True),
        sa.Column("deployment_id", sa.Text, sa.ForeignKey("deployments.id"), nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "deployment_audit",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("evaluated", sa.BigInteger, nullable=False),
    )
    op.create_index("schedules_flow", "schedules", ["project", "flow"])
    op.create_table(
        "occurrences",
        sa.Column("schedule_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("instant", sa.BigInteger, nullable=False),
        sa.Column("nominal", sa.Text, nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("interval_start", sa.BigInteger),
        sa.Column("interval_end", sa.BigInteger),
        sa.Column("settled", sa.BigInteger, nullable=False),
    )
    op.create_index("occurrences_instant", "occurrences", ["instant"])


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("heartbeat", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
    )


def _notifications() -> None:
    run = sa.ForeignKey("flow_runs.id", ondelete="CASCADE")
    op.create_table(
        "notifications",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("run_id", sa.Text, run),
        sa.Column("key", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("notifications_due", "notifications", ["state", "next_try"])
    op.create_index("notifications_run", "notifications", ["run_id"])
    op.create_index("notifications_key", "notifications", ["key"], unique=True)
