"""How many rows tasks wrote when they last came out well, by what the run store keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.service.catalogue.outcomes import OutcomeReader, Outcomes, outcomes_of
from orchestrator.service.policy.breaches import Breach
from orchestrator.service.policy.rules import Policy
from orchestrator.service.policy.seen import Seen
from orchestrator.service.policy.teams import subjects
from orchestrator.service.project import Project

_SQLITE = "sqlite:///"


def history(project: Project) -> tuple[Outcomes, str | None]:
    """What became of tasks in the latest runs, and why that is not known, if so.

    A run store that is not there yet is not made.
    """
    url = project.settings.store
    if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
        return {}, "rows.max was not looked at: there is no run store here, so no run to go by"
    try:
        with project.store() as store:
            return OutcomeReader(store, project.name).outcomes(), None
    except OrchestratorError as error:
        return {}, f"rows.max was not looked at: {error.what}"


def breaches(policy: Policy, seen: Seen, outcomes: Outcomes) -> Iterator[Breach]:
    """Every task whose last good run wrote more rows than it may."""
    most, said = policy.rows.max, policy.rows.said
    for node in seen.plan.tasks.values() if most else ():
        known = [o for o in outcomes_of(outcomes, seen.flow.name, node.facts) if o.passed]
        last = next((one for one in known if one.rows is not None), None)
        if last is None or last.rows is None or most is None or last.rows <= most:
            continue
        written = [access.dataset for access in node.facts.writes]
        what = f" to {', '.join(map(str, written))}" if written else ""
        when = f" on {last.at:%Y-%m-%d}" if last.at else ""
        places = [access.evidence.place for access in node.facts.writes if access.evidence.place]
        yield Breach(
            said.rule("max"), said.at("max"),
            f"{node.facts.name} wrote {last.rows:,} rows{what}, and {most:,} are allowed",
            (places or [node.facts.path or seen.place])[0],
            "write only what is new (an incremental model, a WHERE on the day), or keep less",
            (f"run {last.run_id[:8]} wrote {last.rows:,} rows{when}: {last.key}",),
            seen.flow.name, subjects(seen, node.facts, written), policy.rows.breach,
        )  # fmt: skip
