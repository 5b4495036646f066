"""``--summary FILE``: the end of a run as Markdown, whatever names and messages hold."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import stories

from orchestrator.cli.main import execute
from orchestrator.cli.terminal.markdown import code, fenced, refusal, summary, text
from orchestrator.cli.terminal.progress import Progress
from orchestrator.errors import ProjectError
from orchestrator.model.events import Event, RunFinished, RunStarted
from orchestrator.model.state import State, StateType


def progress(*events: Event) -> Progress:
    found = Progress()
    for event in events:
        found.apply(event)
    return found


def begun(*tasks: tuple[str, str, str]) -> RunStarted:
    return RunStarted("a1", "nightly", tasks, {}, stories.NOON)


def ended(kind: StateType, message: str = "") -> RunFinished:
    return RunFinished("a1", State(kind, message), stories.after(75), 75.0)


SQL = "\n".join(f"select {n}" for n in range(1, 21))
FAILED = (
    begun(("a", "a", "model"), ("b", "b", "sql"), ("c", "c", "test"), ("d", "d", "model"),
          ("e", "e", "test")),
    stories.changed("a", StateType.SUCCESS, 1, rows=1234, seconds=2.5, attempt=1),
    stories.changed("e", StateType.SUCCESS, 2, seconds=9.0, status="warn", message="3 rows are odd"),
    stories.changed("b", StateType.FAILED, 3, message='no column "odd"', seconds=0.5, attempt=2,
                    detail={"sql": SQL, "error_line": 12, "path": "sql/b.sql"}),
    stories.changed("c", StateType.SKIPPED, 4, cause="b"),
    stories.changed("d", StateType.SKIPPED, 4, cause="b"),
    ended(StateType.FAILED),
)  # fmt: skip


def test_a_failed_run_says_state_failures_warnings_tables_and_what_was_skipped() -> None:
    said = summary(progress(*FAILED))
    assert said.startswith(
        "## nightly: FAILED\n\n**1 ok, 1 warned, 1 failed, 2 skipped** in 1m 15s, run `a1`\n"
    )
    assert "#### sql `b` (FAILED, 0.50 s, attempt 2)\n\n```text\nno column" in said
    assert "`sql/b.sql`\n\n```sql\n   8 │ select 8\n" in said
    assert "> 12 │ select 12\n" in said
    assert "select 17" not in said
    assert "### 1 warning\n\n- test `e`: 3 rows are odd" in said
    assert "| | rows | seconds |\n|---|--:|--:|\n| model `a` | 1,234 | 2.50 |\n" in said
    assert "test `e` |" not in said, "a test builds no table"
    assert "### 2 skipped\n\n- because sql b failed: `c`, `d`\n" in said


def test_a_run_that_did_not_end_and_one_that_could_not_begin() -> None:
    assert summary(progress(begun(("a", "a", "model")))) == (
        "## nightly has not ended\n\n1 not run\n"
    )
    cancelled = progress(begun(("a", "a", "model")), ended(StateType.CANCELLED, "stopped_at once"))
    assert "stopped\\_at once" in summary(cancelled)
    said = refusal("ni|ghtly", ProjectError("no `flow` here", where="flows/", fix="write one"))
    assert said == (
        "## ni\\|ghtly could not run\n\n"
        "```text\nno `flow` here\n  where: flows/\n  fix:   write one\n```\n"
    )


ODD = "a|b `c` <script> *d* [e](f) @ada #1 ```g```\n# h"


def test_odd_names_and_messages_stay_what_they_are() -> None:
    said = summary(
        progress(
            begun(("a", ODD, "model"), ("b", ODD, "sql"), ("c", f"{ODD} 2", "model")),
            stories.changed("a", StateType.SUCCESS, 1, rows=1, seconds=1.0),
            stories.changed("b", StateType.FAILED, 2, message=ODD, detail={"sql": "select '```'"}),
            stories.changed("c", StateType.SKIPPED, 3, cause="b"),
            ended(StateType.FAILED),
        )
    )
    lines = said.splitlines()
    [row] = [line for line in lines if line.startswith("| model")]
    assert row.replace("\\|", "").count("|") == 4, "the name makes no cell of its own"
    assert row.startswith("| model ````a\\|b `c` <script>")
    fences = [line for line in lines if line.startswith("````") and line.strip("`") in ("", "text")]
    assert fences == ["````text", "````", "````"], "what stands in a fence does not close it"
    assert "````sql\n  1 │ select '```'\n````" in said
    assert not [line for line in lines if line.startswith("# ") and line != "# h"]
    because = next(line for line in lines if line.startswith("- because"))
    assert "\\<script\\>" in because
    assert "\\*d\\*" in because


@pytest.mark.parametrize(
    ("value", "plain", "as_code"),
    [
        ("a_b*c", r"a\_b\*c", "`a_b*c`"),
        ("`x`", r"\`x\`", "`` `x` ``"),
        ("a\nb\x1b[31m", "a b", "`a b`"),
        ("", "", "` `"),
        ("<b>&amp;", r"\<b\>\&amp;", "`<b>&amp;`"),
    ],
)
def test_escaping(value: str, plain: str, as_code: str) -> None:
    assert (text(value), code(value)) == (plain, as_code)


def test_a_fence_is_longer_than_what_stands_in_it() -> None:
    assert fenced(["````", "x" * 500], "sql").splitlines()[0] == "`````sql"
    assert len(fenced(["x" * 500])) < 250


def test_a_large_run_fits_into_a_comment() -> None:
    tasks = [(f"t{n}", f"table_{n}_" + "x" * 150, "model") for n in range(3000)]
    events: list[Event] = [begun(*tasks)]
    for key, _, _ in tasks[:1000]:
        events.append(stories.changed(key, StateType.SUCCESS, 1, rows=1, seconds=1.0))
    for key, _, _ in tasks[1000:2000]:
        detail = {"sql": ("y" * 300 + "\n") * 400}
        events.append(stories.changed(key, StateType.FAILED, 2, message="z" * 9000, detail=detail))
    for key, _, _ in tasks[2000:]:
        events.append(stories.changed(key, StateType.SKIPPED, 3, cause="t1000"))
    said = summary(progress(*events, ended(StateType.FAILED)))
    assert len(said) < 65_536
    assert said.count("```") % 2 == 0
    assert "… 940 more" in said


FLOW = """
from orchestrator import Flow, task
from tasks import SqlTask

