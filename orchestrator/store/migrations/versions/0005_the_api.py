"""Graphs, tokens, sessions and deeds; log lines numbered within their run; indices for lists of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add a column to the runs and four tables; number the log lines anew."""
    _runs()
    _log_lines()
    op.create_table(
        "graphs",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("layout", sa.Text),
    )
    _tokens()
    _deeds()


def _runs() -> None:
    op.add_column("flow_runs", sa.Column("graph", sa.Text))
    op.drop_index("flow_runs_flow_created", "flow_runs")
    for name, columns in (
        ("flow_created", ("flow",)),
        ("project_created", ("project",)),
        ("project_flow", ("project", "flow")),
        ("project_state", ("project", "state")),
    ):
        op.create_index(f"flow_runs_{name}", "flow_runs", [*columns, "created", "id"])
    retried = sa.text("retry_of IS NOT NULL")
    op.create_index(
        "flow_runs_retry_of",
        "flow_runs",
        ["retry_of"],
        sqlite_where=retried,
        postgresql_where=retried,
    )
    op.create_index("task_runs_state", "task_runs", ["run_id", "state"])


def _log_lines() -> None:
    op.drop_index("log_lines_run", "log_lines")
    op.drop_index("log_lines_task", "log_lines")
    op.rename_table("log_lines", "log_lines_before")
    if op.get_context().dialect.name == "postgresql":
        # Names of keys are unique in a database, too.
        op.execute("ALTER TABLE log_lines_before DROP CONSTRAINT log_lines_pkey")
        op.execute("ALTER TABLE log_lines_before DROP CONSTRAINT log_lines_run_id_fkey")
    op.create_table(
        "log_lines",
        sa.Column(
            "run_id", sa.Text, sa.ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO log_lines (run_id, seq, key, attempt, at, level, text)"
        " SELECT run_id, row_number() OVER (PARTITION BY run_id ORDER BY seq),"
        " key, attempt, at, level, text FROM log_lines_before"
    )
    op.drop_table("log_lines_before")
    op.create_index("log_lines_task", "log_lines", ["run_id", "key", "seq"])


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("last_used", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("tokens_hash", "tokens", ["hash"], unique=True)
    standing = sa.text("revoked IS NULL")
    op.create_index(
        "tokens_name",
        "tokens",
        ["name"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("token_id", _SERIAL, sa.ForeignKey("tokens.id"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )


def _deeds() -> None:
    op.create_table(
        "deeds",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
