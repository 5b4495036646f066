"""The statements that an attempt really ran, and the datasets that they touched."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.model.dataset import Dataset, Namespace

#: What is kept of one attempt; beyond it statements are only counted.
MOST_STATEMENTS = 5_000
MOST_CHARACTERS = 4_000_000
#: A longer statement is not kept; a list of values is cut out of it before.
LONGEST_STATEMENT = 500_000

_VALUES = re.compile(
    r"""\s*(?:/\*.*?\*/\s*)?(?:insert|replace)\s+into\s+[^\s(;]+\s*(?:\([^()]*\)\s*)?values\b""",
    re.IGNORECASE | re.DOTALL,
)
_ASKS = re.compile(r"\b(?:select|from|table|with)\b", re.IGNORECASE)

#: Gives the place (``file:line``) of a line of a statement.
Place = Callable[[int], str]
#: Gives the datasets that stand behind one of the names read, as tables stand behind a view.
Behind = Callable[[Iterable[Dataset]], Iterable[tuple[Dataset, Dataset]]]


@dataclass(frozen=True, slots=True)
class Ran:
    """One statement that ran.

    Args:
        text: The statement; a long list of values may be cut out of it.
        namespace: How names in it are read.
        connection: Tells the connections of one attempt apart: each has its own ``USE``.
        place: Where it stands.
        reads: What it reads by the database's own word, where its text does not say so.
    """

    text: str
    namespace: Namespace
    connection: int = 0
    place: Place | None = None
    reads: tuple[Dataset, ...] = ()


class StatementRecorder:
    """Takes down what one attempt runs, within bounds; any thread of the attempt may write.

    Attributes:
        unchecked: Statements that were not kept, because there were too many or too long.
        behind: By the namespace that names are read in, whom to ask at the end what stands behind
            the names that were read.
        own: What the tool that ran writes of itself, whatever the flow says.

    Example:
        >>> recorder = StatementRecorder()
        >>> recorder.add("insert into t values (1), (2)", Namespace())
        >>> recorder.statements()[0].text
        'insert into t values (0)'
    """

    def __init__(self) -> None:
        self.unchecked = 0
        self.behind: dict[Namespace, Behind] = {}
        self.own: set[Dataset] = set()
        self._ran: list[Ran] = []
        self._last: tuple[object, ...] = ()
        self._characters = 0
        self._lock = threading.Lock()

    def add(
        self,
        text: str,
        namespace: Namespace,
        *,
        connection: int = 0,
        place: Place | None = None,
        reads: Iterable[Dataset] = (),
    ) -> None:
        """Take down a statement that is about to run; see :class:`Ran`."""
        text = _without_values(text)
        ran = Ran(text, namespace, connection, place, tuple(reads))
        with self._lock:
            key = (text, namespace, connection, ran.reads)
            if key == self._last:  # a loop that writes row by row
                return
            if (
                len(text) > LONGEST_STATEMENT
                or len(self._ran) >= MOST_STATEMENTS
                or self._characters + len(text) > MOST_CHARACTERS
            ):
                self.unchecked += 1
                return
            self._last = key
            self._characters += len(text)
            self._ran.append(ran)

    def statements(self) -> tuple[Ran, ...]:
        """What was taken down, in order."""
        with self._lock:
            return tuple(self._ran)


def _without_values(text: str) -> str:
    """Cut a list of values out of an INSERT, unless something in it may read a table."""
    head = _VALUES.match(text)
    if head is None or _ASKS.search(text, head.end()):
        return text
    return f"{head[0]} (0)"


@dataclass(frozen=True, slots=True)
class Touch:
    """One dataset that an attempt read or wrote.

    Args:
        dataset: The dataset.
        namespace: Dialect and defaults of the connection, in which its name can be written.
        place: ``file:line``, or empty.
        statement: The first words of the statement.
    """

    dataset: Dataset
    namespace: Namespace
    place: str = ""
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Executed:
    """What an attempt came to, all its statements together.

    Args:
        reads: Needed before it ran.
        writes: Written by it and still there at its end.
        unchecked: Statements that were not looked at: too many, too long, or not readable.
    """

    reads: tuple[Touch, ...] = ()
    writes: tuple[Touch, ...] = ()
    unchecked: int = 0
