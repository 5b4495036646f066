"""Settles what is due of many schedules: each is decided by itself, many are written at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.model.state import StateType
from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.catch_up import GRACE
from orchestrator.service.scheduler.deciding import Decision, decide, paused
from orchestrator.service.scheduler.making import Draft, drafts_of, rows_and_runs
from orchestrator.service.scheduler.overlap import Busy
from orchestrator.service.scheduler.stopping import ask_to_stop, end
from orchestrator.service.scheduler.tick import Tick
from orchestrator.service.scheduler.timetables import Timetables
from orchestrator.service.scheduler.verdicts import wall
from orchestrator.service.scheduler.watching import Watch, due_of, earlier
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import DeployedFlow
from orchestrator.store.occurrences import LastRun, ScheduleState, SettledAs, Settling
from orchestrator.store.records import FlowRun

#: Occurrences a transaction: one of its own costs each more than the writing, and others wait
#: for its end.
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """A schedule of which something is due.

    Args:
        state: Where it stands.
        flow: Its flow.
        watched: What it says.
        unfinished: Its runs that are under way, the oldest first.
    """

    state: ScheduleState
    flow: DeployedFlow
    watched: Watch
    unfinished: Sequence[FlowRun]


def serve(store: RunStore, step: Tick, turns: Sequence[Turn], timetables: Timetables) -> None:
    """Settle what is due of schedules; what goes wrong with one stops no other.

    Args:
        store: The store.
        step: The step; what was done, and what could not be, is added to it.
        turns: The schedules.
        timetables: Where schedules are read.

    Raises:
        StoreError: The store cannot be read.
    """
    for start in range(0, len(turns), AT_ONCE):
        some = turns[start : start + AT_ONCE]
        for chunk in _chunks(_Deciding(store, step, timetables).each(some)):
            _write(store, step, chunk)


@dataclass(frozen=True, slots=True)
class _Decided:
    """What is to be written of a schedule."""

    turn: Turn
    settling: Settling


_Drafted = tuple[Decision, tuple[Draft, ...]]


def _drafted(decision: Decision) -> _Drafted:
    return decision, drafts_of(decision)


class _Deciding:
    """Decides about schedules one by one; what it must know of them it reads for all at once."""

    def __init__(self, store: RunStore, step: Tick, timetables: Timetables) -> None:
        self._store, self._step, self._timetables = store, step, timetables
        # Many schedules say the same, and nothing is in their way: then one decision holds.
        self._free: dict[int, tuple[Sequence[Occurrence], _Drafted]] = {}

    def each(self, turns: Sequence[Turn]) -> Iterator[_Decided]:
        """Yield what is to be written; what cannot be decided is said in the step."""
        before = earlier(self._store, (turn.watched for turn in turns))
        due: dict[str, Sequence[Occurrence]] = {}
        for turn in turns:
            try:
                due[turn.state.id] = due_of(turn.watched, self._step.at, before, self._timetables)
            except Exception as failure:
                self._step.failed(turn.state.id, failure)
        last = _last_runs(self._store, turns, due, self._step.at)
        for turn in turns:
            decided = None
            if found := due.get(turn.state.id):
                try:
                    decided = self._decided(turn, found, last.get(turn.state.id))
                except Exception as failure:
                    self._step.failed(turn.state.id, failure)
            if decided is not None:
                yield decided

    def _decided(
        self, turn: Turn, due: Sequence[Occurrence], last: LastRun | None
    ) -> _Decided | None:
        """What is to be written of one schedule; None while it is held."""
        (decision, drafts), state = self._decide(turn, due, last), turn.state
        if decision.meeting.hold:
            self._step.held[state.id] = turn.unfinished[-1].id
            return None
        if decision.meeting.stop or decision.meeting.end:
            self._make_room(decision, due[-1])
        deployment, now = turn.watched.deployment, self._step.at
        rows, runs = rows_and_runs(decision, drafts, deployment, state.id, now)
        return _Decided(turn, Settling(state.id, rows, runs, due[-1].instant, state.evaluated))

    def _decide(self, turn: Turn, due: Sequence[Occurrence], last: LastRun | None) -> _Drafted:
        if turn.flow.paused or turn.state.paused:
            return _drafted(paused(due, "flow" if turn.flow.paused else "schedule"))
        now, policies = int(self._step.at.timestamp()), turn.watched.policies
        busy = [
            run
            for run in _busy(turn.unfinished, last)
            if run.ended is None or any(run.covers(one.epoch) for one in due)
        ]
        if busy:
            return _drafted(decide(due, now, policies, busy))
        known = self._free.get(id(due))
        if known is None:
            known = self._free[id(due)] = due, _drafted(decide(due, now, policies))
        return known[1]

    def _make_room(self, decision: Decision, last: Occurrence) -> None:
        """Stop the runs that the new one replaces."""
        why = f"the run of {wall(last.nominal)} came"
        for run_id in decision.meeting.stop:
            ask_to_stop(self._store, run_id, f"{why}, overlap is cancel_other")
        for run_id in decision.meeting.end:
            run = self._store.run(run_id)
            end(self._store, run, StateType.CANCELLED, f"{why}, overlap is terminate_other")


def _last_runs(
    store: RunStore,
    turns: Iterable[Turn],
    due: Mapping[str, Sequence[Occurrence]],
    now: datetime,
) -> Mapping[str, LastRun]:
    """The last runs of schedules of which something waited though nothing is under way."""
    waited = now.timestamp() - GRACE
    late = [
        turn.state.id
        for turn in turns
        if not turn.unfinished and (found := due.get(turn.state.id)) and found[0].epoch < waited
    ]
    return store.last_runs(late) if late else {}


def _busy(unfinished: Sequence[FlowRun], last: LastRun | None) -> list[Busy]:
    """The runs under way, and, if something waited, the one that was last."""
    found = [Busy(run.id, int(run.created.timestamp())) for run in unfinished]
    if last is not None and last.finished is not None:
        began, ended = int(last.created.timestamp()), int(last.finished.timestamp())
        found.append(Busy(last.id, began, ended))
    return found


def _chunks(decided: Iterable[_Decided]) -> Iterator[list[_Decided]]:
    """Gather what is to be written, so much a transaction."""
    chunk: list[_Decided] = []
    size = 0
    for one in decided:
        chunk.append(one)
        size += len(one.settling.settled)
        if size >= AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _write(store: RunStore, step: Tick, chunk: Sequence[_Decided]) -> None:
    """Write what was decided in one transaction; if that fails, each by itself."""
    if len(chunk) == 1:
        with step.trying(chunk[0].turn.state.id):
            _note(step, chunk, store.occur_all([chunk[0].settling]))
        return
    try:
        answers = store.occur_all([one.settling for one in chunk])
    except Exception:
        for one in chunk:
            _write(store, step, [one])
    else:
        _note(step, chunk, answers)


def _note(step: Tick, chunk: Sequence[_Decided], answers: Sequence[Sequence[str] | None]) -> None:
    """Add to the step what was settled; a schedule that was just taken out of service is left."""
    for one, keys in zip(chunk, answers, strict=True):
        settled = set(keys or ())
        step.settled += len(settled)
        step.made += [
            row.run_id
            for row in one.settling.settled
            if row.key in settled and row.outcome is SettledAs.RUN and row.run_id
        ]
        one.turn.watched.move(one.settling.evaluated)
