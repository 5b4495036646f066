"""Runs, task runs, attempts, events and log lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the five tables and their indexes."""
    _flow_runs()
    _task_runs()
    _attempts()
    _events()
    _log_lines()


def _flow_runs() -> None:
    op.create_table(
        "flow_runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger),
        sa.Column("finished", sa.BigInteger),
        sa.Column("retry_of", sa.Text),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer),
        sa.Column("host", sa.Text),
        sa.Column("lease_expires", sa.BigInteger),
        sa.Column("fence", sa.Integer, nullable=False),
    )
    op.create_index("flow_runs_created", "flow_runs", ["created", "id"])
    op.create_index("flow_runs_flow_created", "flow_runs", ["flow", "created"])
    unfinished = sa.text("finished IS NULL")
    op.create_index(
        "flow_runs_unfinished",
        "flow_runs",
        ["lease_expires"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )


def _task_runs() -> None:
    op.create_table(
        "task_runs",
        sa.Column(
            "run_id", sa.Text, sa.ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("resource_type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("started", sa.BigInteger),
        sa.Column("finished", sa.BigInteger),
        sa.Column("rows", sa.BigInteger),
        sa.Column("failures", sa.BigInteger),
        sa.Column("path", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("result", sa.Text),
    )
    succeeded = sa.text("state = 'Success'")
    op.create_index(
        "task_runs_durations",
        "task_runs",
        ["run_id", "key", "started", "finished"],
        sqlite_where=succeeded,
        postgresql_where=succeeded,
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("started", sa.BigInteger),
        sa.Column("finished", sa.BigInteger),
        sa.Column("worker", sa.Text),
        sa.Column("detail", sa.Text),
        sa.ForeignKeyConstraint(
            ["run_id", "key"], ["task_runs.run_id", "task_runs.key"], ondelete="CASCADE"
        ),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column(
            "run_id", sa.Text, sa.ForeignKey("flow_runs.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("key", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_run", "events", ["run_id", "id"])


def _log_lines() -> None:
    op.create_table(
        "log_lines",
        sa.Column("seq", _SERIAL, primary_key=True),
        sa.Column(
            "run_id", sa.Text, sa.ForeignKey("flow_runs.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("key", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("log_lines_run", "log_lines", ["run_id", "seq"])
    op.create_index("log_lines_task", "log_lines", ["run_id", "key", "seq"])
