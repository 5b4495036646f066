"""The scheduler: one step settles all that is due, once, however many schedulers there are."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator import instants
from orchestrator.errors import NotFoundError, OrchestratorError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.catch_up import GRACE
from orchestrator.service.scheduler.deciding import Decision, decide, paused
from orchestrator.service.scheduler.making import BACKFILL, rows_and_runs
from orchestrator.service.scheduler.overlap import Busy
from orchestrator.service.scheduler.policies import Policies
from orchestrator.service.scheduler.settling import (
    late_runs,
    settle_lost_agents,
    settle_stuck_run,
)
from orchestrator.service.scheduler.stopping import ask_to_stop, end
from orchestrator.service.scheduler.watching import Watch, due_of, shape_of, watch
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import DeployedFlow, Deployment
from orchestrator.store.occurrences import ScheduleState, SettledAs
from orchestrator.store.records import FlowRun

UNFINISHED = tuple(state for state in StateType if state not in FINISHED)
_EVERY = 1_000_000  #: runs that are looked at: all that are unfinished
_LOOKED_AT = 200  #: occurrences among which the last run is looked for

logger = logging.getLogger("orchestrator.scheduler")


@dataclass(slots=True)
class Tick:
    """What one step did.

    Args:
        at: When (aware).
        made: Ids of the runs that were made.
        settled: How many occurrences were settled, those with a run counted as well.
        held: Schedules whose occurrences wait for a run that is under way, and which run.
        errors: What could not be done, by schedule or step.
        late: Runs that no agent takes, and why.
        stuck: Runs whose driver was lost, and what was done.
        lost: Agents that are gone, and what is known of them.
        next: When something is due again (aware); None: nothing is.
    """

    at: datetime
    made: list[str] = field(default_factory=list)
    settled: int = 0
    held: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    next: datetime | None = None

    @contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """Keep the error of one thing, so that it stops no other."""
        try:
            yield
        except Exception as failure:
            self.errors[what] = _one_line(failure)


class Scheduler:
    """Makes the runs of all current deployments.

    Any number of them may share a store: the store keeps each occurrence once.

    Args:
        store: The store.
        clock: What tells the time.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> Scheduler(MemoryStore()).tick().made
        []
    """

    def __init__(self, store: RunStore, *, clock: Callable[[], datetime] = instants.now) -> None:
        self._store, self._clock = store, clock
        self._deployments: dict[str, Deployment] = {}
        self._watches: dict[str, Watch] = {}
        self._broken: dict[str, tuple[str, str]] = {}
        self._said: dict[str, str] = {}

    def tick(self) -> Tick:
        """Settle all that is due now; what goes wrong with one schedule is said and left behind.

        Raises:
            StoreError: The store cannot be read.
        """
        step = Tick(self._clock())
        unfinished = self._store.runs(state=UNFINISHED, limit=_EVERY)
        self._serve_all(step, unfinished)
        with step.trying("stuck runs"):
            self._settle_stuck(step)
        with step.trying("lost agents"):
            self._settle_agents(step, unfinished)
        self._say(step)
        return step

    # -- schedules ---------------------------------------------------------------------------

    def _serve_all(self, step: Tick, unfinished: tuple[FlowRun, ...]) -> None:
        states = self._store.schedule_states()
        flows = {(one.project, one.flow): one for one in self._store.deployed()}
        self._learn({one.deployment_id for one in flows.values() if not one.deleted})
        busy: dict[str, list[FlowRun]] = defaultdict(list)
        for run in reversed(unfinished):  # the oldest first
            if run.schedule_id is not None:
                busy[run.schedule_id].append(run)
        now, first = step.at.timestamp(), None
        for state in states:
            flow = flows[state.project, state.flow]
            watched = None if flow.deleted else self._watch(step, state, flow)
            if watched is None or watched.next is None:
                continue
            if watched.next <= now:
                with step.trying(state.id):
                    self._serve(step, watched, state, flow, busy[state.id])
            if watched.next is not None and watched.next > now:
                first = watched.next if first is None else min(first, watched.next)
        gone = self._watches.keys() - {state.id for state in states}
        for schedule_id in gone:
            del self._watches[schedule_id]
        step.next = None if first is None else datetime.fromtimestamp(first, step.at.tzinfo)

    def _learn(self, wanted: set[str]) -> None:
        """Read the deployments that are current and not known yet; forget the others."""
        unknown = wanted - self._deployments.keys()
        known = {key: self._deployments[key] for key in wanted if key in self._deployments}
        found = self._store.deployments(ids=unknown) if unknown else ()
        self._deployments = known | {one.id: one for one in found}

    def _watch(self, step: Tick, state: ScheduleState, flow: DeployedFlow) -> Watch | None:
        """The schedule as its current deployment says it; None if that cannot be read."""
        watched = self._watches.get(state.id)
        if watched is not None and watched.deployment.id == flow.deployment_id:
            watched.move(state.evaluated)
            return watched
        deployment, error = self._broken.get(state.id, ("", ""))
        if deployment != flow.deployment_id:
            try:
                watched = watch(self._deployments[flow.deployment_id], state)
            except Exception as failure:
                error = _one_line(failure)
                self._broken[state.id] = flow.deployment_id, error
            else:
                self._broken.pop(state.id, None)
                self._watches[state.id] = watched
                return watched
        self._watches.pop(state.id, None)
        step.errors[state.id] = error
        return None

    def _serve(
        self,
        step: Tick,
        watched: Watch,
        state: ScheduleState,
        flow: DeployedFlow,
        unfinished: list[FlowRun],
    ) -> None:
        """Settle what is due of one schedule, in one transaction."""
        due = due_of(self._store, watched, state.name, step.at)
        if not due:
            return
        if flow.paused or state.paused:
            decision = paused(due, "flow" if flow.paused else "schedule")
        else:
            busy = self._busy(state.id, due, unfinished, step.at)
            decision = decide(due, int(step.at.timestamp()), watched.policies, busy)
        if decision.meeting.hold:
            step.held[state.id] = unfinished[-1].id
            return
        self._write(step, watched, state, decision, due[-1])

    def _busy(
        self, schedule_id: str, due: list[Occurrence], unfinished: list[FlowRun], now: datetime
    ) -> list[Busy]:
        """The runs under way, and, if something waited, the one that was last."""
        found = [Busy(run.id, int(run.created.timestamp())) for run in unfinished]
        if not found and now.timestamp() - due[0].epoch > GRACE:
            last = self._last_run(schedule_id)
            if last is not None and last.finished is not None:
                began, ended = int(last.created.timestamp()), int(last.finished.timestamp())
                found.append(Busy(last.id, began, ended))
        return found

    def _last_run(self, schedule_id: str) -> FlowRun | None:
        """The run of the latest occurrence that has one, backfills apart; None if it was pruned."""
        rows = self._store.occurrences(schedule_id, outcome=SettledAs.RUN, limit=_LOOKED_AT)
        own = (row.run_id for row in rows if row.run_id and not row.key.startswith(BACKFILL))
        run_id = next(own, None)
        try:
            return None if run_id is None else self._store.run(run_id)
        except NotFoundError:
            return None

    def _write(
        self,
        step: Tick,
        watched: Watch,
        state: ScheduleState,
        decision: Decision,
        last: Occurrence,
    ) -> None:
        why = f"the run of {last.nominal:%Y-%m-%d %H:%M} came"
        for run_id in decision.meeting.stop:
            ask_to_stop(self._store, run_id, f"{why}, overlap is cancel_other")
        for run_id in decision.meeting.end:
            run = self._store.run(run_id)
            end(self._store, run, StateType.CANCELLED, f"{why}, overlap is terminate_other")
        rows, runs = rows_and_runs(decision, watched.deployment, state.id, step.at)
        keys = self._store.occur(state.id, rows, runs, last.instant, seen=state.evaluated)
        step.settled += len(keys)
        settled = set(keys)
        step.made += [
            row.run_id
            for row in rows
            if row.key in settled and row.outcome is SettledAs.RUN and row.run_id
        ]
        watched.move(last.instant)

    # -- what nobody looks after -------------------------------------------------------------

    def _settle_stuck(self, step: Tick) -> None:
        for run in self._store.expired_runs(step.at):
            watched = self._watches.get(run.schedule_id or "")
            policies = watched.policies if watched else self._policies(run)
            with step.trying(f"run {run.id}"):
                done = settle_stuck_run(self._store, run, policies, step.at)
                if done is not None:
                    step.stuck[run.id] = done

    def _policies(self, run: FlowRun) -> Policies:
        """Of a run whose schedule is not watched any more: what its own deployment said."""
        if run.deployment_id is None or run.schedule_id is None:
            return Policies()
        try:
            deployment = self._store.deployment(run.deployment_id)
            return Policies.from_dict(shape_of(deployment, run.schedule_id.rsplit("/", 1)[-1]))
        except (OrchestratorError, LookupError):
            return Policies()

    def _settle_agents(self, step: Tick, unfinished: tuple[FlowRun, ...]) -> None:
        step.lost = settle_lost_agents(self._store, step.at)
        waiting = [run for run in unfinished if run.state is StateType.PENDING]
        if waiting:
            step.late = late_runs(unfinished, self._store.agents(), step.at)

    # -- saying it ---------------------------------------------------------------------------

    def _say(self, step: Tick) -> None:
        """Log trouble when it begins and when it changes, not at every step."""
        trouble = {
            **{f"{what} cannot be served": why for what, why in step.errors.items()},
            **{f"run {run_id} was stuck": why for run_id, why in step.stuck.items()},
            **{f"agent {name} is lost": why for name, why in step.lost.items()},
            **_late(step.late),
        }
        for what, why in trouble.items():
            if self._said.get(what) != why:
                logger.warning("%s: %s", what, why)
        self._said = trouble


def _late(runs: Mapping[str, str]) -> dict[str, str]:
    """Late runs by their cause, whatever their number: without an agent all of them are late."""
    causes = Counter(why.partition("; ")[2] for why in runs.values())
    return {f"runs are late, {cause}": f"{number} of them" for cause, number in causes.items()}


def _one_line(failure: Exception) -> str:
    text = failure.what if isinstance(failure, OrchestratorError) else str(failure)
    return text or type(failure).__name__
