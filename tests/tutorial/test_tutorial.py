"""The tutorial, command by command, as somebody new does it: an empty folder and an installed wheel."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs import pages
from tests.notify.receivers import Receiver, receiving
from tests.tutorial.terminal import Terminal, fresh, interrupt, missing, wait_for

PAGE = pages.DOCS / "tutorial.md"
BLOCKS = pages.blocks(PAGE.read_text(encoding="utf-8"))
SLACK = "https://hooks.slack.com/services/T0/B0/x"
WORDS = {"", "fails", "serves", "second"}

pytestmark = pytest.mark.slow


def commands() -> list[pages.Block]:
    return [block for block in BLOCKS if block.language == "sh"]


def test_the_page_can_be_followed() -> None:
    assert {block.file for block in commands()} == WORDS, "what the test knows how to do"
    for before, block in zip([None, *BLOCKS], BLOCKS, strict=False):
        if block.language == "text":
            assert before is not None
            assert before.language == "sh", f"what shows this? {block.text}"
    assert {block.language for block in BLOCKS} <= {"sh", "text", "sql", "yaml", "toml"}
    assert SLACK in "".join(block.text for block in commands())


def test_the_steps_of_a_new_user_are_on_the_page() -> None:
    lines = "\n".join(block.text for block in commands())
    steps = ("pip install", "orchestrator init", "orchestrator run nightly", "orchestrator plan",
             "orchestrator why", "orchestrator runs retry", "orchestrator test",
             "orchestrator schedule preview", "orchestrator deploy", "orchestrator notifications test",
             "orchestrator serve", "orchestrator schedule backfill")  # fmt: skip
    assert [step for step in steps if step not in lines] == []


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this checkout: the only index there is."""
    folder = tmp_path_factory.mktemp("wheels")
    here = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *here]
    done = subprocess.run(
        [*words, "--wheel-dir", folder, pages.ROOT], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return folder


class Reader:
    """Somebody who does what the page says.

    Args:
        folder: Empty, to begin with.
        wheels: The index.
        slack: Where Slack's messages go.
    """

    def __init__(self, folder: Path, wheels: Path, slack: Receiver) -> None:
        self.folder, self.slack = folder, slack
        self.home = folder.parent / "home"
        self.home.mkdir()
        self.environment = fresh(self.home, wheels)
        self.first = self.terminal("first")
        self.service: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self.shown = ""

    def terminal(self, name: str) -> Terminal:
        return Terminal(self.folder, self.home / f".{name}", self.environment)

    def follow(self, block: pages.Block) -> None:
        text = block.text.replace(SLACK, self.slack.url).replace("4280", self.port)
        if block.language == "text":
            wait = self.log.read_text if self.service and not self.shown else lambda: self.shown
            assert not missing(text, wait()), f"not shown: {missing(text, wait())}\n{wait()}"
        elif block.language != "sh":
            path = self.folder / "demo" / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            # Slack is known by its address, and another one stands in for it.
            url = 'url = "secret:SLACK_WEBHOOK_URL"\n'
            path.write_text(text.replace(url, f'{url}format = "slack"\n'), encoding="utf-8")
        elif block.file == "serves":
            self.serve(text.strip())
        else:
            self.type(text, self.terminal("second") if block.file == "second" else self.first,
                      1 if block.file == "fails" else 0)  # fmt: skip

    def type(self, text: str, terminal: Terminal, expected: int) -> None:
        self.shown, code = "", 0
        for line in text.splitlines():
            code, said = terminal.run(line)
            self.shown += said
            if "pip install" in line and code == 0:
                self.lend_dependencies()
            assert code == 0 or expected, f"$ {line}\n{said}"
        assert code == expected, self.shown

    def lend_dependencies(self) -> None:
        """What an index would have brought besides; folders of a .pth file come last."""
        site = sysconfig.get_path("purelib", vars={"base": str(self.folder / ".venv")})
        (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def serve(self, command: str) -> None:
        self.log, self.shown = self.home / "service.log", ""
        self.service = self.first.start(f"{command} --port {self.port}", self.log)
        wait_for("the service is healthy", lambda: self.ask("/health").get("status") == "ok")

    def ask(self, path: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            return dict(json.load(refused))
        except OSError:
            return {}  # nobody answers


@pytest.fixture
def reader(tmp_path: Path, wheels: Path) -> Iterator[Reader]:
    folder = tmp_path / "empty"
    folder.mkdir()
    with receiving() as slack:
        reader = Reader(folder, wheels, slack)
        yield reader
        if reader.service is not None and reader.service.poll() is None:
            reader.service.kill()
            reader.service.wait()


def test_the_tutorial_from_nothing_to_a_watched_night(reader: Reader) -> None:
    for block in BLOCKS:
        reader.follow(block)

    _, where = reader.first.run(
        "python -c 'import orchestrator, tasks; print(orchestrator.__file__)'"
    )
    assert Path(where.strip()).is_relative_to(reader.folder / ".venv"), (
        "the wheel, not the checkout"
    )
    runs = reader.ask("/api/v1/runs?flow=nightly")["runs"]
    assert runs[0]["scheduled"] == "2026-03-02T04:30:00Z"
    # the night of the past; the run with the new table; the mended one; the broken one; the first
    assert [run["state"] for run in runs] == ["Success", "Success", "Success", "Failed", "Success"]
    graph = reader.ask(f"/api/v1/runs/{runs[0]['run_id']}/graph")
    assert "big_days" in json.dumps(graph)
    assert reader.slack.bodies()[0]["text"].startswith("*a test message from project demo*")

    assert reader.service is not None
    assert interrupt(reader.service) in (0, 130)
    assert reader.ask("/health") == {}
