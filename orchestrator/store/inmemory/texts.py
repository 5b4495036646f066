"""The texts of runs in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from orchestrator.store.inmemory.shared import MemoryRuns
from orchestrator.store.texts import Text, TextStore


class MemoryTexts(MemoryRuns, TextStore):
    """Texts by hash."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[str, str] = {}

    def keep_texts(self, run_id: str, texts: Collection[Text]) -> None:
        with self._lock:
            self._of(run_id).texts.update(text.hash for text in texts)
            for text in texts:
                self._texts.setdefault(text.hash, text.body)

    def texts(self, hashes: Collection[str]) -> Mapping[str, str]:
        with self._lock:
            return {name: self._texts[name] for name in hashes if name in self._texts}

    def _forget_texts(self) -> None:
        used = set().union(*(kept.texts for kept in self._kept.values()))
        for name in self._texts.keys() - used:
            del self._texts[name]
