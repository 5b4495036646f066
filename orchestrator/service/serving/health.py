"""How a service is: whether its run store answers, and whether each part works."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.service.serving.parts import Part

if TYPE_CHECKING:
    from orchestrator.store.base import RunStore


def health_of(store: RunStore, parts: Iterable[Part] = ()) -> dict[str, Any]:
    """Say how a service is, as JSON can hold it.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> health_of(MemoryStore())["status"]
        'ok'
    """
    try:
        store.runs(limit=1)
        answer = "ok"
    except StoreError as error:
        answer = error.what
    found = {
        part.name: {"alive": part.alive, "restarts": part.restarts, "error": part.error}
        for part in parts
    }
    well = answer == "ok" and all(part["alive"] for part in found.values())
    return {
        "status": "ok" if well else "broken",
        "store": answer,
        "parts": found,
        "at": instants.now().isoformat(),
    }
