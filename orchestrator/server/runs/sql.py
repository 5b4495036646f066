"""The SQL that tasks ran, by the hash in their detail, or in the detail itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def hash_of(detail: Mapping[str, Any]) -> str | None:
    """Return the hash of the SQL that ended with this detail; None where none is known."""
    found = detail.get("sql_hash")
    return found if isinstance(found, str) else None


def within(detail: Mapping[str, Any]) -> str | None:
    """Return the SQL that stands in a detail itself: what failed of it."""
    found = detail.get("compiled_code") or detail.get("sql")
    return found if isinstance(found, str) else None


def sql_of(detail: Mapping[str, Any], texts: Mapping[str, str]) -> str | None:
    """Return the SQL that ended with a detail.

    Args:
        detail: Of a task, or of an attempt.
        texts: By hash, from the run store.

    Example:
        >>> sql_of({"sql_hash": "a1"}, {"a1": "select 1"}), sql_of({"sql": "select 2"}, {})
        ('select 1', 'select 2')
    """
    return texts.get(hash_of(detail) or "") or within(detail)
