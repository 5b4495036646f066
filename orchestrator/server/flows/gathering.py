"""What is known of flows from several sides: the project's files, deployments, schedules, runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator import instants
from orchestrator.schedule import Occurrence
from orchestrator.server.rest.showing import shown
from orchestrator.service.catalogue.survey import Survey
from orchestrator.service.deploying.listing import InService, in_service
from orchestrator.service.project import Project
from orchestrator.service.scheduler.listing import Listed, schedules
from orchestrator.shapes import flows as shapes
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore


@dataclass(frozen=True)
class Gathered:
    """What is known of flows.

    Args:
        project: The project.
        survey: Flows as they lie in the project.
        deployed: Those in service, by name.
        last: The newest run of each, as JSON.
        coming: When each runs next by itself.
    """

    project: str
    survey: Survey
    deployed: Mapping[str, InService]
    last: Mapping[str, Shape]
    coming: Mapping[str, Occurrence]

    @property
    def names(self) -> list[str]:
        """Names of all flows; the project's folder itself counts where it has no other."""
        own = [name for name, flow in self.survey.flows.items() if not flow.whole]
        return sorted({*(own or self.survey.flows), *self.deployed})

    def row(self, name: str) -> Shape:
        """A flow as the list shows it."""
        return shapes.flow(
            self.project, name, self.survey.flows.get(name), self.deployed.get(name),
            self.last.get(name), self.coming.get(name),
        )  # fmt: skip


def gathered(
    survey: Survey, project: Project, store: RunStore, flow: str | None = None
) -> Gathered:
    """Gather what is known of the flows, or of one of them."""
    deployed = {one.flow.flow: one for one in in_service(store, project.name)}
    names = [flow] if flow is not None else sorted({*survey.flows, *deployed})
    newest = [run for name in names for run in store.runs(flow=name, project=project.name, limit=1)]
    last = {shape["flow"]: shape for shape in shown(store, newest)}
    known = () if flow is not None and flow not in deployed else schedules(
        store, project.name, instants.now(), flow=flow
    )  # fmt: skip
    return Gathered(project.name, survey, deployed, last, first_of(known))


def first_of(known: tuple[Listed, ...]) -> dict[str, Occurrence]:
    """What comes next of each flow, of schedules that are not paused."""
    found: dict[str, Occurrence] = {}
    for one in known:
        flow = one.state.flow
        if one.next is not None and not one.paused:
            found[flow] = min((one.next, found.get(flow, one.next)), key=lambda o: o.epoch)
    return found
