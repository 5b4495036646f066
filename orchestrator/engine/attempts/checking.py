"""Checks what ran against what was derived: looked at where a task ran, judged where the graph is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import secrets
from orchestrator.model.executed import Executed, StatementRecorder
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph
from orchestrator.model.state import State, StateType

if TYPE_CHECKING:
    from orchestrator.engine.messages import Attempt, Report
    from orchestrator.engine.outcome import Outcome
    from orchestrator.lineage import EffectsCache
    from orchestrator.lineage.derivation.undeclared import Finding, Undeclared

OFF, WARN, STRICT = "off", "warn", "strict"
#: The word under which findings are kept with a task run, and the status of one that they failed.
UNDECLARED = "undeclared"
_CACHE_BYTES = 32 * 1024 * 1024
_LOG = logging.getLogger("orchestrator.lineage")

_caches: dict[Path | None, EffectsCache] = {}


# -- where the task ran ----------------------------------------------------------------------


def recorder(attempt: Attempt) -> StatementRecorder | None:
    """What takes down the statements of an attempt, if they are to be checked."""
    return StatementRecorder() if attempt.checked else None


def observed(outcome: Outcome, taken: StatementRecorder | None, state_dir: Path | None) -> Outcome:
    """The outcome of an attempt with what its statements came to.

    Args:
        outcome: How the work came out; looking at it changes nothing else.
        taken: What took the statements down; None if they are not to be checked.
        state_dir: Folder for what is kept between runs: texts read before are not read again.
    """
    if taken is None or not (taken.statements() or taken.unchecked):
        return outcome
    from orchestrator.lineage.derivation.observed import observe

    try:
        executed = observe(taken, _cache(state_dir).analyze, secrets.masker().mask)
    except Exception:
        _LOG.exception("what the task ran could not be looked at")
        executed = Executed(unchecked=taken.unchecked + len(taken.statements()))
    return replace(outcome, executed=executed)


def keep() -> None:
    """Write down what this process learnt of statements, for the next run."""
    for state_dir, cache in _caches.items():
        if state_dir is not None:
            cache.save()


def _cache(state_dir: Path | None) -> EffectsCache:
    from orchestrator.lineage import EffectsCache

    if state_dir not in _caches:
        path = (state_dir or Path()) / "cache" / "executed.json"
        _caches[state_dir] = EffectsCache(path, max_bytes=_CACHE_BYTES)
    return _caches[state_dir]


# -- where the graph is ----------------------------------------------------------------------


class Checking:
    """Compares each report of a run with what was derived.

    Args:
        level: ``off``, ``warn`` or ``strict``.
        facts: All tasks of the flow, by key.
        graph: The order between them.
        root: The project's folder.
        warn: Told of each finding once, with the task's key in the run, the attempt's number and
            a line of text.
    """

    def __init__(
        self,
        level: str,
        facts: Mapping[str, TaskFacts],
        graph: Graph,
        root: Path | None,
        warn: Callable[[str, int, str], None],
    ) -> None:
        self.level = level
        self._facts, self._graph, self._root, self._warn = facts, graph, root, warn
        self._warned: set[tuple[str, str, str]] = set()

    def judged(self, report: Report, task: str, attempt: int) -> Report:
        """Return the report with what was found, failed where the level is strict.

        Args:
            report: Of an attempt that ended.
            task: Key of the planned task; an element of a mapped one has a key of its own.
            attempt: The attempt's number.
        """
        executed = report.executed
        if executed is None or self.level == OFF:
            return report
        report = replace(report, executed=None)
        if not report.state.is_successful():
            # What was begun and not ended: tables under names for the time being, undone writes.
            executed = replace(executed, writes=())
        findings = self._undeclared.findings(task, executed)
        detail = dict(report.detail)
        if executed.unchecked:
            detail["unchecked"] = executed.unchecked
        if findings:
            detail[UNDECLARED] = [finding.described() for finding in findings]
            self._tell(report.key, task, attempt, findings)
        if not findings or self.level != STRICT or not report.state.is_successful():
            return replace(report, detail=detail)
        detail["error"] = _explained(findings)
        state = State(StateType.FAILED, _said(findings[0]), status=UNDECLARED)
        if report.cached is not None:
            from orchestrator.engine.results.caching import forget

            forget(report.cached)  # a later run is not to take what this one does not let pass
            detail["cache"] = f"{detail.get('cache', '')}; not kept: {UNDECLARED}"
        return replace(report, state=state, detail=detail, result=None)

    def _tell(self, key: str, task: str, attempt: int, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            once = (task, finding.kind.value, finding.dataset)
            if once not in self._warned:
                self._warned.add(once)
                self._warn(key, attempt, f"{_said(finding)}; add {finding.add}")

    @cached_property
    def _undeclared(self) -> Undeclared:
        from orchestrator.lineage.derivation.undeclared import Undeclared

        return Undeclared(self._facts, self._graph, self._root)


def _explained(findings: tuple[Finding, ...]) -> str:
    lines: list[str] = []
    for finding in findings:
        lines.append(_said(finding))
        lines.append(f"  where: {finding.place}  {finding.statement}".rstrip())
        lines.append(f"  fix:   add {finding.add} to {finding.add_to}")
    return "\n".join(lines)


def _said(finding: Finding) -> str:
    return f"{UNDECLARED}: {finding.text}"
