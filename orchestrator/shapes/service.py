"""What works beside the runs, as JSON: agents, notifications, limits, and who did what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.service.limits import KnownLimit
    from orchestrator.store.access import Deed
    from orchestrator.store.agents import AgentRecord
    from orchestrator.store.outbox import Notification

_SILENT = timedelta(seconds=30)  #: three beats of an agent


def agent(found: AgentRecord, now: datetime) -> Shape:
    """An agent, and whether it is ``alive``: was heard of within three beats."""
    return {
        "id": found.id, "name": found.name, "labels": list(found.labels), "host": found.host,
        "pid": found.pid, "started": found.started, "heartbeat": found.heartbeat,
        "version": found.version, "packages": dict(found.packages),
        "alive": now - found.heartbeat <= _SILENT,
    }  # fmt: skip


def notification(found: Notification) -> Shape:
    """A message of the outbox: about which run, to whom, how it stands."""
    return {
        "id": found.id, "key": found.key, "kind": found.kind, "target": found.target,
        "run_id": found.run_id, "state": found.state.value, "attempts": found.attempts,
        "next_try": found.next_try, "created": found.created, "error": found.error,
        "payload": dict(found.payload),
    }  # fmt: skip


def limit(known: KnownLimit) -> Shape:
    """``name``, ``slots``, ``origin`` in the settings, and which runs have what is ``taken``."""
    return {
        "name": known.limit.name, "slots": known.limit.slots, "origin": known.origin,
        "taken": [
            {"run_id": lease.run_id, "holder": lease.holder, "expires": lease.expires}
            for lease in known.limit.taken
        ],
    }  # fmt: skip


def deed(found: Deed) -> Shape:
    """Who did what to what, when."""
    return {
        "id": found.id, "at": found.at, "by": found.by, "role": found.role,
        "action": found.action, "subject": found.subject, "data": dict(found.data),
    }  # fmt: skip
