"""No name, message or detail, however odd, breaks a screen or reaches the terminal as a command."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import stories
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.cli.terminal import errors, lineage, live, plan, runs, why
from orchestrator.cli.terminal.lines import line
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.summary import report
from orchestrator.errors import OrchestratorError
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.events import LogEmitted, RunFinished, RunStarted, TaskChanged
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.state import State, StateType
from orchestrator.service.catalogue.datasets import DatasetGraph
from orchestrator.shapes import plans, values
from tests.cli.conftest import printed

ODD = st.one_of(
    st.text(),
    st.text(alphabet="\x1b[]m0;31\\/\r\n\t\x07#:@a"),
    st.sampled_from(
        [
            "[bold red]x[/]", "[/]", "\x1b[2J\x1b[31mgone", "x" * 3000, "a\nb\nc" * 50, "名前" * 40,
            "\u202e\u0000", "\ud800", ":smile:", "https://[::1", "%s {0} {x}", "",
        ]
    ),
)  # fmt: skip
DETAIL = st.dictionaries(
    st.sampled_from(
        ["error", "traceback", "compiled_code", "sql", "error_line", "path", "compiled_path",
         "log_tail", "log_path"]
    ),
    st.one_of(ODD, st.integers(-3, 30), st.lists(ODD, max_size=3), st.none(), st.floats()),
)  # fmt: skip


def safe(shown: str) -> None:
    """Only line breaks are left of what moves a cursor; all can be encoded."""
    assert "\x1b" not in shown
    assert not [c for c in shown if ord(c) < 32 and c != "\n"]
    shown.encode("utf-8")


@settings(max_examples=150, deadline=None)
@given(ODD, ODD, ODD, DETAIL, st.sampled_from(list(StateType)), st.integers(1, 200))
def test_screens_of_a_run(
    name: str, message: str, cause: str, detail: dict[str, Any], kind: StateType, width: int
) -> None:
    state = State(kind, message, cause=cause, status="warn" if kind == "Success" else message)
    events = [
        RunStarted("r", name, ((name, name, message),), {name: 1.0}, stories.NOON, message),
        TaskChanged(name, name, state, stories.after(1), 2, 1.0, 3, 4, detail),
        LogEmitted(name, "WARNING", message, stories.after(1)),
        LogEmitted(None, message, message, stories.after(1)),
    ]
    progress, lines = Progress(), []
    for event in events:
        progress.apply(event)
        lines.append(line(event, progress))
        json.loads(values.dumps(values.event(event)))
    lines.append(live.picture(progress, stories.after(2), width, 10))
    progress.apply(RunFinished("r", State(StateType.FAILED, message), stories.after(2), 2.0))
    lines += report(progress, width)
    safe(printed([shown for shown in lines if shown is not None], width))


@settings(max_examples=80, deadline=None)
@given(ODD, ODD, ODD, st.integers(1, 200))
def test_screens_of_a_plan(name: str, path: str, text: str, width: int) -> None:
    dataset = Dataset(None, text or None, name or "x")
    evidence = Evidence(Source.SQL, text, path, 3)
    writer = TaskFacts("k1", name, text, writes=(Access(dataset, evidence),), path=path)
    reader = TaskFacts(
        "k2", text, "sql", reads=(Access(dataset, evidence),), lineage_unknown=text or None
    )
    found = stories.plan_of(
        [writer, reader], flow=name, left_out={"k3": text}, parameters={name: text}
    )
    lines = [
        *plan.picture(found, width),
        *why.of_task(found, "k2", width),
        *why.of_pair(found, "k1", "k2", width),
        *lineage.picture(DatasetGraph(found), dataset, True, True, width=width),
        *errors.picture(OrchestratorError(name, where=path, fix=text)),
    ]
    safe(printed(lines, width))
    json.loads(values.dumps(plans.plan(found)))


@settings(max_examples=80, deadline=None)
@given(ODD, ODD, DETAIL, st.sampled_from(list(StateType)))
def test_screens_of_the_store(
    name: str, text: str, detail: dict[str, Any], kind: StateType
) -> None:
    run = stories.stored_run(
        flow=name, state=kind, message=text, parameters={name: text}, host=text
    )
    tasks = [
        stories.TaskRun(
            run.id, name, name, text, kind, text, name, text, 1, None, stories.NOON,
            stories.NOON + timedelta(seconds=1), 1, 1, detail,
        )
    ]  # fmt: skip
    safe(printed([*runs.table([run], 80), *runs.one(run, tasks, 80)]))


@settings(max_examples=100, deadline=None)
@given(ODD, DETAIL, st.integers(20, 200))
def test_a_failure_takes_at_most_one_screen(text: str, detail: dict[str, Any], width: int) -> None:
    from orchestrator.cli.terminal.failure import picture
    from orchestrator.cli.terminal.progress import Title

    many = {**detail, "error": f"{text}\n" * 99, "traceback": "call\n" * 99, "log_tail": "x\n" * 99}
    for more in ({}, {"compiled_code": "select 1\n" * 99, "error_line": 50}):
        event = stories.changed("k", StateType.FAILED, 1, detail={**many, **more}, message=text)
        assert len(picture(event, Title("model", "k"), log="x", width=width)) <= 30
