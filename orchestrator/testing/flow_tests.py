"""Flow tests: pytest in a process of its own, and what its JUnit report says."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from orchestrator.service.project import Project
from orchestrator.testing.suite import Case, Ending, Outcome, Wanted, files_below

_PLACE = re.compile(r"^(\S[^:\n]*\.py):(\d+):", re.MULTILINE)
_LOOK = 0.1  #: seconds between two looks at how far pytest is
_TAIL = 40  #: lines of pytest's output that are shown where it ends without a report
_NO_TESTS = 5  #: pytest's exit code where it found no test
_PROGRESS = "progress.jsonl"
_MISSING = (
    "the flow tests need pytest, which is not installed\n"
    "  fix:   pip install 'analytics-orchestrator[test]'"
)


class FlowTests:
    """The pytest tests of a project.

    Args:
        project: The project.
    """

    title = "flow tests"

    def __init__(self, project: Project) -> None:
        self._root = project.root
        self._expression = ""

    def collect(self, wanted: Wanted) -> tuple[list[Case], list[Outcome]]:
        """Find the files; which tests are in them, pytest tells when it runs them.

        What ``--select`` picks says nothing of tests in Python: all of them run.
        """
        self._expression = wanted.expression
        anywhere = Wanted(wanted.paths)
        files = (
            path
            for path in files_below(self._root, ".py")
            if path.name.startswith("test_") or path.name.endswith("_test.py")
        )
        cases = (Case("flow", path.name, str(path.relative_to(self._root))) for path in files)
        return [case for case in cases if anywhere.takes(case, self._root)], []

    def run(self, cases: Sequence[Case], say: Callable[[str], None]) -> Iterator[Outcome]:
        """Run pytest on the files."""
        if not cases:
            return
        if importlib.util.find_spec("pytest") is None:
            yield Outcome(Case("flow", "pytest", cases[0].file), Ending.ERROR, message=_MISSING)
            return
        with tempfile.TemporaryDirectory(prefix="orchestrator-pytest-") as scratch:
            report, said = Path(scratch, "report.xml"), Path(scratch, "said.txt")
            pytest = self._started([case.file for case in cases], report, said)
            live, bad = set(), False
            for outcome in _as_they_end(pytest, report.with_name(_PROGRESS), say):
                live.add(outcome.case)
                yield outcome
            if report.is_file():
                for outcome in read_report(report.read_text(encoding="utf-8"), self._root):
                    bad = bad or outcome.bad
                    if outcome.bad or outcome.case not in live:
                        yield outcome
            fine = pytest.returncode == _NO_TESTS or (not pytest.returncode and report.is_file())
            if not fine and not bad:
                tail = "\n".join(said.read_text(errors="replace").splitlines()[-_TAIL:])
                broken = Case("flow", "pytest", cases[0].file)
                message = f"pytest ended with {pytest.returncode}\n{tail}"
                yield Outcome(broken, Ending.ERROR, message=message)

    def _started(self, files: Sequence[str], report: Path, said: Path) -> subprocess.Popen[bytes]:
        from orchestrator.testing.plugin import PROGRESS  # it imports pytest, which may be missing

        words = [sys.executable, "-m", "pytest", *files, "--color=no", f"--junitxml={report}"]
        words += ["-o", "junit_family=xunit1"]
        words += ["-k", self._expression] if self._expression else []
        with said.open("wb") as output:
            return subprocess.Popen(
                words, cwd=self._root, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, PROGRESS: str(report.with_name(_PROGRESS))},
            )  # fmt: skip


def _as_they_end(
    pytest: subprocess.Popen[bytes], progress: Path, say: Callable[[str], None]
) -> Iterator[Outcome]:
    """Outcomes of tests that passed or were skipped, while pytest runs; of others, only a word.

    What was wrong with those is in the report, once pytest has ended.
    """
    read, ended = 0, False
    try:
        while not ended:
            ended = pytest.poll() is not None
            lines, read = _new_lines(progress, read)
            for said in map(json.loads, lines):
                file, line, name = said["location"]
                if said["outcome"] == "passed":
                    case = Case("flow", name, file, line + 1)
                    yield Outcome(case, Ending.PASSED, said["seconds"])
                elif said["outcome"] == "failed":
                    say(f"{name} failed")
            if not ended:
                time.sleep(_LOOK)
    finally:
        if pytest.poll() is None:
            pytest.terminate()
        pytest.wait()


def _new_lines(file: Path, read: int) -> tuple[list[bytes], int]:
    """Whole lines that were written since the last look, and how much is read now."""
    if not file.is_file():
        return [], read
    with file.open("rb") as stream:
        stream.seek(read)
        lines = [line for line in stream if line.endswith(b"\n")]
    return lines, read + sum(map(len, lines))


def read_report(text: str, root: Path) -> Iterator[Outcome]:
    """Read a JUnit report of pytest (of the family ``xunit1``).

    Args:
        text: The report.
        root: Folder that pytest ran in.
    """
    for case in ElementTree.fromstring(text).iter("testcase"):
        file = case.get("file") or case.get("classname", "").replace(".", "/") + ".py"
        line = case.get("line")
        found = Case("flow", _name(case, file), file, int(line) + 1 if line else None)
        bad = next((child for child in case if child.tag in ("failure", "error")), None)
        seconds = float(case.get("time") or 0)
        if bad is not None:
            ending = Ending.FAILED if bad.tag == "failure" else Ending.ERROR
            told = bad.text or ""
            message = _said(told) or bad.get("message") or "it failed"
            yield Outcome(found, ending, seconds, message, _place(told, root))
        elif (skipped := case.find("skipped")) is not None:
            yield Outcome(found, Ending.SKIPPED, seconds, skipped.get("message") or "")
        else:
            yield Outcome(found, Ending.PASSED, seconds)


def _name(case: ElementTree.Element, file: str) -> str:
    module = file.removesuffix(".py").replace("/", ".")
    classes = case.get("classname", "").removeprefix(module).strip(".")
    return f"{classes}.{case.get('name')}" if classes else str(case.get("name"))


def _said(text: str) -> str:
    """The lines in which pytest says what was wrong, without its mark."""
    lines = [line[1:] for line in text.splitlines() if line.startswith("E ")]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:].rstrip() for line in lines)


def _place(text: str, root: Path) -> str:
    """The last place that is named and lies in the project."""
    for file, line in reversed(_PLACE.findall(text)):
        path = (root / file).resolve()
        if root.resolve() in path.parents and "site-packages" not in path.parts:
            return f"{path.relative_to(root.resolve())}:{line}"
    return ""
