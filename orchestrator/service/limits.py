"""The limits of a project: those of its settings, kept in the run store, and those set by command."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.errors import UsageError
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.records import Limit


@dataclass(frozen=True, slots=True)
class KnownLimit:
    """A limit and where it was said: a place in the settings, or None if by command."""

    limit: Limit
    origin: str | None = None


def keep_limits(project: Project, store: RunStore) -> None:
    """Write the limits of the settings into the store, where they differ."""
    wanted = project.settings.limits
    if wanted:
        kept = {limit.name: limit.slots for limit in store.limits()}
        for name, slots in wanted.items():
            if kept.get(name) != slots:
                store.set_limit(name, slots)


def known_limits(project: Project, store: RunStore) -> tuple[KnownLimit, ...]:
    """Return the limits that hold for the next run, by name, with what is taken of them now."""
    settings = project.settings
    kept = {limit.name: limit for limit in store.limits()}
    said = {
        name: replace(kept.get(name, Limit(name, slots)), slots=slots)
        for name, slots in settings.limits.items()
    }
    return tuple(
        KnownLimit(limit, settings.origin("limits") if name in said else None)
        for name, limit in sorted({**kept, **said}.items())
    )


def change_limit(project: Project, store: RunStore, name: str, slots: int | None) -> None:
    """Set a limit in the store, or take it away; runs under way notice it within seconds.

    Args:
        project: The project.
        store: Its run store.
        name: ``tag:NAME``, ``warehouse:NAME`` or ``flow:NAME``.
        slots: So many at the same time, 0 for nothing at all; None takes the limit away.

    Raises:
        UsageError: The project's settings say it, and would say it again with the next run.
    """
    if name in project.settings.limits:
        origin = project.settings.origin("limits")
        raise UsageError(
            f"the limit {name} is set in the project's settings",
            where=origin,
            fix="change it there, or take it out there to set it by command",
        )
    if slots is None and name not in {limit.name for limit in store.limits()}:
        raise UsageError(f"there is no limit {name}", fix="orchestrator limits list shows all")
    store.set_limit(name, slots)
