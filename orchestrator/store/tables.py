"""The tables of the run store; a change here needs a migration beside it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

HEAD = "0006"  #: the migration that these tables are the sum of

# Instants are microseconds since 1970 in UTC, JSON is text: both mean the same in every database.
_INSTANT = BigInteger
# SQLite numbers rows by itself only in a column that it calls INTEGER.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

flow_runs = Table(
    "flow_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("flow", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("created", _INSTANT, nullable=False),
    Column("started", _INSTANT),
    Column("finished", _INSTANT),
    Column("retry_of", Text),
    Column("parameters", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("pid", Integer),
    Column("host", Text),
    Column("lease_expires", _INSTANT),
    Column("fence", Integer, nullable=False),
    Column("idempotency_key", Text),
    Column("deployment_id", Text),
    Column("version", Text),
    Column("schedule_id", Text),
    Column("scheduled", _INSTANT),
    Column("interval_start", _INSTANT),
    Column("interval_end", _INSTANT),
    Column("due", _INSTANT),
    Column("waits_for", Text),
    Column("agent", Text),
    Column("turn", _INSTANT),  # when it was due, or made: the order in which agents take runs
    Column("graph", Text),
    Index("flow_runs_created", "created", "id"),
    Index("flow_runs_flow_created", "flow", "created", "id"),
    Index("flow_runs_project_created", "project", "created", "id"),
    Index("flow_runs_project_flow", "project", "flow", "created", "id"),
    Index("flow_runs_project_state", "project", "state", "created", "id"),
    Index("flow_runs_idempotency_key", "idempotency_key", unique=True),
)
Index(
    "flow_runs_unfinished",
    flow_runs.c.lease_expires,
    sqlite_where=flow_runs.c.finished.is_(None),
    postgresql_where=flow_runs.c.finished.is_(None),
)
Index(
    "flow_runs_retry_of",
    flow_runs.c.retry_of,
    sqlite_where=flow_runs.c.retry_of.is_not(None),
    postgresql_where=flow_runs.c.retry_of.is_not(None),
)
_FREE = text("state = 'Pending' AND lease_expires IS NULL")
# What agents look for every second, however many runs are kept: the next of each set of labels.
Index(
    "flow_runs_free",
    flow_runs.c.labels,
    flow_runs.c.turn,
    flow_runs.c.created,
    flow_runs.c.id,
    sqlite_where=_FREE,
    postgresql_where=_FREE,
)

task_runs = Table(
    "task_runs",
    metadata,
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("resource_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("cause", Text),
    Column("status", Text),
    Column("attempt", Integer, nullable=False),
    Column("token", Text),
    Column("started", _INSTANT),
    Column("finished", _INSTANT),
    Column("rows", BigInteger),
    Column("failures", BigInteger),
    Column("path", Text),
    Column("detail", Text),
    Column("result", Text),
)
_SUCCEEDED = text("state = 'Success'")
# Durations are read from this index alone: the rows hold compiled SQL and are long.
Index(
    "task_runs_durations",
    task_runs.c.run_id,
    task_runs.c.key,
    task_runs.c.started,
    task_runs.c.finished,
    sqlite_where=_SUCCEEDED,
    postgresql_where=_SUCCEEDED,
)

# How many tasks stand where, of each run of a list.
Index("task_runs_state", task_runs.c.run_id, task_runs.c.state)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("token", Text),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("started", _INSTANT),
    Column("finished", _INSTANT),
    Column("worker", Text),
    Column("detail", Text),
    ForeignKeyConstraint(
        ["run_id", "key"], ["task_runs.run_id", "task_runs.key"], ondelete="CASCADE"
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text),
    Column("at", _INSTANT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_run", "run_id", "id"),
    sqlite_autoincrement=True,
)

# Numbered within their run, without gaps: whoever shows a page of them knows where it stands.
log_lines = Table(
    "log_lines",
    metadata,
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("key", Text),
    Column("attempt", Integer, nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("level", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Index("log_lines_task", "run_id", "key", "seq"),
)

graphs = Table(
    "graphs",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("layout", Text),
)

texts = Table(
    "texts",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

# A text is kept as long as a run that has it.
text_uses = Table(
    "text_uses",
    metadata,
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, ForeignKey("texts.hash"), primary_key=True),
    Index("text_uses_hash", "hash"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text),
    Column("action", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("at", _INSTANT, nullable=False),
    Index("requests_run", "run_id", "id"),
    sqlite_autoincrement=True,
)

limits = Table(
    "limits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), nullable=False),
    Column("taken", _INSTANT, nullable=False),
    Column("expires", _INSTANT, nullable=False),
    Index("leases_run", "run_id"),
)

limit_waits = Table(
    "limit_waits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("since", _INSTANT, nullable=False),
    Column("expires", _INSTANT, nullable=False),
    Index("limit_waits_run", "run_id"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("commit", Text),
    Column("source", Text, nullable=False),
    Column("schedules", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("executor", Text),
    Column("environment", Text, nullable=False),
    Column("created", _INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("project", "flow", "number", name="deployments_number"),
)

deployed_flows = Table(
    "deployed_flows",
    metadata,
    Column("project", Text, primary_key=True),
    Column("flow", Text, primary_key=True),
    Column("deployment_id", Text, ForeignKey("deployments.id"), nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
)

deployment_audit = Table(
    "deployment_audit",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("project", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("evaluated", _INSTANT, nullable=False),
    Index("schedules_flow", "project", "flow"),
)

# Rows outlive their schedule, and their run: a night that was served stays served.
occurrences = Table(
    "occurrences",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("instant", _INSTANT, nullable=False),
    Column("nominal", Text, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run_id", Text),
    Column("interval_start", _INSTANT),
    Column("interval_end", _INSTANT),
    Column("settled", _INSTANT, nullable=False),
    Index("occurrences_instant", "instant"),
    Index("occurrences_schedule_instant", "schedule_id", "instant", "key"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer),
    Column("started", _INSTANT, nullable=False),
    Column("heartbeat", _INSTANT, nullable=False),
    Column("version", Text, nullable=False),
    Column("packages", Text),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("run_id", Text, ForeignKey("flow_runs.id", ondelete="CASCADE")),
    Column("key", Text),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", _INSTANT, nullable=False),
    Column("state", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("created", _INSTANT, nullable=False),
    Index("notifications_due", "state", "next_try"),
    Index("notifications_run", "run_id"),
    Index("notifications_key", "key", unique=True),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created", _INSTANT, nullable=False),
    Column("expires", _INSTANT),
    Column("last_used", _INSTANT),
    Column("revoked", _INSTANT),
    Index("tokens_hash", "hash", unique=True),
    sqlite_autoincrement=True,
)
Index(
    "tokens_name",
    tokens.c.name,
    unique=True,
    sqlite_where=tokens.c.revoked.is_(None),
    postgresql_where=tokens.c.revoked.is_(None),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("token_id", _SERIAL, ForeignKey("tokens.id"), nullable=False),
    Column("created", _INSTANT, nullable=False),
    Column("expires", _INSTANT, nullable=False),
)

deeds = Table(
    "deeds",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("by", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", _INSTANT, nullable=False),
    sqlite_autoincrement=True,
)
