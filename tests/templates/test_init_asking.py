"""At a terminal `orchestrator init` asks, with a default for each question, and asks before it writes over."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tests.templates.projects import ROOT, write

ENTER = "\r"


def at_a_terminal(folder: Path, words: list[str], answers: dict[str, str]) -> tuple[int, str]:
    """Run ``orchestrator init`` at a terminal; give an answer when its question is seen.

    Returns:
        The exit code, and all that was shown.
    """
    ours, theirs = pty.openpty()
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm",
        "COLUMNS": "100", "LINES": "40",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "init", *words],
        cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown, todo, until = "", list(answers.items()), time.monotonic() + 120
    try:
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 65536).decode("utf-8", "replace")
                except OSError:  # nobody has the other end any more
                    break
            if todo and todo[0][0] in shown:
                os.write(ours, todo.pop(0)[1].encode())
        code = process.wait(timeout=20)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert not todo, f"never asked: {todo}\n{shown}"
    return code, shown


def test_each_question_has_a_default(place: Path) -> None:
    questions = dict.fromkeys(
        ["What do you want to start with?", "The time zone", "The warehouse of production"], ENTER
    )
    code, shown = at_a_terminal(place, ["shop"], questions)
    assert code == 0, shown
    assert "The project's name" not in shown, "it is the folder's"
    answers = yaml.safe_load((place / "shop/.copier-answers.yml").read_text())
    assert (answers["template"], answers["timezone"]) == ("analytics", "UTC")


def test_what_is_answered_counts_and_what_is_given_is_not_asked(place: Path) -> None:
    code, shown = at_a_terminal(
        place, ["shop", "--template", "flow"], {"The time zone": "\b\b\bAsia/Tokyo" + ENTER}
    )
    assert code == 0, shown
    assert "What do you want" not in shown
    assert "Asia/Tokyo" in (place / "shop/flows/nightly.py").read_text()


def test_a_time_zone_that_there_is_not_is_refused_where_it_is_asked_for(place: Path) -> None:
    answers = {"The time zone": "\b\b\bEurope/Berlim" + ENTER, "did you mean": "\bn" + ENTER}
    code, shown = at_a_terminal(place, ["shop", "--template", "flow"], answers)
    assert code == 0, shown
    assert "'Europe/Berlin'" in shown
    assert "Europe/Berlin" in (place / "shop/flows/nightly.py").read_text()
    words = ["other", "--data", "timezone=Europe/Berlim"]
    code, shown = at_a_terminal(place, words, {})
    assert code == 2
    assert "What do you want" not in shown


def test_files_that_are_there_are_asked_for(place: Path) -> None:
    write(place / "shop", {"README.md": "mine"})
    words = ["shop", "--template", "platform"]
    code, shown = at_a_terminal(place, words, {"Write over them?": "\n"})
    assert code == 2
    assert "README.md" in shown
    assert [path.name for path in (place / "shop").iterdir()] == ["README.md"]
    assert (place / "shop/README.md").read_text() == "mine"
    code, shown = at_a_terminal(place, words, {"Write over them?": "y\n"})
    assert code == 0, shown
    assert (place / "shop/README.md").read_text().startswith("# shop")
