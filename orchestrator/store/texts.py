"""Long texts that tasks leave behind, kept once however many runs leave the same one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.store.rows import clean

#: Bytes of a text that are kept.
LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is kept.

    Args:
        hash: Names it: of the whole text, also where it is cut.
        body: The text; one of more than :data:`LIMIT` bytes is cut, and says so at its end.
    """

    hash: str
    body: str


def text_of(body: str) -> Text:
    """Name a text, and cut it where it is too long to be kept.

    Example:
        >>> text_of("select 1").hash
        '822ae07d4783158bc1912bb623e5107c'
        >>> len(text_of("x" * 2 * LIMIT).body) < LIMIT + 100
        True
    """
    whole = clean(body)
    raw = whole.encode()
    if len(raw) > LIMIT:
        told = f"\n-- cut here: the whole is {len(raw):,} bytes long\n"
        whole = raw[:LIMIT].decode(errors="ignore") + told
    return Text(hashlib.sha256(raw).hexdigest()[:32], whole)


class TextStore(ABC):
    """What a run store promises of texts."""

    @abstractmethod
    def keep_texts(self, run_id: str, texts: Collection[Text]) -> None:
        """Keep texts as long as the run is kept, or another one that has them.

        Args:
            run_id: The whole id.
            texts: From :func:`text_of`. What is kept already is not written again.

        Raises:
            NotFoundError: There is no such run.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> from orchestrator.store.records import FlowRun
            >>> store, text = MemoryStore(), text_of("select 1")
            >>> run_id = store.create_run(FlowRun("a1", "nightly"))
            >>> store.keep_texts("a1", [text])
            >>> store.texts([text.hash, "nobody's"]) == {text.hash: "select 1"}
            True
        """

    @abstractmethod
    def texts(self, hashes: Collection[str]) -> Mapping[str, str]:
        """Return texts by their hashes; those that are not kept are left out."""
