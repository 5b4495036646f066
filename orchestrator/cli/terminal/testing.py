"""Tests as they run, and their summary: in lines for people, or as JSON."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from orchestrator.cli.terminal.text import clean, duration, one_line
from orchestrator.testing.suite import Ending, Outcome

if TYPE_CHECKING:
    from orchestrator.cli.session import Session

_WORDS = {
    Ending.PASSED: ("ok", "green"), Ending.FAILED: ("FAILED", "bold red"),
    Ending.ERROR: ("ERROR", "bold red"), Ending.SKIPPED: ("skipped", "dim"),
}  # fmt: skip
_WIDTH = 8
_HOW = """there are no tests here
  a SQL test:   sql/tests/NAME.yml, with the key sql_tests:
  a dbt test:   unit_tests: beside the model
  a flow test:  tests/test_NAME.py, for pytest"""


class Screen:
    """Shows tests as they end, and what came of all.

    Args:
        session: Says where to and in which format.
        began: When, by the monotonic clock.
        some: Whether only some of the tests were asked for.

    Attributes:
        outcomes: Of the tests so far.
    """

    def __init__(self, session: Session, began: float, some: bool = False) -> None:
        self._session, self._began, self._some = session, began, some
        self._console = None if session.json else session.console()
        self._notes: list[str] = []
        self.outcomes: list[Outcome] = []

    def title(self, text: str) -> None:
        """A kind of tests begins."""
        self._print((text, "bold"))

    def say(self, text: str) -> None:
        """Something is being done beside."""
        self._notes.append(text)
        self._print((f"  {one_line(text)}", "dim"))

    def ended(self, outcome: Outcome) -> None:
        """A test has ended."""
        self.outcomes.append(outcome)
        word, style = _WORDS[outcome.ending]
        case, took = outcome.case, f"  {duration(outcome.seconds)}" if outcome.seconds else ""
        name = f"{one_line(case.name)}  {clean(case.place)}{took}"
        self._print((f"  {word:<{_WIDTH}}", style), (name, ""))

    def close(self) -> None:
        """Say what came of all."""
        if self._session.json:
            self._session.show(self._shape, lambda width: [])
            return
        if not self.outcomes:
            self._print(("no test is among what was asked for" if self._some else _HOW, ""))
            return
        for outcome in self.outcomes:
            if outcome.bad:
                self._failure(outcome)
        self._print(("", ""))
        bad = any(outcome.bad for outcome in self.outcomes)
        self._print((self._counted(), "bold red" if bad else "green"))

    def _failure(self, outcome: Outcome) -> None:
        word, style = _WORDS[outcome.ending]
        place = outcome.place or outcome.case.place
        head = f"  {one_line(outcome.case.name)}  {clean(place)}"
        self._print(("", ""))
        self._print((word, style), (head, "bold"))
        for line in clean(outcome.message).splitlines():
            self._print((f"  {line}", ""))

    def _counted(self) -> str:
        counts = Counter(outcome.ending for outcome in self.outcomes)
        words = {Ending.ERROR: "could not run"}
        said = [f"{counts[e]} {words.get(e, e.value)}" for e in Ending if counts[e]]
        return f"{', '.join(said)} in {duration(time.monotonic() - self._began)}"

    def _print(self, *parts: tuple[str, str]) -> None:
        if self._console is not None:
            from rich.text import Text

            self._console.print(Text.assemble(*parts), soft_wrap=True, highlight=False)

    def _shape(self) -> dict[str, Any]:
        """``ok``, ``counts``, ``seconds``, ``notes`` and, of each test, how it ended and where."""
        counts = Counter(outcome.ending.value for outcome in self.outcomes)
        return {
            "ok": not any(outcome.bad for outcome in self.outcomes),
            "counts": {ending.value: counts[ending.value] for ending in Ending},
            "seconds": round(time.monotonic() - self._began, 3),
            "notes": self._notes,
            "tests": [
                {
                    "kind": outcome.case.kind,
                    "name": outcome.case.name,
                    "file": outcome.case.file,
                    "line": outcome.case.line,
                    "ending": outcome.ending.value,
                    "seconds": round(outcome.seconds, 3),
                    "message": clean(outcome.message),
                    "place": outcome.place or outcome.case.place,
                }
                for outcome in self.outcomes
            ],
        }
