"""Drift as people read it: a line for each flow, and below it what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import counted, one_line, padded, shorten

if TYPE_CHECKING:
    from orchestrator.service.deploying.drift import Drift, FlowDrift

_FILES = 8
_STYLES = {"same": "green", "differs": "yellow", "not deployed": "cyan"}
_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def drift(found: Drift, width: int) -> list[Text]:
    """Draw the repository beside the service."""
    if not found.flows:
        return [Text("there is no flow, and nothing is deployed")]
    column = min(max(len(one_line(one.flow)) for one in found.flows), max(width - 60, 12))
    lines = [Text(shorten(_here(found), width), style="dim")]
    for one in found.flows:
        lines.append(
            Text.assemble(
                (padded(one_line(one.flow), column), "bold"), "  ",
                (padded(one.standing, 12), _STYLES.get(one.standing, "red")),
                shorten("  " + ", ".join(_facts(one)), max(width - column - 14, 20)),
            )
        )  # fmt: skip
        lines += [Text(shorten(f"   {line}", width)) for line in _differences(one)]
    lines += [
        Text(shorten(f"{one_line(path)} cannot be read: {one_line(why)}", width), style="red")
        for path, why in found.errors.items()
    ]
    return lines


def _here(found: Drift) -> str:
    said = f"repository: version {found.version}"
    if found.commit:
        said += f", commit {found.commit[:12]}"
    if found.branch:
        said += f" on {one_line(found.branch)}"
    return said + (", with changes that are in no commit" if found.dirty else "")


def _facts(one: FlowDrift) -> Iterator[str]:
    if one.deployment is None:
        return
    yield f"deployment {one.deployment.number}"
    yield f"version {one.deployment.version}"
    if one.ref:
        yield f"from {one_line(one.ref)}"
    if one.environment:
        yield f"in {one_line(one.environment)}"
    if one.behind:
        yield f"{counted(one.behind, 'commit')} behind"
    if one.ahead:
        yield f"{counted(one.ahead, 'commit')} ahead"
    if one.in_place:
        yield "in place"


def _differences(one: FlowDrift) -> Iterator[str]:
    if one.files is None:
        yield "the code differs; the deployed copy is not on this machine"
    for file in (one.files or ())[:_FILES]:
        yield f"{_MARKS.get(file.change, '?')} {one_line(file.path)}"
    if one.files and len(one.files) > _FILES:
        yield f"… {counted(len(one.files) - _FILES, 'more file')}"
    by_hand = f" (by hand, {one_line(one.by_hand)})" if one.by_hand else ""
    for schedule in one.schedules:
        yield f"schedule {_says(schedule.name)}: {_says(schedule.a)}{by_hand} → {_says(schedule.b)}"
    for term in one.terms:
        yield f"{_says(term.name)}: {_says(term.a)} → {_says(term.b)}"


def _says(value: object) -> str:
    return "none" if value is None else one_line(value)
