"""One reader of the store for all clients that follow the same thing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

from orchestrator.errors import OrchestratorError
from orchestrator.server.streams.words import BEAT, BEGINNING, News, Place, View

Found = TypeVar("Found")

_log = logging.getLogger(__name__)
_BEAT = 15.0  #: seconds
_WAITING = 64  #: so many pieces of news wait for a slow client; then it is let go, and comes back
_AFTER_ERROR = 2.0  #: seconds


class Reader(Protocol):
    """Reads what is followed, in threads."""

    pause: float  #: seconds between two looks
    place: Place  #: how far it has read

    def news(self) -> News | None:
        """What is new since the last time; None if nothing is."""

    def missed(self, after: Place | None, until: Place, view: View) -> Iterable[bytes]:
        """What a client has missed that comes (back) with a place."""


class Follower:
    """One client.

    Args:
        view: What it looks at.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)

    def tell(self, text: bytes) -> None:
        """Put text in its queue; a client whose queue is full is let go."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.let_go()

    def end(self) -> None:
        """End its stream after what it is told."""
        try:
            self._waiting.put_nowait(None)
        except asyncio.QueueFull:
            self.let_go()

    def let_go(self) -> None:
        """End its stream at once; what waits is not sent."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def heard(self) -> AsyncIterator[bytes]:
        """What it is told, until it is let go."""
        while True:
            try:
                text = await asyncio.wait_for(self._waiting.get(), _BEAT)
            except TimeoutError:
                text = BEAT
            if text is None:
                return
            yield text


class Feed:
    """Reads while somebody follows, and tells all who do.

    Args:
        reader: What reads.
        threads: Bounds how many threads read at once.
        ended: Called when nobody follows any more.
    """

    def __init__(self, reader: Reader, threads: CapacityLimiter, ended: Callable[[], None]) -> None:
        self._reader, self._threads, self._ended = reader, threads, ended
        self._followers: set[Follower] = set()
        self._told = reader.place
        self._reading: asyncio.Task[None] | None = None

    async def follow(self, view: View, after: Place | None) -> AsyncGenerator[bytes, None]:
        """Yield what a client is sent.

        Args:
            view: What it looks at.
            after: How far it has read; None for one that comes for the first time.
        """
        follower = Follower(view)
        self._followers.add(follower)
        # Nothing is missed: what comes from here on is in the queue, what came before is read now.
        until = self._told
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())
        try:
            yield BEGINNING
            missed = iter(self._reader.missed(after, until, view))
            while (text := await self._in_thread(lambda: next(missed, None))) is not None:
                if text:
                    yield text
            async for text in follower.heard():
                yield text
        finally:
            self._followers.discard(follower)
            if not self._followers:
                self.close()

    def close(self) -> None:
        """Let all clients go."""
        for follower in self._followers:
            follower.let_go()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._ended()

    async def _read(self) -> None:
        while True:
            pause = self._reader.pause
            try:
                news = await self._in_thread(self._reader.news)
            except OrchestratorError as error:  # the store restarts: it is asked again
                _log.warning("a stream waits for the run store: %s", error.what)
                news, pause = None, _AFTER_ERROR
            if news is not None:
                self._tell(news)
            await asyncio.sleep(pause)

    def _tell(self, news: News) -> None:
        self._told = news.until
        for follower in list(self._followers):
            text = news.text(follower.view)
            if text:
                follower.tell(text)
            if news.ended is not None:
                follower.end()

    async def _in_thread(self, work: Callable[[], Found]) -> Found:
        return await to_thread.run_sync(work, limiter=self._threads)
