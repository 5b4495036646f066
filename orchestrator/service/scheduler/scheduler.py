"""The scheduler: one step settles all that is due, once, however many schedulers there are."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from orchestrator import instants
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.scheduler.collecting import no_collecting
from orchestrator.service.scheduler.following import policies_of
from orchestrator.service.scheduler.serving import Turn, serve
from orchestrator.service.scheduler.settling import (
    late_causes,
    late_runs,
    settle_lost_agents,
    settle_stuck_run,
)
from orchestrator.service.scheduler.tick import Tick, one_line
from orchestrator.service.scheduler.timetables import Timetables
from orchestrator.service.scheduler.watching import Watch, watch
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import DeployedFlow, Deployment
from orchestrator.store.occurrences import ScheduleState
from orchestrator.store.records import FlowRun

UNFINISHED = tuple(state for state in StateType if state not in FINISHED)
_EVERY = 1_000_000  #: runs that are looked at: all that are unfinished

logger = logging.getLogger("orchestrator.scheduler")


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
        self._timetables = Timetables()
        self._watches: dict[str, Watch] = {}
        self._broken: dict[str, tuple[str, str]] = {}
        self._said: dict[str, str] = {}

    def tick(self) -> Tick:
        """Settle all that is due now; what goes wrong with one schedule is said and left behind.

        Raises:
            StoreError: The store cannot be read.
        """
        step = Tick(self._clock())
        with no_collecting():
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
        now, turns, coming = step.at.timestamp(), list[Turn](), list[int]()
        for state in states:
            flow = flows[state.project, state.flow]
            watched = None if flow.deleted else self._watch(step, state, flow)
            if watched is None or watched.next is None:
                continue
            if watched.next <= now:
                turns.append(Turn(state, flow, watched, busy.get(state.id, ())))
            else:
                coming.append(watched.next)
        serve(self._store, step, turns, self._timetables)
        after = (each.watched.next for each in turns)
        coming += (epoch for epoch in after if epoch is not None and epoch > now)
        gone = self._watches.keys() - {state.id for state in states}
        for schedule_id in gone:
            del self._watches[schedule_id]
        step.next = datetime.fromtimestamp(min(coming), step.at.tzinfo) if coming else None

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
                watched = watch(self._deployments[flow.deployment_id], state, self._timetables)
            except Exception as failure:
                error = one_line(failure)
                self._broken[state.id] = flow.deployment_id, error
            else:
                self._broken.pop(state.id, None)
                self._watches[state.id] = watched
                return watched
        self._watches.pop(state.id, None)
        step.errors[state.id] = error
        return None

    # -- what nobody looks after -------------------------------------------------------------

    def _settle_stuck(self, step: Tick) -> None:
        for run in self._store.expired_runs(step.at):
            watched = self._watches.get(run.schedule_id or "")
            policies = watched.policies if watched else policies_of(self._store, run)
            with step.trying(f"run {run.id}"):
                done = settle_stuck_run(self._store, run, policies, step.at)
                if done is not None:
                    step.stuck[run.id] = done

    def _settle_agents(self, step: Tick, unfinished: tuple[FlowRun, ...]) -> None:
        step.lost = settle_lost_agents(self._store, step.at)
        waiting = [run for run in unfinished if run.state is StateType.PENDING]
        if waiting:
            step.late = late_runs(self._store, unfinished, self._store.agents(), step.at)

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
    """Late runs by their cause, whatever their number."""
    causes = late_causes(runs)
    return {f"runs are late, {cause}": f"{number} of them" for cause, number in causes.items()}