@task
def say():
    return 1

with Flow("nightly") as nightly:
    say()
    SqlTask(name="odd|name", sql="create table a as\\nselect nosuch from range(3)")()
"""


def test_the_commands_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("orchestrator.toml").write_text(
        '[warehouses.main]\ntype = "duckdb"\npath = "shop.duckdb"\n'
    )
    Path("flows").mkdir()
    Path("flows/nightly.py").write_text(FLOW)
    run = ["run", "nightly", "--executor", "inline", "--format", "json", "--summary"]
    assert execute([*run, "s.md"]) == 1
    said = Path("s.md").read_text()
    assert said.startswith("## nightly: FAILED\n")
    assert "#### sql `odd|name` (FAILED" in said
    assert "> 2 │ select nosuch from range(3)" in said
    assert "| python `say` |" in said
    assert execute(["runs", "show", "--summary", "again.md"]) == 0
    again = Path("again.md").read_text()
    assert again.partition(" in ")[0] == said.partition(" in ")[0]
    assert "> 2 │ select nosuch from range(3)" in again
    Path("flows/nightly.py").write_text("import nowhere_to_be_found\n")
    assert execute([*run, "s.md"]) == 2
    assert Path("s.md").read_text().startswith("## nightly could not run\n\n```text\nnightly.py")
    capsys.readouterr()
    assert execute([*run, "missing/s.md"]) == 2
    assert "the summary cannot be written" in capsys.readouterr().out
