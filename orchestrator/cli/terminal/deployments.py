"""Deployments as people read them: what was deployed, what is in service, one flow's history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from orchestrator.cli.terminal.text import moment, one_line, padded, shorten
from orchestrator.service.deploying.environments import SAID, name_of, ref_of

if TYPE_CHECKING:
    from orchestrator.service.deploying.deploy import Deployed
    from orchestrator.service.deploying.listing import History, InService
    from orchestrator.store.deployments import Audited, Deployment

_CHANGES = 10  #: of the audit, the last ones


def deployed(done: Sequence[Deployed], width: int) -> list[Text]:
    """Say of each flow what was deployed, or that nothing changed."""
    lines = []
    for one in done:
        found = one.deployment
        what = f"deployment {found.number}, version {found.version}{_whence(found)}"
        said = what if one.is_new else f"nothing has changed since {what}"
        lines.append(Text(shorten(f"{one_line(found.flow)}: {said}", width)))
    return lines


def table(found: Sequence[InService], width: int) -> list[Text]:
    """Draw the flows that are in service."""
    if not found:
        return [
            Text("nothing is deployed; orchestrator deploy puts the project's flows into service")
        ]
    column = min(max(len(one_line(one.flow.flow)) for one in found), max(width - 60, 12))
    lines = []
    for one in found:
        text = Text.assemble(
            (padded(one_line(one.flow.flow), column), "bold"),
            f"  {one.current.number:>4}  {one.current.version}  {moment(one.current.created)}",
        )
        for word in _words(one):
            text.append(f"  {word}", style="dim")
        text.truncate(width, overflow="ellipsis")
        lines.append(text)
    return lines


def history(found: History, width: int) -> list[Text]:
    """Draw a flow's current deployment, its others, and what people did to it."""
    current = found.now.current
    state = "".join(f"  {word}" for word in _standing(found.now))
    lines = [
        Text.assemble((f"{one_line(current.flow)}  deployment {current.number}", "bold"), state)
    ]
    lines += [
        Text(shorten(f"   {padded(name, 11)}{one_line(value)}", width))
        for name, value in _facts(found.now)
        if value
    ]
    lines += [Text(), Text("deployments", style="bold")]
    for one in found.deployments:
        mark = "*" if one.id == current.id else " "
        lines.append(Text(shorten(f" {mark} {_one(one)}", width)))
    lines += [Text(), Text("changes", style="bold")]
    lines += [Text(shorten(f"   {_change(one)}", width)) for one in found.audit[:_CHANGES]]
    return lines


def _facts(found: InService) -> Iterator[tuple[str, str]]:
    current = found.current
    yield "version", current.version
    yield "commit", current.commit or ""
    yield "from", ref_of(current)
    yield "in", _place(current)
    yield "code", current.source
    yield "deployed", f"{moment(current.created)} by {current.created_by or 'somebody'}"
    yield "with", _pairs(current.parameters)
    yield "labels", ", ".join(current.labels)
    yield "executor", current.executor or ""
    yield "runs as", _pairs({k: v for k, v in current.environment.items() if k not in SAID})
    for one in found.schedules:
        standing = "paused" if one.paused else f"settled until {moment(one.evaluated)}"
        yield "schedule", f"{one.name}: {standing}"


def _one(found: Deployment) -> str:
    commit = f"  {found.commit[:12]}" if found.commit else ""
    return f"{found.number:>4}  {found.version}  {moment(found.created)}{commit}{_whence(found)}"


def _whence(found: Deployment) -> str:
    """Which ref it was made from and which environment it is for, if any."""
    ref, name = ref_of(found), name_of(found)
    said = f", from {one_line(ref)}" if ref else ""
    return said + (f", in {one_line(name)}" if name else "")


def _change(found: Audited) -> str:
    said = _pairs(found.data)
    by = f" by {found.by}" if found.by else ""
    return f"{moment(found.at)}  {found.action}{by}" + (f"  {said}" if said else "")


def _place(found: Deployment) -> str:
    name, target = name_of(found), found.environment.get("target")
    said = [f"environment {name}"] if name else []
    return ", ".join([*said, f"target {target}"] if target else said)


def _words(found: InService) -> Iterable[str]:
    yield from _standing(found)
    if name := name_of(found.current):
        yield f"in {one_line(name)}"
    if ref := ref_of(found.current):
        yield one_line(ref)
    if not found.current.schedules:
        yield "no schedule"
    if found.current.labels:
        yield "labels " + ", ".join(map(one_line, found.current.labels))


def _standing(found: InService) -> Iterable[str]:
    if found.flow.deleted:
        yield "deleted"
    elif found.flow.paused:
        yield "paused"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{one_line(name)}={one_line(value)}" for name, value in values.items())
