"""The shell lines of every page run, one after the other, where the page has them run; or it is said why not."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import blocks, pages
from tests.docs.pages import Block
from tests.docs.places import NOT_RUN, SLACK, Place, is_shell, place_of
from tests.notify.receivers import receiving
from tests.tutorial.terminal import Terminal, interrupt, missing, wait_for

#: Followed, with all that it shows, by a test of its own.
FOLLOWED = {"tutorial.md"}
#: What stays until it is told to end.
STAYING = re.compile(r"^orchestrator (serve|scheduler|agent|api)\b")
WITH_A_PORT = re.compile(r"^orchestrator (serve|api)\b")
PAGES = [
    page
    for page in pages.pages()
    if page.name not in FOLLOWED
    and any(is_shell(block) for block in pages.blocks(page.read_text(encoding="utf-8")))
]


def typed(block: Block) -> Iterator[str]:
    """The lines of a block as somebody types them, without the words beside them."""
    for line in blocks.lines(block):
        bare = line.partition("  ")[0] if block.language == "" else re.sub(r"\s+#\s.*$", "", line)
        if bare.strip() and not bare.startswith("#"):
            yield bare.strip()


def shells(page: Path) -> list[Block]:
    return [block for block in pages.blocks(page.read_text(encoding="utf-8")) if is_shell(block)]


def name_of(page: Path) -> str:
    return str(page.relative_to(pages.ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_line_is_run_or_it_is_said_why_not(page: Path) -> None:
    lines = [line for block in shells(page) for line in typed(block)]
    place = place_of(page)
    if place is None:
        assert [line for line in lines if line not in NOT_RUN] == [], "where do they run?"
    else:
        assert place.before.keys() <= set(lines), "there is no such line"


def test_reasons_are_needed() -> None:
    lines = {line for page in PAGES for block in shells(page) for line in typed(block)}
    assert NOT_RUN.keys() <= lines


class Typist:
    """Somebody who types what a page shows.

    Args:
        folder: Where the page's files lie.
        place: What was done before a line.
        words: Words of the environment.
        slack: Who stands in for Slack.
    """

    def __init__(self, folder: Path, place: Place, words: dict[str, str], slack: str) -> None:
        self.place, self.slack, self.home = place, slack, Path(words["HOME"])
        self.terminal = Terminal(folder, self.home / "terminal", words)
        self.staying: list[tuple[str, subprocess.Popen[bytes]]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])

    def type(self, block: Block) -> None:
        said = ""
        for line in typed(block):
            if line in NOT_RUN:
                continue
            if before := self.place.before.get(line):
                self._run(before)
            if STAYING.match(line):
                self._stay(line)
            else:
                said += self._run(line)
        if block.text.startswith("$ "):
            shown = "".join(re.sub(r"^\$ .*\n", "", block.text, flags=re.MULTILINE))
            assert not missing(shown, said), f"not shown: {missing(shown, said)}\n{said}"

    def _run(self, line: str) -> str:
        line = line.replace(SLACK, self.slack).replace(":4280", f":{self.port}")
        code, said = self.terminal.run(line)
        assert code == 0, f"$ {line}\n{said}"
        return said

    def _stay(self, line: str) -> None:
        log = self.home / f"{len(self.staying)}.log"
        port = f" --port {self.port}" if WITH_A_PORT.match(line) else ""
        if port:
            self.end()
        process = self.terminal.start(line + port, log)
        self.staying.append((line, process))
        wait_for(f"{line} says that it works", lambda: log.read_text() or process.poll())
        assert process.poll() is None, f"$ {line}\n{log.read_text()}"

    def end(self) -> None:
        """Press Ctrl-C in every terminal."""
        while self.staying:
            line, process = self.staying.pop()
            assert interrupt(process) == 0, line


@pytest.fixture
def words(tmp_path: Path) -> dict[str, str]:
    """Words of the environment: our programs, a home of one's own, and whom git is to name."""
    home = tmp_path / "home"
    home.mkdir()
    # An answer that refuses is a failure.
    (home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    (home / ".gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.com\n")
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "110", "DO_NOT_TRACK": "1",
        "GITHUB_STEP_SUMMARY": str(home / "step_summary.md"), "PYTHONPATH": ".",
        "ORCHESTRATOR_SECRET_SLACK_WEBHOOK_URL": "http://127.0.0.1:9/nobody",
        "ORCHESTRATOR_PRIVATE_WEBHOOKS": "127.0.0.1",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if place_of(page) is not None], ids=name_of
)
def test_what_a_page_says_to_type_works(page: Path, tmp_path: Path, words: dict[str, str]) -> None:
    folder = tmp_path / "project"
    place = place_of(page)
    assert place is not None
    place.write(folder, page)
    with receiving() as slack:
        typist = Typist(folder, place, words, slack.url)
        try:
            for block in shells(page):
                typist.type(block)
            typist.end()
        finally:
            for _, process in typist.staying:
                process.kill()
                process.wait()
