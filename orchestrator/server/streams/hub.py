"""The feeds that are read now: one of a run, however many clients follow it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing

from anyio import CapacityLimiter, to_thread

from orchestrator.server.streams.feed import Feed, Reader
from orchestrator.server.streams.run_reader import RunReader
from orchestrator.server.streams.runs_reader import RunsReader
from orchestrator.server.streams.words import Place, View
from orchestrator.store.base import RunStore

_THREADS = 8  #: at most so many read for streams at once: the other routes have theirs


class Hub:
    """Gives each client its stream.

    Args:
        store: The store.
        project: The project's name.
    """

    def __init__(self, store: RunStore, project: str) -> None:
        self._store, self._project, self._closed = store, project, False
        # Event loops end before the feeds that were begun in them when tests come and go.
        self._feeds: dict[tuple[asyncio.AbstractEventLoop, Hashable], Feed] = {}
        self._threads: dict[asyncio.AbstractEventLoop, CapacityLimiter] = {}

    async def run(
        self, run_id: str, view: View, after: Place | None
    ) -> AsyncGenerator[bytes, None]:
        """What a client is sent that follows a run."""
        feed = await self._feed(run_id, lambda: RunReader(self._store, run_id))
        if self._closed:
            return
        async with aclosing(feed.follow(view, after)) as texts:
            async for text in texts:
                yield text

    async def runs(self, after: Place | None) -> AsyncGenerator[bytes, None]:
        """What a client is sent that follows all runs."""
        feed = await self._feed(None, lambda: RunsReader(self._store, self._project))
        if self._closed:
            return
        async with aclosing(feed.follow(View(), after)) as texts:
            async for text in texts:
                yield text

    def close(self) -> None:
        """Let all clients go, and take no more; may be called from any thread."""
        self._closed = True
        for (loop, _), feed in list(self._feeds.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(feed.close)

    async def _feed(self, what: Hashable, reader: Callable[[], Reader]) -> Feed:
        loop = asyncio.get_running_loop()
        place = loop, what
        if place not in self._feeds:
            threads = self._threads.setdefault(loop, CapacityLimiter(_THREADS))
            made = await to_thread.run_sync(reader, limiter=threads)
            # Of several that came at once, one feed stays.
            self._feeds.setdefault(place, Feed(made, threads, lambda: self._forget(place)))
        return self._feeds[place]

    def _forget(self, place: tuple[asyncio.AbstractEventLoop, Hashable]) -> None:
        self._feeds.pop(place, None)
